"""The cache of encoded documents: snapshots per dialect, carriers per channel."""

from typing import Any

import msgspec
import pytest

from takeback.logistics.models import EasyReturnShippingCompany
from takeback.orders.queries import SnapshotRow
from takeback.storefront import document_cache
from takeback.storefront.dialect import Dialect
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

NO_CATEGORY = msgspec.Raw(b'{"category":null}')


def _row(number: int) -> tuple[str, SnapshotRow]:
    return "price_list", SnapshotRow(number, '{"name":"Retail","token":"secret"}')


def test_snapshot_is_cached_for_its_dialect_only() -> None:
    documents = document_cache.cache_snapshots([_row(7)], Dialect.CLASSIC)

    assert documents == document_cache.cached_snapshots({7, 8}, Dialect.CLASSIC)
    assert msgspec.json.decode(documents[7]) == {"pk": 7, "name": "Retail", "token": None}
    assert document_cache.cached_snapshots({7}, Dialect.V3) == {}


def test_full_cache_drops_the_oldest_snapshots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_cache, "MAX_SNAPSHOTS", 2)

    document_cache.cache_snapshots([_row(1)], Dialect.CLASSIC)
    document_cache.cache_snapshots([_row(2), _row(3)], Dialect.CLASSIC)

    assert document_cache.cached_snapshots([1, 2, 3], Dialect.CLASSIC).keys() == {2, 3}


def carriers_of(client: Any) -> list[str]:
    """The carriers on offer for the only item of the only order."""
    (order,) = client.get("/users/orders/").json()["results"]
    (item,) = order["orderitem_set"]
    return [carrier["name"] for carrier in item["available_easy_return_shipping_companies"]]


def test_change_of_a_carrier_is_visible_after_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 1_000.0
    monkeypatch.setattr(document_cache, "monotonic", lambda: seconds)
    user = factories.create_customer()
    client = factories.client_of(user)
    factories.create_order(customer=user)
    factories.create_carrier(name="First")
    assert carriers_of(client) == ["First"]

    EasyReturnShippingCompany.objects.update(name="Second")
    seconds += 9.9
    assert carriers_of(client) == ["First"]
    seconds += 0.1
    assert carriers_of(client) == ["Second"]


def test_channel_offers_its_own_carriers() -> None:
    channel = factories.create_channel()
    factories.create_carrier(name="Ours", channel=channel)

    ours = document_cache.shipping_companies(channel.pk).for_item("{}", 1, NO_CATEGORY)
    others = document_cache.shipping_companies(channel.pk + 1).for_item("{}", 1, NO_CATEGORY)
    assert b"Ours" in bytes(ours)
    assert bytes(others) == b"[]"


def test_items_with_the_same_country_and_categories_share_a_document() -> None:
    channel = factories.create_channel()
    factories.create_carrier(name="Shoes in Turkey", countries=["TR"], categories=["shoes"])
    factories.create_carrier(name="Germany", countries=["DE"])
    carriers = document_cache.shipping_companies(channel.pk)
    turkey, germany = '{"country":{"code":"tr"}}', '{"country":{"code":"de"}}'
    shoes = msgspec.Raw(b'{"category":{"pk":7,"name":"Shoes"}}')

    in_turkey = carriers.for_item(turkey, 1, shoes)

    assert _names(in_turkey) == ["Shoes in Turkey"]
    assert carriers.for_item(turkey, 2, shoes) is in_turkey
    assert _names(carriers.for_item(turkey, 3, NO_CATEGORY)) == []
    assert _names(carriers.for_item(germany, 1, shoes)) == ["Germany"]


def _names(carriers: msgspec.Raw) -> list[str]:
    return [carrier["name"] for carrier in msgspec.json.decode(carriers)]
