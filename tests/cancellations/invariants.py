"""Snapshots of the rows of a shop, and the invariants that hold after every command."""

from collections import Counter, defaultdict
from typing import NamedTuple, TypeVar

from django.db import connection

from takeback.cancellations.models import CancellationPlan, CancellationRequest, CaseHistory
from takeback.logistics.models import EasyReturn
from takeback.orders.models import Order, OrderItem, Payment
from takeback.orders.statuses import rolled_up_status
from takeback.outbox.models import Message
from takeback.refunds.models import Refund, RefundPart
from tests.cancellations.reference_model import ReferenceModel
from tests.cancellations.shop import Shop

LIVE = {"waiting", "waiting_approval", "confirmed", "approved"}
TOPICS = {
    "open": "cancellation_request.opened",
    "approve": "cancellation_request.approved",
    "reject": "cancellation_request.rejected",
    "complete": "cancellation_request.completed",
}
"""The topics of the history events that write a message."""


class OrderRow(NamedTuple):
    """An order."""

    id: int
    status: int
    is_finalized: bool
    goods_minor: int
    discount_minor: int
    shipping_minor: int
    fee_minor: int
    interest_minor: int
    refund_minor: int
    shipping_refund_minor: int


class ItemRow(NamedTuple):
    """An item."""

    id: int
    goods_minor: int
    discount_minor: int
    shipping_minor: int
    fee_minor: int
    interest_minor: int
    order_id: int
    split_from_id: int | None
    status: int
    quantity: int
    units_closed: int


class CaseRow(NamedTuple):
    """A case."""

    id: int
    order_item_id: int
    easy_return_id: int | None
    plan_id: int | None
    status: str
    quantity: int
    version: int
    source: str


class HistoryRow(NamedTuple):
    """An event in the history of a case."""

    cancellation_request_id: int
    seq: int
    event: str
    before: str | None
    after: str


class MessageRow(NamedTuple):
    """A message of the outbox."""

    topic: str
    key: str


class ReturnRow(NamedTuple):
    """An easy return."""

    id: int
    status: str


class PlanRow(NamedTuple):
    """A plan."""

    id: int
    order_id: int
    plan_type: str
    status: str
    refund_minor: int
    shipping_refund_minor: int

    @property
    def total(self) -> int:
        return self.refund_minor + self.shipping_refund_minor


class PaymentRow(NamedTuple):
    """A payment of an order."""

    id: int
    order_id: int
    captured_minor: int
    reserved_minor: int
    refunded_minor: int


class RefundRow(NamedTuple):
    """A refund of a plan, for a payment."""

    id: int
    plan_id: int
    payment_id: int
    status: str
    amount_minor: int


class PartRow(NamedTuple):
    """What a refund gives back of an item."""

    refund_id: int
    order_item_id: int | None
    units: int
    goods_minor: int
    discount_minor: int
    shipping_minor: int
    fee_minor: int
    interest_minor: int
    adjustment_minor: int


class Snapshot(NamedTuple):
    """All rows of a shop, in the order of their first columns."""

    orders: list[OrderRow]
    items: list[ItemRow]
    cases: list[CaseRow]
    history: list[HistoryRow]
    messages: list[MessageRow]
    returns: list[ReturnRow]
    plans: list[PlanRow]
    payments: list[PaymentRow]
    refunds: list[RefundRow]
    parts: list[PartRow]


R = TypeVar("R", bound=NamedTuple)


def take_snapshot() -> Snapshot:
    """Read all rows, with plain SQL: building the statements took a quarter of the test."""
    return Snapshot(
        _rows(OrderRow, Order._meta.db_table),
        _rows(ItemRow, OrderItem._meta.db_table),
        _rows(CaseRow, CancellationRequest._meta.db_table),
        _rows(HistoryRow, CaseHistory._meta.db_table),
        _rows(MessageRow, Message._meta.db_table),
        _rows(ReturnRow, EasyReturn._meta.db_table),
        _rows(PlanRow, CancellationPlan._meta.db_table),
        _rows(PaymentRow, Payment._meta.db_table),
        _rows(RefundRow, Refund._meta.db_table),
        _rows(PartRow, RefundPart._meta.db_table),
    )


def _rows(row: type[R], table: str) -> list[R]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(row._fields)} FROM {table} ORDER BY 1, 2")
        return [row._make(values) for values in cursor.fetchall()]


def check(snapshot: Snapshot, shop: Shop, model: ReferenceModel) -> None:
    """Assert all invariants."""
    _items_and_cases_match_the_model(snapshot, model)
    _orders_are_the_sums_of_their_items(snapshot)
    _units_have_one_case(snapshot, shop)
    _history_is_complete(snapshot)
    _easy_returns_follow_their_cases(snapshot)
    _plans_follow_their_cases(snapshot)
    _money_adds_up(snapshot)


def _items_and_cases_match_the_model(snapshot: Snapshot, model: ReferenceModel) -> None:
    rows = [(row.id, row.status, row.quantity, row.units_closed) for row in snapshot.items]
    assert rows == sorted(
        (item.pk, item.status, item.quantity, item.units_closed) for item in model.items.values()
    )
    live = [row for row in snapshot.cases if row.status in LIVE]
    # At most one live case for each item, since the model holds no more.
    assert sorted((row.order_item_id, row.id, row.status, row.quantity) for row in live) == sorted(
        (item.pk, item.case.pk, item.case.status, item.case.quantity)
        for item in model.items.values()
        if item.case
    )


def _orders_are_the_sums_of_their_items(snapshot: Snapshot) -> None:
    """Orders are finalized, with the totals and the status of their items."""
    for order in snapshot.orders:
        items = [item for item in snapshot.items if item.order_id == order.id]
        assert order.is_finalized
        assert order[3:8] == tuple(map(sum, zip(*(item[1:6] for item in items), strict=True)))
        assert order.status == rolled_up_status([item.status for item in items])


def _units_have_one_case(snapshot: Snapshot, shop: Shop) -> None:
    """Live and completed cases have at most the units that were bought."""
    origins = {item.id: item.split_from_id or item.id for item in snapshot.items}
    bought, units = Counter[int](), Counter[int]()
    for item in snapshot.items:
        bought[origins[item.id]] += item.quantity
    for case in snapshot.cases:
        if case.status in LIVE | {"completed"}:
            units[origins[case.order_item_id]] += case.quantity
    assert bought == {pk: item.quantity for pk, item in shop.model.items.items()}
    assert units <= bought


def _history_is_complete(snapshot: Snapshot) -> None:
    """Each event begins with the status after the previous one; some have a message."""
    history: dict[int, list[HistoryRow]] = defaultdict(list)
    for row in snapshot.history:
        history[row.cancellation_request_id].append(row)
    for case in snapshot.cases:
        # Imported cases have no history.
        if case.source == "import":
            assert case.id not in history
            continue
        rows = history.pop(case.id)
        assert [row.seq for row in rows] == list(range(1, case.version + 1))
        assert [row.before for row in rows] == [None, *(row.after for row in rows[:-1])]
        assert rows[-1].after == case.status
    assert not history
    messages = [row for row in snapshot.messages if row.topic in TOPICS.values()]
    assert sorted(messages) == sorted(
        (topic, f"{topic}:{row.cancellation_request_id}.{row.seq}")
        for row in snapshot.history
        if (topic := TOPICS.get(row.event))
    )


def _easy_returns_follow_their_cases(snapshot: Snapshot) -> None:
    """An easy return is cancelled with the last of its cases, unless one was completed."""
    live = {case.easy_return_id for case in snapshot.cases if case.status in LIVE | {"completed"}}
    used = {case.easy_return_id for case in snapshot.cases if case.easy_return_id}
    assert dict(snapshot.returns) == {pk: "wanted" if pk in live else "cancelled" for pk in used}


def _worth(item: ItemRow, first: int, count: int) -> int:
    """What units of an item are worth. The first units carry the remainders of amounts."""
    goods, discount, _, fee, interest = (
        sum(
            amount // item.quantity + (unit < amount % item.quantity)
            for unit in range(first, first + count)
        )
        for amount in item[1:6]
    )
    return goods - discount + fee + interest


def _plans_follow_their_cases(snapshot: Snapshot) -> None:
    """A plan has the amounts and the status of its live or completed cases."""
    items = {item.id: item for item in snapshot.items}
    cases: dict[int, list[CaseRow]] = defaultdict(list)
    for case in snapshot.cases:
        has_plan = case.status in {"confirmed", "approved"}
        assert has_plan <= (case.plan_id is not None)
        if case.plan_id and case.status in LIVE | {"completed"}:
            cases[case.plan_id].append(case)
    for plan in snapshot.plans:
        statuses = {case.status for case in cases[plan.id]}
        with_cases = "waiting" if "confirmed" in statuses else "approved"
        is_completed = "completed" in statuses
        assert not is_completed or statuses == {"completed"}
        expected = "completed" if is_completed else with_cases
        assert plan.status == (expected if statuses else "rejected")
        if statuses:
            assert plan.refund_minor == sum(
                _worth(item, item.units_closed - case.quantity * is_completed, case.quantity)
                for case in cases[plan.id]
                for item in [items[case.order_item_id]]
            )
    waiting = [(row.order_id, row.plan_type) for row in snapshot.plans if row.status == "waiting"]
    assert len(waiting) == len(set(waiting))


def _money_adds_up(snapshot: Snapshot) -> None:
    """Refunds give back what their plans promise, and payments and orders contain them."""
    refunds = [row for row in snapshot.refunds if row.status != "cancelled"]
    by_plan, by_payment = Counter[int](), Counter[tuple[int, str]]()
    for refund in refunds:
        by_plan[refund.plan_id] += refund.amount_minor
        by_payment[refund.payment_id, refund.status] += refund.amount_minor
    statuses = {"approved": "planned", "completed": "confirmed"}
    refunded, shipping = Counter[int](), Counter[int]()
    for plan in snapshot.plans:
        status = statuses.get(plan.status)
        assert by_plan[plan.id] == (plan.total if status else 0)
        assert {row.status for row in refunds if row.plan_id == plan.id} <= {status}
        if plan.status == "completed":
            refunded[plan.order_id] += plan.total
            shipping[plan.order_id] += plan.shipping_refund_minor
    for payment in snapshot.payments:
        assert payment.reserved_minor == by_payment[payment.id, "planned"]
        assert payment.refunded_minor == by_payment[payment.id, "confirmed"]
    for order in snapshot.orders:
        assert order.refund_minor == refunded[order.id]
        assert order.shipping_refund_minor == shipping[order.id]
    _parts_add_up(snapshot)


def _parts_add_up(snapshot: Snapshot) -> None:
    """The parts of a refund add up to it, and give back each unit of an item once."""
    amounts, units = Counter[int](), Counter[int]()
    plans = {row.id: row.plan_id for row in snapshot.refunds if row.status != "cancelled"}
    for part in snapshot.parts:
        goods, discount, *others = part[3:]
        amounts[part.refund_id] += goods - discount + sum(others)
        if part.refund_id in plans and part.order_item_id is not None:
            units[part.order_item_id] += part.units
    assert amounts == {row.id: row.amount_minor for row in snapshot.refunds}
    quantities = {item.id: item.quantity for item in snapshot.items}
    assert all(count <= quantities[item] for item, count in units.items())
