"""The `cancel_status` of items and orders: their cases decide, unless the channel has sent one."""

from typing import Any

import pytest

from takeback.cancellations.models import CancellationPlan, CancellationRequest
from takeback.orders.models import Order, OrderItem
from takeback.orders.statuses import Status
from tests import factories
from tests.channel import shop

pytestmark = pytest.mark.django_db

CHANNEL = f"/api/v1/channel/{shop.SHOP}/"
PAYING = "waiting_for_payment"
"""An approved case whose refund is under way."""
SHOWN = {
    "waiting": "waiting",
    "waiting_approval": "confirmation_waiting",
    "confirmed": "waiting",
    "approved": "approved",
    PAYING: PAYING,
    "completed": "completed",
    "rejected": "rejected",
    "withdrawn": "rejected",
}
VALUES = [*sorted(set(SHOWN.values())), "cancelled"]


def _order_with_cases(*statuses: str, **fields: Any) -> Order:
    """An order with two items; the first has cases of these statuses."""
    inputs = [factories.item_input(), factories.item_input(remote_id="2")]
    order = factories.create_order(items=inputs, **fields)
    item = factories.items_of(order)[0]
    for status in statuses:
        is_paying = status == PAYING
        case = factories.create_case(item=item, status="approved" if is_paying else status)
        if is_paying:
            _start_paying(case.pk)
    return order


def _start_paying(case: int) -> None:
    """The refund of the case's plan has left."""
    plan = factories.create_plan(case=case)
    for status in ("approved", PAYING):
        CancellationPlan.objects.filter(pk=plan.pk).update(status=status)


def _results(path: str, **query: str) -> list[dict[str, Any]]:
    response = shop.client().get(CHANNEL + path, query)
    assert response.status_code == 200, response.content
    return list(response.json()["results"])


def _values_that_find(path: str) -> list[str]:
    return [value for value in VALUES if _results(path, cancel_status=value)]


@pytest.mark.parametrize(("status", "shown"), SHOWN.items())
def test_case_decides_what_item_and_order_show(status: str, shown: str) -> None:
    _order_with_cases(status)

    (order,) = _results("orders/")
    (detailed,) = _results("cancellation_requests/detailed/")

    assert order["cancel_status"] == shown
    assert [item["cancel_status"] for item in order["orderitem_set"]] == [shown, None]
    assert [item["cancel_status"] for item in _results("order_items/")] == [None, shown]
    assert detailed["order_item"]["cancel_status"] == shown
    assert detailed["order_item"]["order"]["cancel_status"] == shown


@pytest.mark.parametrize(("status", "shown"), SHOWN.items())
def test_filter_finds_what_item_and_order_show(status: str, shown: str) -> None:
    order = _order_with_cases(status)
    factories.create_order(number="without-case")

    assert _values_that_find("orders/") == [shown]
    assert _values_that_find("orders/updates/") == [shown]
    assert _values_that_find("order_items/") == [shown]
    (result,) = _results("order_items/", cancel_status=shown)
    assert result["pk"] == factories.items_of(order)[0].pk


def test_live_case_decides_before_an_earlier_one() -> None:
    _order_with_cases("rejected", "waiting")

    assert _values_that_find("orders/") == _values_that_find("order_items/") == ["waiting"]
    assert _results("orders/")[0]["cancel_status"] == "waiting"


@pytest.mark.parametrize("first", ["approved", PAYING, "completed", "rejected"])
@pytest.mark.parametrize("second", ["waiting", "approved", PAYING, "completed"])
def test_least_advanced_case_decides_what_an_order_shows(first: str, second: str) -> None:
    order = _order_with_cases(first)
    item = factories.items_of(order)[1]
    case = factories.create_case(item=item, status="approved" if second == PAYING else second)
    if second == PAYING:
        _start_paying(case.pk)

    shown = min(first, second, key=["waiting", "approved", PAYING, "completed", "rejected"].index)

    assert _values_that_find("orders/") == [shown]
    assert _results("orders/")[0]["cancel_status"] == shown


def test_order_of_which_nothing_is_left_is_cancelled() -> None:
    order = _order_with_cases("completed")
    Order.objects.filter(pk=order.pk).update(status=Status.CANCELLED)

    assert _results("orders/")[0]["cancel_status"] == "cancelled"
    assert _values_that_find("orders/") == ["cancelled"]
    assert _values_that_find("order_items/") == ["completed"]


def test_value_of_the_channel_comes_first() -> None:
    order = _order_with_cases("waiting")
    Order.objects.filter(pk=order.pk).update(cancel_status="confirmed")
    OrderItem.objects.filter(order=order).update(cancel_status="approved")

    (shown,) = _results("orders/", cancel_status="confirmed")
    assert shown["cancel_status"] == "confirmed"
    assert [item["cancel_status"] for item in shown["orderitem_set"]] == ["approved"] * 2
    assert _values_that_find("orders/") == []
    assert _values_that_find("order_items/") == ["approved"]


def test_removed_case_and_case_of_another_channel_count_for_nothing() -> None:
    _order_with_cases("rejected")
    CancellationRequest.objects.update(is_hidden=True)
    _order_with_cases("waiting", channel_id=2, number="elsewhere")

    assert [order["cancel_status"] for order in _results("orders/")] == [None]
    assert _values_that_find("orders/") == _values_that_find("order_items/") == []
