"""The flags that an order and its lines show are the policy's own words."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from takeback.accounts.policy import shop_policy
from takeback.cancellations import policy
from takeback.cancellations.statuses import Kind
from takeback.cancellations.statuses import Status as CaseStatus
from takeback.orders.models import OrderItem
from takeback.orders.order_input import TenderIn
from takeback.orders.statuses import Status
from tests import factories
from tests.storefront.api import look_up

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]


def shown(**line: Any) -> dict[str, Any]:
    """The one line of a guest's order, as the guest reads it."""
    factories.create_order(items=[factories.item_input(**line)])
    return read()


def read() -> dict[str, Any]:
    """The first line of the guest's order as it stands."""
    (order,) = look_up().json()
    line: dict[str, Any] = order["orderitem_set"][0]
    for flag in ("is_cancelled", "is_cancellable", "is_refundable"):
        assert order[flag] is line[flag]
    return line


def flags(line: dict[str, Any]) -> tuple[bool, bool, bool]:
    """Cancelled, cancellable, refundable."""
    return line["is_cancelled"], line["is_cancellable"], line["is_refundable"]


@pytest.mark.parametrize("invoice", [None, "INV-1"])
@pytest.mark.parametrize("status", Status)
def test_a_line_s_flags_are_what_the_policy_allows(status: Status, invoice: str | None) -> None:
    line = shown(status=status, invoice_number=invoice)

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
    assert flags(line) == (status == Status.CANCELLED, *allowed)
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
def test_the_window_begins_with_delivery_else_shipping_else_the_invoice(
    dates: dict[str, datetime], refundable: bool
) -> None:
    line = shown(status=Status.DELIVERED, invoice_number="INV", **dates)

    assert line["is_refundable"] is refundable


@pytest.mark.parametrize("status", CaseStatus)
def test_a_live_case_closes_its_line_and_is_shown_as_the_active_one(status: CaseStatus) -> None:
    order = factories.create_order()
    case = factories.create_case(item=factories.items_of(order)[0], status=status)

    line = read()
    is_live = status in {"waiting", "waiting_approval", "confirmed", "approved"}
    assert line["is_cancellable"] is not is_live
    assert [row["id"] for row in line["cancellationrequest_set"]] == [case.pk]
    active = line["active_cancellation_request"]
    assert (active and active["id"]) == (case.pk if is_live else None)


SHOWN_AS = {
    "waiting": "open",
    "waiting_approval": "open",
    "confirmed": "open",
    "approved": "approved",
    "completed": "completed",
    "rejected": "rejected",
    "withdrawn": "rejected",
}


@pytest.mark.parametrize(("status", "shown_as"), SHOWN_AS.items())
def test_a_case_is_shown_in_the_shopper_s_words(status: str, shown_as: str) -> None:
    order = factories.create_order()
    factories.create_case(item=factories.items_of(order)[0], status=status)

    assert read()["cancellationrequest_set"][0]["status"]["value"] == shown_as


def test_a_line_whose_units_are_gone_offers_nothing() -> None:
    order = factories.create_order(items=[factories.item_input(quantity=2)])
    assert read()["is_cancellable"]

    OrderItem.objects.filter(order=order).update(units_closed=2)

    assert flags(read()) == (False, False, False)


def test_an_order_is_cancelled_when_all_its_lines_are_and_open_when_one_is() -> None:
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

    found = [look_up(number=str(number)).json()[0] for number in (1, 2, 3)]

    assert [flags(order) for order in found] == [
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
def test_an_order_is_payable_while_it_waits_for_money_that_is_missing(
    status: Status, captured: int, payable: bool
) -> None:
    factories.create_order(
        status=status,
        items=[factories.item_input(status=status)],
        tenders=[TenderIn(kind="card", amount_minor=1000, captured_minor=captured)],
    )

    assert look_up().json()[0]["is_payable"] is payable


def test_the_settings_of_the_shop_are_the_policy_s_limits(settings: Any) -> None:
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

    found = [look_up(number=str(number)).json()[0] for number in (1, 2, 3)]

    assert [flags(order)[1:] for order in found] == [(True, False), (False, False), (False, False)]
