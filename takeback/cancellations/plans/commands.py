"""Writing plans; whoever calls holds the order's lock."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Sum

from takeback.cancellations import errors
from takeback.cancellations.models import CancellationPlan, CancellationRequest, PaymentPlanLine
from takeback.cancellations.plans.worth import worth_of
from takeback.cancellations.states import (
    PLAN_LIFE_CYCLE,
    Kind,
    PlanEvent,
    PlanStatus,
    Status,
    TransactionType,
)
from takeback.core import problems
from takeback.core.actor import Actor
from takeback.core.problems import Refused
from takeback.orders.models import Order
from takeback.orders.queries import lock_orders_of


@dataclass(frozen=True, slots=True)
class Terms:
    """What somebody says about the money of a plan; a forced amount replaces the sum."""

    forced_refund_minor: int | None = None
    is_cargo_refund: bool = False
    refund_invoice_number: str | None = None
    refund_invoice_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """A part of a plan's money for some of its lines; no amount means what these are worth."""

    transaction_type: TransactionType
    order_items: frozenset[int]
    refund_minor: int | None = None


AS_BOUGHT = Terms()
"""Back goes what the lines are worth."""

_PAID_ITEMS = PaymentPlanLine.order_items.through
_GONE = (Status.REJECTED.value, Status.WITHDRAWN.value)
_TO_BE_PAID = (PlanStatus.WAITING.value, PlanStatus.APPROVED.value)
"""What a completed plan has paid stands in its order's own totals."""


def join(order_id: int, kind: Kind, terms: Terms, actor: Actor, now: datetime) -> int:
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


def _new(order_id: int, kind: Kind, terms: Terms, actor: Actor, now: datetime) -> int:
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


def settle(plan_id: int, actor: Actor, now: datetime, *, is_promise: bool) -> None:
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
        worth = [worth_of(case) for case in left.values()]
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


def _event(statuses: set[Status]) -> PlanEvent | None:
    """What the cases that are left mean for a plan that waits."""
    if not statuses:
        return PlanEvent.REJECT
    return None if Status.CONFIRMED in statuses else PlanEvent.APPROVE


@transaction.atomic
def plan_payments(
    plan_id: int, channel_id: int, payments: Sequence[Payment], *, actor: Actor, now: datetime
) -> None:
    """Say how a plan's money goes back, in place of what was said before.

    Together the payments are at most what the plan pays back, and each is for lines of the plan.
    `Refused` otherwise, and when the plan is rejected or paid already.
    """
    plan = _locked(plan_id, channel_id)
    if PLAN_LIFE_CYCLE.is_final(PlanStatus(plan.status)):
        raise Refused(errors.WRONG_STATE, status=plan.status)
    left = _left_of(_cases_of(plan_id))
    if not all(payment.order_items <= left.keys() for payment in payments):
        raise Refused(errors.NOT_OF_THIS_PLAN)
    amounts = [_amount(payment, plan, left) for payment in payments]
    if sum(amounts) > pays_back(plan):
        raise Refused(errors.MORE_THAN_PLANNED)
    _forget_payments(plan)
    kept = PaymentPlanLine.objects.bulk_create(
        PaymentPlanLine(
            plan_id=plan_id,
            transaction_type=payment.transaction_type.value,
            refund_minor=minor,
            created_by_kind=actor.kind.value,
            created_by_number=actor.number,
            created_date=now,
        )
        for payment, minor in zip(payments, amounts, strict=True)
    )
    _PAID_ITEMS.objects.bulk_create(
        _PAID_ITEMS(paymentplanline_id=row.pk, orderitem_id=item_id)
        for row, payment in zip(kept, payments, strict=True)
        for item_id in sorted(payment.order_items)
    )


def pays_back(plan: CancellationPlan) -> int:
    """The whole of a plan's money, in minor units."""
    if plan.forced_refund_minor is not None:
        return plan.forced_refund_minor
    return plan.refund_minor + plan.shipping_refund_minor


def _locked(plan_id: int, channel_id: int) -> CancellationPlan:
    plans = CancellationPlan.objects.filter(pk=plan_id, order__channel_id=channel_id)
    if not plans.exists():
        raise Refused(problems.NOT_FOUND)
    lines = CancellationRequest.objects.filter(plan_id=plan_id)
    lock_orders_of(sorted(lines.values_list("order_item_id", flat=True)))
    return plans.get()


def _cases_of(plan_id: int) -> list[CancellationRequest]:
    found = CancellationRequest.objects.filter(plan_id=plan_id)
    return list(found.select_related("order_item"))


def _left_of(cases: Iterable[CancellationRequest]) -> dict[int, CancellationRequest]:
    """Those that have not been refused, by their lines."""
    return {case.order_item_id: case for case in cases if case.status not in _GONE}


def _amount(
    payment: Payment, plan: CancellationPlan, left: Mapping[int, CancellationRequest]
) -> int:
    if payment.refund_minor is not None:
        return payment.refund_minor
    if payment.order_items == left.keys():
        return pays_back(plan)
    worth = [worth_of(left[item_id]) for item_id in payment.order_items]
    return sum(part.goods + plan.is_cargo_refund * part.shipping for part in worth)


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
