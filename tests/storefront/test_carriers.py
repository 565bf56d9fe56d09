"""The carriers on offer are kept for ten seconds, and only for showing."""

from typing import Any

import pytest

from takeback.logistics.models import EasyReturnShippingCompany
from takeback.storefront import carrier_cache
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]


def offered(client: Any) -> list[str]:
    """The carriers beside the only line of the only order."""
    (order,) = client.get("/users/orders/").json()["results"]
    (line,) = order["orderitem_set"]
    return [carrier["name"] for carrier in line["available_easy_return_shipping_companies"]]


def test_what_the_shop_changes_shows_after_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 1_000.0
    monkeypatch.setattr(carrier_cache, "monotonic", lambda: seconds)
    user = factories.create_customer()
    client = factories.client_of(user)
    factories.create_order(customer=user)
    factories.create_carrier(name="First")
    assert offered(client) == ["First"]

    EasyReturnShippingCompany.objects.update(name="Second")
    seconds += 9.9
    assert offered(client) == ["First"]
    seconds += 0.1
    assert offered(client) == ["Second"]


def test_a_channel_shows_its_own() -> None:
    ours = factories.create_channel()
    factories.create_carrier(name="Ours", channel=ours)

    assert b"Ours" in bytes(carrier_cache.on_offer(ours.pk))
    assert bytes(carrier_cache.on_offer(ours.pk + 1)) == b"[]"
