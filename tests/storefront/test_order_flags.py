"""The flags of orders and items follow the policy."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from takeback.accounts.policy import shop_policy
from takeback.cancellations import policy
from takeback.cancellations.statuses import Kind
from takeback.cancellations.statuses import Status as CaseStatus
from takeback.orders.models import OrderItem
from takeback.orders.order_input import PaymentIn
from takeback.orders.statuses import Status
from tests import factories
from tests.storefront.api import look_up

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]


def item_of_new_order(**fields: Any) -> dict[str, Any]:
    """The document of the only item of a new guest order."""
    factories.create_order(items=[factories.item_input(**fields)])
    return read_item()


def read_item() -> dict[str, Any]:
    """The document of the first item of the guest's order."""
    (order,) = look_up().json()
    item: dict[str, Any] = order["orderitem_set"][0]
    for flag in ("is_cancelled", "is_cancellable", "is_refundable"):
        assert order[flag] is item[flag]
    return item


def flags(document: dict[str, Any]) -> tuple[bool, bool, bool]:
    """`is_cancelled`, `is_cancellable` and `is_refundable`."""
    return document["is_cancelled"], document["is_cancellable"], document["is_refundable"]


@pytest.mark.parametrize("invoice", [None, "INV-1"])
@pytest.mark.parametrize("status", Status)
def test_flags_of_an_item_follow_the_policy(status: Status, invoice: str | None) -> None:
    item_of_new_order(invoice_number=invoice)
    OrderItem.objects.update(status=status)
    item = read_item()

    context = policy.ItemContext(
        status=status,
        units_left=1,
        has_live_case=False,
        is_invoiced=invoice is not None,
        placed_at=factories.NOW,
        arrived_at=None,
        shop=shop_policy(factories.SHOP),
        now=factories.NOW,
    )
    allowed = [policy.item_refusal(kind, context) is None for kind in (Kind.CANCEL, Kind.RETURN)]
    assert flags(item) == (status == Status.CANCELLED, *allowed)
    assert allowed != [True, True]


LONG_AGO = factories.NOW - timedelta(days=15)
RECENT = factories.NOW - timedelta(days=14)


@pytest.mark.parametrize(
    ("dates", "refundable"),
    [
        ({"delivered_date": RECENT}, True),
        ({"delivered_date": LONG_AGO}, False),
        ({"delivered_date": RECENT, "shipped_date": LONG_AGO}, True),
        ({"shipped_date": LONG_AGO, "invoice_date": RECENT}, False),
        ({"shipped_date": RECENT, "invoice_date": LONG_AGO}, True),
        ({"invoice_date": LONG_AGO}, False),
        ({}, True),
    ],
)
def test_return_window_starts_at_delivery_else_shipment_else_invoice(
    dates: dict[str, datetime], refundable: bool
) -> None:
    item_of_new_order(status=Status.DELIVERED, invoice_number="INV")
    no_dates = dict.fromkeys(("delivered_date", "shipped_date", "invoice_date"))
    OrderItem.objects.update(**no_dates | dates)

    assert read_item()["is_refundable"] is refundable


@pytest.mark.parametrize("status", CaseStatus)
def test_live_case_closes_its_item_and_is_the_active_request(status: CaseStatus) -> None:
    order = factories.create_order()
    case = factories.create_case(item=factories.items_of(order)[0], status=status)

    item = read_item()
    is_live = status in {"waiting", "waiting_approval", "confirmed", "approved"}
    assert item["is_cancellable"] is not is_live
    assert [row["id"] for row in item["cancellationrequest_set"]] == [case.pk]
    active = item["active_cancellation_request"]
    assert (active and active["id"]) == (case.pk if is_live else None)


VISIBLE_STATUSES = {
    "waiting": "open",
    "waiting_approval": "open",
    "confirmed": "open",
    "approved": "approved",
    "completed": "completed",
    "rejected": "rejected",
    "withdrawn": "rejected",
}


@pytest.mark.parametrize(("status", "visible"), VISIBLE_STATUSES.items())
def test_status_of_a_case_is_simplified_for_shoppers(status: str, visible: str) -> None:
    order = factories.create_order()
    factories.create_case(item=factories.items_of(order)[0], status=status)

    assert read_item()["cancellationrequest_set"][0]["status"]["value"] == visible


def test_item_without_open_units_allows_nothing() -> None:
    order = factories.create_order(items=[factories.item_input(quantity=2)])
    assert read_item()["is_cancellable"]

    OrderItem.objects.filter(order=order).update(units_closed=2)

    assert flags(read_item()) == (False, False, False)


def test_flags_of_an_order_combine_those_of_its_items() -> None:
    factories.create_order(
        number="1",
        items=[
            factories.item_input(status=Status.CANCELLED),
            factories.item_input(remote_id="2", status=Status.APPROVED),
        ],
    )
    factories.create_order(
        number="2",
        items=[
            factories.item_input(status=Status.CANCELLED),
            factories.item_input(remote_id="2", status=Status.DELIVERED),
        ],
    )
    factories.create_order(number="3", items=[factories.item_input(status=Status.CANCELLED)])

    orders = [look_up(number=str(number)).json()[0] for number in (1, 2, 3)]

    assert [flags(order) for order in orders] == [
        (False, True, False),
        (False, False, True),
        (True, False, False),
    ]


@pytest.mark.parametrize(
    ("status", "captured", "payable"),
    [
        (Status.PAYMENT_WAITING, 0, True),
        (Status.PAYMENT_WAITING, 400, True),
        (Status.PAYMENT_WAITING, 1000, False),
        (Status.APPROVED, 0, False),
    ],
)
def test_order_is_payable_while_a_payment_is_missing(
    status: Status, captured: int, payable: bool
) -> None:
    factories.create_order(
        status=status,
        items=[factories.item_input(status=status)],
        payments=[PaymentIn(kind="card", amount_minor=1000, captured_minor=captured)],
    )

    assert look_up().json()[0]["is_payable"] is payable


def test_settings_are_the_limits_of_the_policy(settings: Any) -> None:
    settings.CANCEL_BLOCKED_BY_INVOICE = False
    settings.CANCEL_TIME_LIMIT_MINUTES = 30
    settings.REFUND_DAY_LIMIT = 1
    factories.create_order(number="1", items=[factories.item_input(invoice_number="INV")])
    factories.create_order(number="2", placed_at=factories.NOW - timedelta(minutes=31))
    late = factories.item_input(
        status=Status.DELIVERED,
        invoice_number="I",
        delivered_date=factories.NOW - timedelta(days=2),
    )
    factories.create_order(number="3", items=[late])

    orders = [look_up(number=str(number)).json()[0] for number in (1, 2, 3)]

    assert [flags(order)[1:] for order in orders] == [(True, False), (False, False), (False, False)]
