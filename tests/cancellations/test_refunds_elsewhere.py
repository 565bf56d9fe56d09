"""Refunds of other systems limit every plan, and the units that can be cancelled or returned."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import permutations
from typing import Any

import pytest

from takeback.cancellations import errors
from takeback.cancellations.amounts import amounts_of_units
from takeback.cancellations.commands.cancel_order import DirectCancel, cancel_order
from takeback.cancellations.commands.edit import Edit, edit_case
from takeback.cancellations.commands.import_completed import (
    CompletedCase,
    get_or_create_imported_reason,
    record_completed,
)
from takeback.cancellations.commands.open import AutoConfirm, open_cases
from takeback.cancellations.commands.plan_payments import PlannedPayment, plan_payments
from takeback.cancellations.commands.transition import approve, confirm, reject
from takeback.cancellations.commands.undo import undo
from takeback.cancellations.decision import Remarks
from takeback.cancellations.models import CancellationPlan, CancellationRequest, PlanPayment
from takeback.cancellations.plans import RefundTerms, refund_total
from takeback.cancellations.statuses import Kind, TransactionType
from takeback.core.errors import Refused
from takeback.core.ids import CaseId, ItemId, OrderId, PlanId
from takeback.orders.models import Order, OrderItem
from takeback.orders.order_input import PaymentIn
from tests import factories
from tests.cancellations.factories import (
    CUSTOMER,
    LATER,
    SCOPE,
    STAFF,
    delivered_item,
    new_case,
    open_case,
    order_items,
)
from tests.cancellations.refunds import completed_refund
from tests.refusals import refused
from tests.storefront.api import nothing_written

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several commands"),
]


def three_units(**fields: Any) -> OrderItem:
    """A delivered item of three units for 30.00."""
    return delivered_item(quantity=3, goods_minor=3000, **fields)


@contextmanager
def limited(left: str, field: str = "forced_refund_amount") -> Iterator[None]:
    """The block is refused, because only this amount in lira is left, and writes nothing."""
    with nothing_written(), pytest.raises(Refused) as refusal:
        yield
    problem = refusal.value.problem
    assert (problem.code, problem.field) == (errors.MORE_THAN_PAID.code, field)
    assert f"({left} TRY)" in str(problem.message)


def refunded(minor: int) -> None:
    """Record money that another system refunded."""
    Order.objects.update(refunded_elsewhere_minor=minor)


def planned() -> list[tuple[str, int]]:
    """The status and the refund of all plans, oldest first."""
    plans = CancellationPlan.objects.order_by("pk")
    return [(plan.status, refund_total(plan)) for plan in plans]


def confirm_return(case: CaseId, **terms: Any) -> None:
    confirm(case, SCOPE, actor=STAFF, now=LATER, terms=RefundTerms(**terms))


def approve_return(case: CaseId) -> None:
    approve(case, SCOPE, actor=STAFF, now=LATER)


@pytest.mark.parametrize("decide", [confirm_return, approve_return])
def test_full_return_of_a_partly_refunded_order_is_refused(
    decide: Callable[[CaseId], None],
) -> None:
    case = open_case(three_units(), kind=Kind.RETURN)
    refunded(1000)

    with limited("20.00"):
        decide(case)

    assert planned() == []
    refunded(0)
    decide(case)
    assert planned()[0][1] == 3000


def test_forced_amount_is_limited_by_refunds_elsewhere() -> None:
    case = open_case(three_units(), kind=Kind.RETURN)
    refunded(1000)

    with limited("20.00"):
        confirm_return(case, forced_refund_minor=2001)
    confirm_return(case, forced_refund_minor=2000)

    assert planned() == [("waiting", 2000)]


def test_refunds_elsewhere_our_refunds_and_other_plans_add_up() -> None:
    first, second = order_items({"goods_minor": 1000}, {"goods_minor": 5000})
    refunded(2000)
    completed_refund(first.order, 500)
    confirm_return(open_case(first))
    case = open_case(second)

    with limited("25.00"):
        confirm_return(case, forced_refund_minor=2501)
    confirm_return(case, forced_refund_minor=2500)

    assert planned() == [("completed", 500), ("waiting", 1000), ("waiting", 2500)]


def test_refund_elsewhere_of_a_card_counts_against_its_charge() -> None:
    charged = PaymentIn(kind="credit_card", amount_minor=3000, captured_minor=2500)
    item = order_items({"goods_minor": 3000}, payments=[charged])[0]
    refunded(1000)
    case = open_case(item)

    with limited("15.00"):
        confirm_return(case, forced_refund_minor=1501)
    confirm_return(case, forced_refund_minor=1500)


@pytest.mark.parametrize("amount", [None, 2001])
def test_direct_cancel_is_limited_by_refunds_elsewhere(amount: int | None) -> None:
    item = order_items({"goods_minor": 3000})[0]
    refunded(1000)
    reasons = {item.pk: factories.create_reason().pk}

    def cancel(forced: int | None) -> None:
        terms = RefundTerms(forced_refund_minor=forced)
        everything = DirectCancel(frozenset(), reasons, {}, terms)
        cancel_order(OrderId(item.order_id), SCOPE, everything, actor=STAFF, now=LATER)

    with limited("20.00"):
        cancel(amount)
    assert not CancellationRequest.objects.exists()
    cancel(2000)
    assert planned() == [("waiting", 2000)]


def test_automatic_confirmation_waits_for_an_agent() -> None:
    item = order_items({"goods_minor": 3000})[0]
    refunded(1)

    open_cases(
        [new_case(item)],
        SCOPE,
        actor=CUSTOMER,
        now=LATER,
        auto_confirm=AutoConfirm(frozenset(Kind)),
    )

    assert (planned(), CancellationRequest.objects.get().status) == ([], "waiting")


def test_waiting_plan_above_what_is_left_is_not_approved() -> None:
    item = three_units()
    case = open_case(item, kind=Kind.RETURN)
    confirm_return(case)
    refunded(1000)

    with limited("20.00"):
        approve_return(case)
    assert planned() == [("waiting", 3000)]
    reject(case, SCOPE, actor=STAFF, now=LATER, remarks=Remarks("Refunded by the shop."))

    assert planned() == [("rejected", 3000)]
    assert OrderItem.objects.get().status == 550


def test_approval_can_be_undone_after_a_refund_elsewhere() -> None:
    case = open_case(three_units(), kind=Kind.RETURN)
    confirm_return(case)
    approve_return(case)
    refunded(1000)

    undo(case, SCOPE, actor=STAFF, now=LATER)

    assert planned() == [("waiting", 3000)]
    with limited("20.00"):
        approve_return(case)


def test_payments_of_a_plan_are_limited_by_refunds_elsewhere() -> None:
    case = open_case(three_units(), kind=Kind.RETURN)
    approve_return(case)
    refunded(1000)
    plan = PlanId(CancellationPlan.objects.get().pk)
    items = frozenset({CancellationRequest.objects.get().order_item_id})

    def pay(*amounts: int | None) -> None:
        payments = [PlannedPayment(TransactionType.REFUND, items, amount) for amount in amounts]
        plan_payments(plan, factories.SHOP, payments, actor=STAFF, now=LATER)

    for amounts in [(None,), (2001,), (1000, 1001)]:
        with limited("20.00", "payment_plan"):
            pay(*amounts)
    pay(1500, 500)

    assert [row.refund_minor for row in PlanPayment.objects.order_by("pk")] == [1500, 500]


def test_units_refunded_elsewhere_cannot_be_returned() -> None:
    item = three_units(refunded_elsewhere_quantity=1)

    new = new_case(item, kind=Kind.RETURN, quantity=3)
    with refused(errors.QUANTITY_TOO_LARGE):
        open_cases([new], SCOPE, actor=CUSTOMER, now=factories.NOW)
    case = open_case(item, kind=Kind.RETURN)
    approve_return(case)

    assert CancellationRequest.objects.get().quantity == 2
    assert planned() == [("approved", 2000)]
    assert OrderItem.objects.count() == 1


def test_item_without_units_left_cannot_be_opened() -> None:
    item = three_units(refunded_elsewhere_quantity=3)
    refusals = {Kind.RETURN: errors.CANNOT_RETURN_NOW, Kind.CANCEL: errors.CANNOT_CANCEL_NOW}
    for kind, problem in refusals.items():
        OrderItem.objects.update(status=550 if kind == Kind.RETURN else 400)
        new = new_case(item, kind=kind)
        with refused(problem):
            open_cases([new], SCOPE, actor=CUSTOMER, now=factories.NOW)


@pytest.mark.parametrize("decide", [confirm_return, approve_return])
def test_units_refunded_while_a_case_waits_are_not_refunded_again(
    decide: Callable[[CaseId], None],
) -> None:
    item = three_units()
    case = open_case(item, kind=Kind.RETURN)
    OrderItem.objects.update(refunded_elsewhere_quantity=1)

    with refused(errors.QUANTITY_TOO_LARGE):
        decide(case)
    edit_case(case, SCOPE, Edit(all_units=True), actor=STAFF, now=LATER)
    decide(case)

    assert planned()[0][1] == 2000


def test_confirmed_units_that_were_refunded_elsewhere_are_not_approved() -> None:
    case = open_case(three_units(), kind=Kind.RETURN)
    confirm_return(case)
    OrderItem.objects.update(refunded_elsewhere_quantity=1)

    with refused(errors.QUANTITY_TOO_LARGE):
        approve_return(case)

    assert planned() == [("waiting", 3000)]


def test_part_of_an_item_starts_without_units_refunded_elsewhere() -> None:
    item = three_units(refunded_elsewhere_quantity=1)

    confirm_return(open_case(item, kind=Kind.RETURN, quantity=1))

    rest, part = OrderItem.objects.order_by("pk")
    assert (rest.quantity, rest.refunded_elsewhere_quantity, rest.units_left) == (2, 1, 1)
    assert (part.quantity, part.refunded_elsewhere_quantity, part.units_left) == (1, 0, 1)


def test_imported_case_of_the_last_units_closes_the_item() -> None:
    item = three_units(refunded_elsewhere_quantity=1)
    cases = [CompletedCase(ItemId(item.pk), 2, "old/1", LATER, Kind.RETURN)]

    record_completed(factories.SHOP, cases, reason_id=get_or_create_imported_reason(), now=LATER)

    item.refresh_from_db()
    assert (item.status, item.units_closed, item.units_left) == (600, 2, 0)


@pytest.mark.parametrize("steps", sorted(set(permutations(["ours", "ours", "theirs", "theirs"]))))
def test_amounts_of_units_add_up_to_the_item_in_every_order(steps: tuple[str, ...]) -> None:
    """Ten lira for four units, less a discount of 1.02: shares differ by a minor unit."""
    [item] = order_items({"quantity": 4, "goods_minor": 1003}, discount_minor=102)
    ours = theirs = 0
    for step in steps:
        item = OrderItem.objects.order_by("pk")[0]
        if step == "theirs":
            theirs += amounts_of_units(item, item.units_used, 1).goods
            OrderItem.objects.filter(pk=item.pk).update(
                refunded_elsewhere_quantity=item.refunded_elsewhere_quantity + 1
            )
            continue
        case = open_case(item, quantity=1)
        confirm_return(case)
        ours = sum(minor for _, minor in planned())

    assert ours + theirs == 901
