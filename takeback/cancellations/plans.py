"""Cancellation plans follow their cases: which there are, and what they are worth."""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db.models import Sum

from takeback.cancellations import errors
from takeback.cancellations.amounts import refundable_amounts
from takeback.cancellations.models import CancellationPlan, CancellationRequest, PaymentPlanLine
from takeback.cancellations.statuses import (
    PLAN_LIFE_CYCLE,
    Kind,
    PlanStatus,
    PlanTransition,
    Status,
)
from takeback.core.actor import Actor
from takeback.core.errors import Refused
from takeback.orders.models import Order


@dataclass(frozen=True, slots=True)
class RefundTerms:
    """What somebody says about the money of a plan; a forced amount replaces the sum."""

    forced_refund_minor: int | None = None
    is_cargo_refund: bool = False
    refund_invoice_number: str | None = None
    refund_invoice_date: datetime | None = None


AS_BOUGHT = RefundTerms()
"""Back goes what the lines are worth."""

_PAID_ITEMS = PaymentPlanLine.order_items.through
_GONE = (Status.REJECTED.value, Status.WITHDRAWN.value)
_TO_BE_PAID = (PlanStatus.WAITING.value, PlanStatus.APPROVED.value)
"""What a completed plan has paid stands in its order's own totals."""


def get_or_create_plan(
    order_id: int, kind: Kind, terms: RefundTerms, actor: Actor, now: datetime
) -> int:
    """The plan of an order's cases of a kind that are confirmed on these terms; its id.

    What goes back as bought joins those that wait. Whoever says anything else about the money
    says it of the cases at hand: they get a plan of their own, which no others join.
    """
    waiting = CancellationPlan.objects.filter(
        order_id=order_id,
        plan_type=kind.value,
        status=PlanStatus.WAITING.value,
        **asdict(AS_BOUGHT),
    )
    plan_id = waiting.values_list("pk", flat=True).first() if terms == AS_BOUGHT else None
    return _new(order_id, kind, terms, actor, now) if plan_id is None else plan_id


def _new(order_id: int, kind: Kind, terms: RefundTerms, actor: Actor, now: datetime) -> int:
    plan = CancellationPlan.objects.create(
        order_id=order_id,
        plan_type=kind.value,
        **asdict(terms),
        created_by_kind=actor.kind.value,
        created_by_number=actor.number,
        modified_by_kind=actor.kind.value,
        modified_by_number=actor.number,
        created_date=now,
        modified_date=now,
    )
    return plan.pk


def recalculate_plan(plan_id: int, actor: Actor, now: datetime, *, is_promise: bool) -> None:
    """Let a plan follow its cases: what they are worth, and whether all of them are decided.

    A plan that none of its cases is left in is rejected and keeps its last amounts. An amount
    that was forced for all of them is, for those that are left, at most what they are worth. A
    step that promises money is `Refused` when all plans of the order would pay back more than it
    has left.
    """
    beside = CancellationPlan.objects.filter(order__cancellationplan=plan_id)
    live = beside.filter(status__in=_TO_BE_PAID).select_related("order")
    plans = {plan.pk: plan for plan in live}
    plan = plans[plan_id]
    cases = _cases_of(plan_id)
    left = _left_of(cases)
    event = _event({Status(case.status) for case in left.values()})
    if event:
        plan.status = PLAN_LIFE_CYCLE.next(PlanStatus(plan.status), event).value
    if left:
        worth = [refundable_amounts(case) for case in left.values()]
        plan.refund_minor = sum(part.goods for part in worth)
        plan.discount_refund_minor = sum(part.discount for part in worth)
        plan.shipping_refund_minor = plan.is_cargo_refund * sum(part.shipping for part in worth)
        if plan.forced_refund_minor is not None and len(left) < len(cases):
            whole = plan.refund_minor + plan.shipping_refund_minor
            plan.forced_refund_minor = min(plan.forced_refund_minor, whole)
        _forget_payments_that_no_longer_fit(plan, left.keys())
    if is_promise:
        order = plan.order
        _refuse_too_much(plans.values(), order, order.amount_minor + order.interest_minor)
    plan.modified_by_kind, plan.modified_by_number = actor.kind.value, actor.number
    plan.modified_date = now
    plan.save()


def refuse_more_than(paid_minor: int, order: Order) -> None:
    """`Refused` when the order's plans would pay back more than was paid for it, as told here."""
    live = CancellationPlan.objects.filter(order=order, status__in=_TO_BE_PAID)
    _refuse_too_much(live, order, paid_minor)


def _refuse_too_much(plans: Iterable[CancellationPlan], order: Order, paid_minor: int) -> None:
    if sum(pays_back(plan) for plan in plans) > paid_minor - order.refund_minor:
        raise Refused(errors.MORE_THAN_PAID, order_id=order.pk)


def _event(statuses: set[Status]) -> PlanTransition | None:
    """What the cases that are left mean for a plan that waits."""
    if not statuses:
        return PlanTransition.REJECT
    return None if Status.CONFIRMED in statuses else PlanTransition.APPROVE


def pays_back(plan: CancellationPlan) -> int:
    """The whole of a plan's money, in minor units."""
    if plan.forced_refund_minor is not None:
        return plan.forced_refund_minor
    return plan.refund_minor + plan.shipping_refund_minor


def _cases_of(plan_id: int) -> list[CancellationRequest]:
    found = CancellationRequest.objects.filter(plan_id=plan_id)
    return list(found.select_related("order_item"))


def _left_of(cases: Iterable[CancellationRequest]) -> dict[int, CancellationRequest]:
    """Those that have not been refused, by their lines."""
    return {case.order_item_id: case for case in cases if case.status not in _GONE}


def _forget_payments(plan: CancellationPlan) -> None:
    _PAID_ITEMS.objects.filter(paymentplanline__plan=plan).delete()
    PaymentPlanLine.objects.filter(plan=plan).delete()


def _forget_payments_that_no_longer_fit(plan: CancellationPlan, lines: Collection[int]) -> None:
    """A plan that has become smaller must be told again how it is paid."""
    payments = PaymentPlanLine.objects.filter(plan=plan)
    total = payments.aggregate(total=Sum("refund_minor"))["total"]
    if total is None:
        return
    elsewhere = _PAID_ITEMS.objects.filter(paymentplanline__plan=plan).exclude(
        orderitem_id__in=lines
    )
    if total > pays_back(plan) or elsewhere.exists():
        _forget_payments(plan)
