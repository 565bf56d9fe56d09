"""The units that are left of an item: in every document, and in the refusal of too many."""

from typing import Any

import pytest

from takeback.cancellations.commands.import_completed import (
    CompletedCase,
    get_or_create_imported_reason,
    record_completed,
)
from takeback.cancellations.commands.transition import confirm, reject
from takeback.core.ids import CaseId, ItemId
from takeback.orders.models import OrderItem
from takeback.orders.units import units_left
from tests import factories
from tests.cancellations.factories import SCOPE, STAFF, open_case, order_items
from tests.channel import shop
from tests.channel.case_calls import CASES, caller, refused
from tests.channel.case_calls import open_case as open_by_channel
from tests.factories import HttpClient
from tests.storefront.api import CLASSIC, V3, look_up

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several commands"),
]

CHANNEL = f"/api/v1/channel/{shop.SHOP}/"


def item_of(quantity: int, **fields: Any) -> OrderItem:
    """An item of several units."""
    values = {"quantity": quantity, "attributes": {"quantity": quantity}} | fields
    return order_items(values)[0]


def shown_by_storefront(headers: dict[str, str]) -> list[int]:
    """The figures in a guest's look-up."""
    response_body = look_up(headers=headers).json()
    orders = response_body["results"] if isinstance(response_body, dict) else response_body
    [order] = orders
    return [item["units_left"] for item in order["orderitem_set"]]


def shown_by_channel(client: HttpClient) -> list[list[int]]:
    """The figures in the channel's items and orders, each in lists and alone."""
    items = client.get(f"{CHANNEL}order_items/", {"sort": "id"}).json()["results"]
    order = client.get(f"{CHANNEL}orders/{items[0]['order']}/").json()
    [listed] = client.get(f"{CHANNEL}orders/").json()["results"]
    alone = [client.get(f"{CHANNEL}order_items/{item['pk']}/").json() for item in items]
    by_id = sorted(items, key=lambda item: item["pk"])
    documents = [by_id, order["orderitem_set"], listed["orderitem_set"]]
    documents.append(sorted(alone, key=lambda item: item["pk"]))
    return [[item["units_left"] for item in document] for document in documents]


def check(client: HttpClient, *expected: int) -> None:
    """Every document shows these figures, item by item."""
    for headers in (CLASSIC, V3):
        assert shown_by_storefront(headers) == list(expected)
    assert shown_by_channel(client) == [list(expected)] * 4


def test_imported_cancellation_leaves_two_of_three_units() -> None:
    item = item_of(3)
    completed = CompletedCase(ItemId(item.pk), 1, "ZC1", factories.NOW)
    reason = get_or_create_imported_reason()
    record_completed(factories.SHOP, [completed], reason_id=reason, now=factories.NOW)
    client = caller()

    check(client, 2)

    text = "Quantity can not be greater than order item quantity. At most 2 units are left."
    fields = {"reason": factories.create_reason().pk, "cancellation_type": "cancel"}
    with refused(400, "quantity_too_large", "quantity") as responses:
        responses.append(open_by_channel(client, order_item=item.pk, quantity=3, **fields))
    assert responses[0].json()["quantity"] == [text]
    response = open_by_channel(client, order_item=item.pk, quantity=2, **fields)
    assert response.status_code == 201
    check(client, 0)
    [detailed] = client.get(f"{CASES}detailed/", {"status": "waiting"}).json()["results"]
    assert detailed["order_item"]["units_left"] == 0


def test_units_of_an_open_case_are_not_left_before_and_after_the_split() -> None:
    item = item_of(5)
    client = caller()
    check(client, 5)
    case = open_case(item, quantity=2)
    check(client, 3)
    confirm(CaseId(case), SCOPE, actor=STAFF, now=factories.NOW)
    check(client, 3, 0)
    reject(CaseId(case), SCOPE, actor=STAFF, now=factories.NOW)
    check(client, 5)


@pytest.mark.parametrize("status", [100, 600])
def test_no_unit_of_an_ended_item_is_left(status: int) -> None:
    item_of(4, status=status)
    check(caller(), 0)


def test_units_refunded_elsewhere_are_not_left() -> None:
    item = item_of(4)
    OrderItem.objects.filter(pk=item.pk).update(refunded_elsewhere_quantity=1, units_closed=1)
    check(caller(), 2)


def test_units_left_are_never_negative() -> None:
    item = OrderItem(status=400, quantity=2, units_closed=1, refunded_elsewhere_quantity=1)
    assert units_left(item, 1) == 0
