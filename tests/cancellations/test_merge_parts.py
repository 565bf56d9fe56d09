"""The units of a closed case return to their item, and its case with them."""

from collections.abc import Callable
from typing import Any

import pytest

from takeback.cancellations.commands import transition
from takeback.cancellations.commands.open import open_cases
from takeback.cancellations.commands.plan_payments import PlannedPayment, plan_payments
from takeback.cancellations.commands.transition import approve, confirm, reject, remove, withdraw
from takeback.cancellations.commands.undo import undo
from takeback.cancellations.decision import Remarks
from takeback.cancellations.models import (
    CancellationPlan,
    CancellationRequest,
    CaseHistory,
    PlanPayment,
)
from takeback.cancellations.statuses import TransactionType
from takeback.core.errors import Refused
from takeback.core.ids import CaseId, PlanId
from takeback.orders.commands.update_items import update_items
from takeback.orders.locks import lock_orders_of
from takeback.orders.models import Order, OrderItem
from takeback.orders.order_input import DiscountIn
from takeback.trade_in.models import TradeIn
from tests import factories
from tests.cancellations.factories import (
    CUSTOMER,
    LATER,
    SCOPE,
    STAFF,
    new_case,
    open_case,
    order_items,
)

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several commands"),
]

NO = Remarks("No.")
Close = Callable[..., None]


def item_of_five() -> OrderItem:
    """An item of five units, whose amounts five does not divide."""
    values = {"quantity": 5, "goods_minor": 1003, "attributes": {"quantity": 5}}
    [item] = order_items(
        values, discounts=[DiscountIn(name="a", amount_minor=101)], shipping_minor=7
    )
    return item


def confirmed_part(item: OrderItem, quantity: int = 2, **fields: Any) -> tuple[CaseId, OrderItem]:
    """A confirmed case of some units, and the item that holds them."""
    case = open_case(item, quantity=quantity, **fields)
    confirm(case, SCOPE, actor=STAFF, now=factories.NOW)
    return case, CancellationRequest.objects.get(pk=case).order_item


def quantities() -> list[tuple[int, int]]:
    """The quantity and the status of each item."""
    return list(OrderItem.objects.order_by("pk").values_list("quantity", "status"))


def amounts_of(item: OrderItem) -> dict[str, Any]:
    """All columns of an item but its times."""
    rows = OrderItem.objects.filter(pk=item.pk).values()
    return {name: value for name, value in rows[0].items() if not name.endswith("_date")}


@pytest.mark.parametrize("close", [reject, withdraw, remove])
def test_part_of_a_closed_case_returns_to_its_item(close: Close) -> None:
    item = item_of_five()
    before = amounts_of(item)
    case, part = confirmed_part(item)
    assert quantities() == [(3, 400), (2, 50)]

    close(case, SCOPE, actor=STAFF, now=LATER)

    assert quantities() == [(5, 400)]
    assert amounts_of(item) == before
    assert Order.objects.get().is_finalized
    row = CancellationRequest.objects.get(pk=case)
    assert (row.order_item_id, row.quantity) == (item.pk, 2)
    assert not OrderItem.objects.filter(pk=part.pk).exists()
    steps = CaseHistory.objects.filter(cancellation_request=case).order_by("seq")
    assert [step.seq for step in steps] == list(range(1, row.version + 1))


def test_rejected_units_can_be_requested_and_refunded_again() -> None:
    item = item_of_five()
    for _ in range(3):
        case, _ = confirmed_part(item)
        reject(case, SCOPE, actor=STAFF, now=LATER)
    last = open_case(item)
    approve(last, SCOPE, actor=STAFF, now=LATER)
    plan = CancellationPlan.objects.get(status="approved")
    assert plan.refund_minor == 1003 - 101


def test_part_with_an_open_case_stays_until_it_is_closed() -> None:
    item = item_of_five()
    first, _ = confirmed_part(item)
    second, _ = confirmed_part(item, 1)
    assert quantities() == [(2, 400), (2, 50), (1, 50)]
    reject(first, SCOPE, actor=STAFF, now=LATER)
    assert quantities() == [(4, 400), (1, 50)]
    withdraw(second, SCOPE, actor=STAFF, now=LATER)
    assert quantities() == [(5, 400)]


def test_part_waits_for_the_open_case_of_its_item() -> None:
    item = item_of_five()
    first, part = confirmed_part(item)
    second = open_case(item)
    reject(first, SCOPE, actor=STAFF, now=LATER)
    assert quantities() == [(3, 400), (2, 400)]
    assert CancellationRequest.objects.get(pk=first).order_item_id == part.pk
    reject(second, SCOPE, actor=STAFF, now=LATER)
    assert quantities() == [(5, 400)]


def test_part_of_an_approved_case_never_returns() -> None:
    item = item_of_five()
    first, _ = confirmed_part(item)
    second, _ = confirmed_part(item, 1)
    approve(first, SCOPE, actor=STAFF, now=LATER)
    reject(second, SCOPE, actor=STAFF, now=LATER)
    assert quantities() == [(3, 400), (2, 50)]


def test_part_that_was_shipped_meanwhile_stays() -> None:
    item = item_of_five()
    case, part = confirmed_part(item)
    update_items([factories.SHOP], {part.pk: {"status": 500}}, now=factories.NOW)
    reject(case, SCOPE, actor=STAFF, now=LATER)
    assert quantities() == [(3, 400), (2, 500)]


def test_part_that_was_shipped_with_its_item_returns() -> None:
    item = item_of_five()
    case, part = confirmed_part(item)
    changes = {"status": 500, "tracking_number": "T"}
    update_items([factories.SHOP], {item.pk: changes, part.pk: changes}, now=factories.NOW)
    reject(case, SCOPE, actor=STAFF, now=LATER)
    assert quantities() == [(5, 500)]


def test_undone_rejection_splits_the_units_off_again() -> None:
    item = item_of_five()
    case, part = confirmed_part(item)
    before = amounts_of(part)
    reject(case, SCOPE, actor=STAFF, now=LATER, remarks=NO)

    undo(case, SCOPE, actor=STAFF, now=LATER)

    row = CancellationRequest.objects.get(pk=case)
    assert (row.status, row.quantity) == ("confirmed", 2)
    assert quantities() == [(3, 400), (2, 50)]
    after = amounts_of(row.order_item)
    assert after | {"id": part.pk} == before
    approve(case, SCOPE, actor=STAFF, now=LATER)
    assert CancellationPlan.objects.get().status == "approved"


def test_undo_is_refused_once_the_units_are_requested_again() -> None:
    item = item_of_five()
    case, _ = confirmed_part(item)
    reject(case, SCOPE, actor=STAFF, now=LATER, remarks=NO)
    open_case(item, quantity=4)
    with pytest.raises(Refused, match="cannot_undo"):
        undo(case, SCOPE, actor=STAFF, now=LATER)


def test_part_stays_if_its_item_has_a_case_with_the_same_remote_id() -> None:
    item = item_of_five()
    first, _ = confirmed_part(item, remote_id="R")
    second = open_case(item, quantity=1, remote_id="R")
    reject(second, SCOPE, actor=STAFF, now=LATER)
    reject(first, SCOPE, actor=STAFF, now=LATER)
    assert quantities() == [(3, 400), (2, 400)]


def test_part_with_a_trade_in_decision_stays() -> None:
    case, part = confirmed_part(item_of_five())
    TradeIn.objects.create(
        order_item=part, decision="approved", amount_minor=1, decided_at=LATER, decided_by="guest"
    )
    reject(case, SCOPE, actor=STAFF, now=LATER)
    assert quantities() == [(3, 400), (2, 400)]


def test_payments_of_a_rejected_plan_name_the_whole_item() -> None:
    item = item_of_five()
    case, part = confirmed_part(item)
    plan = CancellationPlan.objects.get()
    payment = PlannedPayment(TransactionType.CANCEL, frozenset({part.pk}), 10)
    plan_payments(PlanId(plan.pk), factories.SHOP, [payment], actor=STAFF, now=factories.NOW)
    reject(case, SCOPE, actor=STAFF, now=LATER)
    stored = PlanPayment.objects.get()
    assert [row.pk for row in stored.order_items.all()] == [item.pk]


def test_older_cases_of_a_part_move_with_it() -> None:
    item = item_of_five()
    first, part = confirmed_part(item)
    second = open_case(item)
    reject(first, SCOPE, actor=STAFF, now=LATER)
    third = open_cases([new_case(part)], SCOPE, actor=CUSTOMER, now=LATER)[0]
    reject(second, SCOPE, actor=STAFF, now=LATER)
    assert quantities() == [(3, 400), (2, 400)]
    withdraw(third, SCOPE, actor=STAFF, now=LATER)
    assert quantities() == [(5, 400)]
    assert set(CancellationRequest.objects.values_list("order_item", flat=True)) == {item.pk}


def test_case_that_moves_before_the_lock_is_locked_at_its_new_item(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    item = item_of_five()
    case, part = confirmed_part(item)
    locked: list[list[int]] = []

    def lock(item_ids: list[int]) -> list[int]:
        """Another transaction is faster: the case is rejected, and its part merged."""
        locked.append(item_ids)
        if len(locked) == 1:
            reject(case, SCOPE, actor=STAFF, now=LATER)
        return lock_orders_of(item_ids)

    monkeypatch.setattr(transition, "lock_orders_of", lock)
    with pytest.raises(Refused, match="wrong_state"):
        approve(case, SCOPE, actor=STAFF, now=LATER)

    assert locked == [[part.pk], [part.pk], [item.pk]]
