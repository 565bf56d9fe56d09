"""The database refuses a finalized order whose parts do not add up."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from takeback.core import triggers
from takeback.orders.audit import unbalanced_orders
from takeback.orders.models import BenefitApplicant, DiscountItem, Order, OrderItem, Payment
from takeback.orders.order_input import DiscountIn, PaymentIn
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    """An order with a positive amount in every component."""
    return factories.create_order(
        items=[factories.item_input(), factories.item_input(remote_id="2", goods_minor=500)],
        discounts=[DiscountIn(name="Sale", amount_minor=100)],
        shipping_minor=50,
        fee_minor=20,
        interest_minor=10,
        payments=[
            PaymentIn(kind="card", amount_minor=1000, captured_minor=1000),
            PaymentIn(kind="points", amount_minor=480, captured_minor=480),
        ],
    )


def _execute(sql: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


CHANGED_TOTALS = {
    "goods": "goods_minor = goods_minor + 1, amount_minor = amount_minor + 1",
    "discount": "discount_minor = discount_minor + 1, amount_minor = amount_minor - 1",
    "shipping": "shipping_minor = shipping_minor + 1, amount_minor = amount_minor + 1",
    "fee": "fee_minor = fee_minor + 1, amount_minor = amount_minor + 1",
    "interest": "interest_minor = interest_minor + 1",
}


@pytest.mark.parametrize("component", CHANGED_TOTALS)
def test_totals_of_a_finalized_order_cannot_change(order: Order, component: str) -> None:
    with pytest.raises(IntegrityError, match=r"adds_up|does not add up"):
        _execute(f"UPDATE orders_order SET {CHANGED_TOTALS[component]} WHERE id = {order.pk}")


@pytest.mark.parametrize(
    "column",
    ["goods_minor", "discount_minor", "shipping_minor", "fee_minor", "interest_minor"],
)
def test_order_with_changed_items_cannot_be_finalized(order: Order, column: str) -> None:
    item = factories.items_of(order)[0]
    Order.objects.filter(pk=order.pk).update(is_finalized=False)
    _execute(f"UPDATE orders_orderitem SET {column} = {column} + 1 WHERE id = {item.pk}")

    with pytest.raises(IntegrityError, match=r"adds_up|does not add up"):
        _execute(f"UPDATE orders_order SET is_finalized = true WHERE id = {order.pk}")


PARTS = {
    "discount": "UPDATE orders_discountitem SET amount_minor = amount_minor + 1",
    "share of a discount": ("UPDATE orders_benefitapplicant SET amount_minor = amount_minor + 1"),
    "payment": "UPDATE orders_payment SET amount_minor = amount_minor + 1",
    "no payments": "DELETE FROM orders_payment",
    "no shares": "DELETE FROM orders_benefitapplicant",
}


@pytest.mark.parametrize("change", PARTS)
def test_order_with_other_changed_parts_cannot_be_finalized(order: Order, change: str) -> None:
    Order.objects.filter(pk=order.pk).update(is_finalized=False)
    _execute(PARTS[change])

    with pytest.raises(IntegrityError, match=r"adds_up|does not add up"):
        _execute(f"UPDATE orders_order SET is_finalized = true WHERE id = {order.pk}")


def test_corrected_order_can_be_finalized(order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(is_finalized=False)
    _execute("UPDATE orders_payment SET amount_minor = amount_minor + 1")
    _execute("UPDATE orders_payment SET amount_minor = amount_minor - 1")
    _execute(f"UPDATE orders_order SET is_finalized = true WHERE id = {order.pk}")

    assert Order.objects.get().is_finalized


def test_order_without_items_cannot_be_finalized(order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(is_finalized=False)
    BenefitApplicant.objects.all().delete()
    DiscountItem.objects.all().delete()
    Payment.objects.all().delete()
    OrderItem.objects.all().delete()

    with pytest.raises(IntegrityError, match=r"adds_up|does not add up"):
        Order.objects.filter(pk=order.pk).update(
            is_finalized=True,
            goods_minor=0,
            discount_minor=0,
            shipping_minor=0,
            fee_minor=0,
            interest_minor=0,
            amount_minor=0,
        )


SEQUENTIAL_READS = """
SELECT SUM(seq_tup_read) FROM pg_stat_xact_user_tables
 WHERE relname IN
       ('orders_orderitem', 'orders_discountitem', 'orders_benefitapplicant', 'orders_payment')
"""


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite caches no plan of a trigger")
def test_trigger_reads_large_tables_by_index(order: Order) -> None:
    def sequential_reads() -> int:
        with connection.cursor() as cursor:
            cursor.execute(SEQUENTIAL_READS)
            return int(cursor.fetchone()[0])

    with connection.cursor() as cursor:
        for table in ("orders_orderitem", "orders_discountitem", "orders_payment"):
            cursor.execute(f"ANALYZE {table}")
    before = sequential_reads()
    for number in range(10):
        factories.create_order(
            number=f"small-{number}", discounts=[DiscountIn(name="", amount_minor=1)]
        )

    assert sequential_reads() == before


AMOUNTS = (
    "quantity",
    *(f"{name}_minor" for name in ("goods", "discount", "tax", "shipping", "fee", "interest")),
)
FIXED = [
    *(f"UPDATE orders_orderitem SET {column} = {column} + 1" for column in AMOUNTS),
    "UPDATE orders_discountitem SET amount_minor = 0",
    "UPDATE orders_benefitapplicant SET amount_minor = amount_minor + 1",
    "UPDATE orders_payment SET amount_minor = amount_minor + 1",
    "DELETE FROM orders_benefitapplicant",
    "DELETE FROM orders_payment",
]


@pytest.mark.parametrize("statement", FIXED)
def test_parts_of_a_finalized_order_cannot_change(order: Order, statement: str) -> None:
    with pytest.raises(IntegrityError, match="finalized"):
        _execute(statement)


@pytest.mark.parametrize("table", ["orders_orderitem", "orders_discountitem"])
def test_parts_of_a_finalized_order_cannot_be_deleted(table: str) -> None:
    order = factories.create_order(discounts=[DiscountIn(name="nothing", amount_minor=0)])
    BenefitApplicant.objects.filter(order_item__order=order).delete()

    with pytest.raises(IntegrityError, match="finalized"):
        _execute(f"DELETE FROM {table}")


def test_parts_cannot_be_added_to_a_finalized_order() -> None:
    order = factories.create_order(
        items=[factories.item_input(), factories.item_input(remote_id="2")],
        discounts=[DiscountIn(name="Sale", amount_minor=100, items=("1",))],
    )
    discount, item = DiscountItem.objects.get(), factories.items_of(order)[1]
    additions: list[Callable[[], Any]] = [
        lambda: Payment.objects.create(order=order, kind="card", amount_minor=0),
        lambda: DiscountItem.objects.create(order=order, name="x", amount_minor=0),
        lambda: BenefitApplicant.objects.create(
            discount_item=discount, order_item=item, amount_minor=0
        ),
        lambda: OrderItem.objects.create(
            order=order, remote_id="3", status=400, goods_minor=0, sku="x", product=item.product
        ),
    ]
    for add in additions:
        with pytest.raises(IntegrityError, match="finalized"), transaction.atomic():
            add()


def test_mutable_columns_of_a_finalized_order_can_change(order: Order) -> None:
    OrderItem.objects.filter(order=order).update(status=500, units_closed=1, tracking_number="T")
    Payment.objects.filter(order=order).update(reserved_minor=1)
    Order.objects.filter(pk=order.pk).update(status=500, refund_minor=5)

    assert unbalanced_orders(order.pk, order.pk) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE orders_order SET refund_minor = amount_minor + interest_minor + 1",
        "UPDATE orders_order SET refund_minor = -1",
        "UPDATE orders_order SET amount_minor = amount_minor + 1",
        "UPDATE orders_orderitem SET units_closed = quantity + 1",
        "UPDATE orders_orderitem SET units_closed = -1",
        "UPDATE orders_payment SET captured_minor = amount_minor + 1",
        "UPDATE orders_payment SET reserved_minor = captured_minor + 1",
        "UPDATE orders_payment SET reserved_minor = -1",
    ],
)
def test_amounts_cannot_leave_their_limits(order: Order, change: str) -> None:
    with pytest.raises(IntegrityError):
        _execute(change)


def test_missing_trigger_is_reported_and_installed_again() -> None:
    assert triggers.missing() == []

    name = "part_removed" if connection.vendor == "postgresql" else "orders_payment_part_delete"
    on = " ON orders_payment" if connection.vendor == "postgresql" else ""
    _execute(f"DROP TRIGGER {name}{on}")

    assert triggers.missing() == [f"orders_payment.{name}"]
    triggers.install()
    assert triggers.missing() == []


def test_audit_reports_an_order_that_bypassed_the_triggers(order: Order) -> None:
    correct = factories.create_order(number="correct")
    with connection.cursor() as cursor:
        for statement in _without_triggers():
            cursor.execute(statement)
        cursor.execute(
            "UPDATE orders_payment SET amount_minor = amount_minor + 1 WHERE order_id = %s"
            " AND kind = 'card'",
            [order.pk],
        )

    assert unbalanced_orders(order.pk, correct.pk) == [order.number]
    triggers.install()


def _without_triggers() -> list[str]:
    if connection.vendor == "postgresql":
        return ["DROP TRIGGER part_changed ON orders_payment"]
    return ["DROP TRIGGER orders_payment_part_update"]


def test_snapshots_cannot_change(order: Order) -> None:
    for column in ("kind", "digest", "document"):
        with pytest.raises(IntegrityError, match="never"):
            _execute(f"UPDATE orders_snapshot SET {column} = {column}")
