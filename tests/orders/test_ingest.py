"""Imports of orders are atomic and idempotent."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from takeback.accounts.customer_input import CustomerIn
from takeback.accounts.models import User
from takeback.orders.commands.ingest import CREATED, REFUSED, UNCHANGED, UPDATED
from takeback.orders.models import BenefitApplicant, Order, OrderItem, Payment, Snapshot
from takeback.orders.order_input import DiscountIn, OrderIn
from takeback.orders.statuses import Status, rolled_up_status, status_of
from tests import factories
from tests.storefront.api import tables

LATER = factories.NOW + timedelta(hours=1)


@pytest.fixture(autouse=True)
def _shop(db: None) -> None:
    factories.create_channel()


def ingest(order: OrderIn, *, channel_id: int = factories.SHOP) -> str:
    """Import an order; returns the result."""
    (outcome,) = factories.ingest(order, channel_id=channel_id, now=LATER)
    return outcome.result


def test_importing_an_unchanged_order_again_is_a_no_op() -> None:
    order = factories.order_input(discounts=[DiscountIn(name="Sale", amount_minor=10)])
    assert ingest(order) == CREATED
    before = tables()

    same = factories.order_input(discounts=[DiscountIn(name="Sale", amount_minor=10)])
    assert ingest(same) == UNCHANGED
    assert tables() == before


def test_importing_a_changed_order_updates_its_mutable_fields() -> None:
    ingest(factories.order_input())
    changed = factories.order_input(
        invoice_number="INV",
        items=[
            factories.item_input(
                status=Status.SHIPPED, tracking_number="TN", shipped_date=factories.NOW
            )
        ],
    )

    before = Order.objects.get().modified_date
    assert ingest(changed) == UPDATED
    order, item = Order.objects.get(), OrderItem.objects.get()
    assert (order.status, order.invoice_number) == (Status.SHIPPED, "INV")
    assert (item.status, item.tracking_number, item.shipped_date) == (500, "TN", factories.NOW)
    assert order.modified_date > before
    assert item.modified_date == LATER


@pytest.mark.parametrize("ended", [Status.CANCELLED, Status.REFUNDED, Status.CANCELLATION_WAITING])
def test_import_does_not_change_a_status_set_by_a_case(ended: Status) -> None:
    ingest(factories.order_input())
    OrderItem.objects.update(status=ended)

    ingest(
        factories.order_input(
            items=[factories.item_input(status=Status.SHIPPED, tracking_number="TN")]
        )
    )

    item = OrderItem.objects.get()
    assert (item.status, item.tracking_number) == (ended, "TN")


CONTRADICTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "another price": ({"items": [factories.item_input(goods_minor=1001)]}, "order_item.0.price"),
    "another quantity": ({"items": [factories.item_input(quantity=2)]}, "order_item.0.quantity"),
    "another item": ({"items": [factories.item_input(remote_id="2")]}, "order_item.0"),
    "another shipping": ({"shipping_minor": 1}, "shipping_amount"),
    "another discount": (
        {"discounts": [DiscountIn(name="Sale", amount_minor=1)]},
        "discount_amount",
    ),
}


@pytest.mark.parametrize(("changed", "field"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_items_and_amounts_cannot_change_after_the_first_import(
    changed: dict[str, Any], field: str
) -> None:
    ingest(factories.order_input())
    before = tables()

    (outcome,) = factories.ingest(factories.order_input(**changed), now=LATER)

    assert outcome.result == REFUSED
    assert set(outcome.refused) == {field}
    assert tables() == before


def test_inconsistent_order_is_refused_and_the_others_are_written() -> None:
    orders = [
        factories.order_input(number="1"),
        factories.order_input(number="2", amount_minor=1),
        factories.order_input(number="3"),
    ]

    outcomes = factories.ingest(*orders)

    assert [outcome.result for outcome in outcomes] == [CREATED, REFUSED, CREATED]
    assert outcomes[1].reason == "the parts add up to 10.00 TRY, but the order's amount is 0.01 TRY"
    assert sorted(Order.objects.values_list("number", flat=True)) == ["1", "3"]


def test_order_numbers_are_unique_per_channel() -> None:
    factories.create_channel(pk=2)

    assert ingest(factories.order_input()) == CREATED
    assert ingest(factories.order_input(), channel_id=2) == CREATED
    assert Order.objects.count() == 2


def test_guest_and_customer_with_one_email_are_separate_accounts() -> None:
    guest = CustomerIn(email="Ayla@Example.com")
    customer = CustomerIn(email="ayla@example.com", user_type="registered")
    for number, account in enumerate((guest, customer, replace(guest, email="AYLA@example.com"))):
        ingest(factories.order_input(number=str(number), customer=account))

    users = User.objects.order_by("id").values_list("user_type", "email_key")
    assert list(users) == [("guest", "ayla@example.com"), ("registered", "ayla@example.com")]


def test_equal_snapshots_are_stored_once() -> None:
    for number in ("1", "2"):
        ingest(factories.order_input(number=number, bank={"name": "Bank", "slug": "bank"}))

    kinds = Snapshot.objects.order_by("kind").values_list("kind", flat=True)
    assert list(kinds) == ["bank", "product"]


def test_shares_of_discounts_are_stored_per_item() -> None:
    order = factories.create_order(
        items=[factories.item_input(), factories.item_input(remote_id="2", goods_minor=500)],
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
    assert Payment.objects.get().amount_minor == 1393


@pytest.mark.parametrize(
    ("codes", "status"),
    [
        ([400], 400), ([550, 450, 500], 450), ([100, 450], 450), ([100, 100], 100),
        ([600, 600, 100], 600), ([600, 100], 100), ([600], 600), ([50, 400], 50), ([50, 100], 50),
    ],
)  # fmt: skip
def test_status_of_order_is_its_lowest_active_item_status(codes: list[int], status: int) -> None:
    assert rolled_up_status(codes) == status


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (400, 400), ("400", 400), (" 550 ", 550), ("delivered", 550), ("Cancelled", 100),
        ("canceled", 100), ("evil", None), ("", None), (None, None), (True, None),
        ("\u0664\u0660\u0660", None), ("99999", None), ([], None),
    ],
)  # fmt: skip
def test_status_is_parsed_from_number_or_name(value: object, status: int | None) -> None:
    assert status_of(value) == status
