"""Orders coming in: whole or not at all, once however often they are told."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from takeback.accounts.customer_input import CustomerIn
from takeback.accounts.models import User
from takeback.orders.commands.ingest import CREATED, REFUSED, UNCHANGED, UPDATED
from takeback.orders.models import BenefitApplicant, Order, OrderItem, Snapshot, Tender
from takeback.orders.order_input import DiscountIn, OrderIn
from takeback.orders.statuses import Status, rolled_up_status, status_of
from tests import factories
from tests.storefront.api import tables

LATER = factories.NOW + timedelta(hours=1)


@pytest.fixture(autouse=True)
def _shop(db: None) -> None:
    factories.make_channel()


def told(order: OrderIn, *, channel_id: int = factories.SHOP, now: Any = LATER) -> str:
    """What became of an order."""
    (outcome,) = factories.tell(order, channel_id=channel_id, now=now)
    return outcome.result


def test_an_order_told_again_is_left_alone() -> None:
    order = factories.order_in(discounts=[DiscountIn(name="Sale", amount_minor=10)])
    assert told(order) == CREATED
    before = tables()

    assert (
        told(factories.order_in(discounts=[DiscountIn(name="Sale", amount_minor=10)])) == UNCHANGED
    )
    assert tables() == before


def test_an_order_may_move_on() -> None:
    told(factories.order_in())
    moved = factories.order_in(
        invoice_number="INV",
        items=[
            factories.item_in(
                status=Status.SHIPPED, tracking_number="TN", shipped_date=factories.NOW
            )
        ],
    )

    assert told(moved) == UPDATED
    order, line = Order.objects.get(), OrderItem.objects.get()
    assert (order.status, order.invoice_number) == (Status.SHIPPED, "INV")
    assert (line.status, line.tracking_number, line.shipped_date) == (500, "TN", factories.NOW)
    assert (order.modified_date, line.modified_date) == (LATER, LATER)


@pytest.mark.parametrize("ended", [Status.CANCELLED, Status.REFUNDED, Status.CANCELLATION_WAITING])
def test_what_has_ended_here_is_not_undone_from_outside(ended: Status) -> None:
    told(factories.order_in())
    OrderItem.objects.update(status=ended)

    told(factories.order_in(items=[factories.item_in(status=Status.SHIPPED, tracking_number="TN")]))

    line = OrderItem.objects.get()
    assert (line.status, line.tracking_number) == (ended, "TN")


CONTRADICTIONS: dict[str, dict[str, Any]] = {
    "another amount": {"items": [factories.item_in(goods_minor=1001)]},
    "another quantity": {"items": [factories.item_in(quantity=2)]},
    "a line more": {"items": [factories.item_in(), factories.item_in(remote_id="2")]},
    "another line": {"items": [factories.item_in(remote_id="2")]},
    "another shipping": {"shipping_minor": 1},
    "another discount": {"discounts": [DiscountIn(name="Sale", amount_minor=1)]},
}


@pytest.mark.parametrize("changed", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_what_an_order_was_worth_stays(changed: dict[str, Any]) -> None:
    told(factories.order_in())
    before = tables()

    (outcome,) = factories.tell(factories.order_in(**changed), now=LATER)

    assert outcome.result == REFUSED
    assert outcome.reason == "an order's lines and amounts are fixed once it has arrived"
    assert tables() == before


def test_an_order_that_contradicts_itself_is_left_out_and_the_others_come_in() -> None:
    orders = [
        factories.order_in(number="1"),
        factories.order_in(number="2", amount_minor=1),
        factories.order_in(number="3"),
    ]

    outcomes = factories.tell(*orders)

    assert [outcome.result for outcome in outcomes] == [CREATED, REFUSED, CREATED]
    assert outcomes[1].reason == "the parts add up to 1000, the order says 1"
    assert sorted(Order.objects.values_list("number", flat=True)) == ["1", "3"]


def test_a_number_belongs_to_its_channel() -> None:
    factories.make_channel(pk=2)

    assert told(factories.order_in()) == CREATED
    assert told(factories.order_in(), channel_id=2) == CREATED
    assert Order.objects.count() == 2


def test_guests_and_customers_of_one_address_are_two_people_and_each_only_once() -> None:
    guest = CustomerIn(email="Ayla@Example.com")
    customer = CustomerIn(email="ayla@example.com", user_type="registered")
    for number, who in enumerate((guest, customer, replace(guest, email="AYLA@example.com"))):
        told(factories.order_in(number=str(number), customer=who))

    people = User.objects.order_by("id").values_list("user_type", "email_key")
    assert list(people) == [("guest", "ayla@example.com"), ("registered", "ayla@example.com")]


def test_equal_snapshots_are_kept_once() -> None:
    for number in ("1", "2"):
        told(factories.order_in(number=number, bank={"name": "Bank", "slug": "bank"}))

    kinds = Snapshot.objects.order_by("kind").values_list("kind", flat=True)
    assert list(kinds) == ["bank", "product"]


def test_a_discount_s_shares_are_kept_with_the_lines_they_touched() -> None:
    order = factories.make_order(
        items=[factories.item_in(), factories.item_in(remote_id="2", goods_minor=500)],
        discounts=[
            DiscountIn(name="all", amount_minor=100),
            DiscountIn(name="first", amount_minor=7, items=("1",)),
        ],
    )

    first, second = factories.items_of(order)
    shares = BenefitApplicant.objects.order_by("id").values_list(
        "discount_item__name", "order_item_id", "amount_minor"
    )
    assert list(shares) == [("all", first.pk, 67), ("all", second.pk, 33), ("first", first.pk, 7)]
    assert (first.discount_minor, second.discount_minor) == (74, 33)
    assert Tender.objects.get().amount_minor == 1393


@pytest.mark.parametrize(
    ("codes", "status"),
    [
        ([400], 400), ([550, 450, 500], 450), ([100, 450], 450), ([100, 100], 100),
        ([600, 600, 100], 600), ([600, 100], 100), ([600], 600), ([50, 400], 50), ([50, 100], 50),
    ],
)  # fmt: skip
def test_an_order_s_status_is_its_lowest_living_line_s(codes: list[int], status: int) -> None:
    assert rolled_up_status(codes) == status


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (400, 400), ("400", 400), (" 550 ", 550), ("delivered", 550), ("Cancelled", 100),
        ("canceled", 100), ("evil", None), ("", None), (None, None), (True, None),
        ("\u0664\u0660\u0660", None), ("99999", None), ([], None),
    ],
)  # fmt: skip
def test_a_status_is_read_from_its_number_or_its_name(value: object, status: int | None) -> None:
    assert status_of(value) == status
