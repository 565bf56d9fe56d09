"""Writing plans; whoever calls holds the order's lock."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from takeback.cancellations import errors
from takeback.cancellations.models import CancellationPlan, CancellationRequest
from takeback.cancellations.states import (
    PLAN_LIFE_CYCLE,
    Kind,
    PlanEvent,
    PlanStatus,
    Status,
)
from takeback.core.actor import Actor
from takeback.core.problems import Refused
from takeback.orders.models import Order


@dataclass(frozen=True, slots=True)
class Terms:
    """What somebody says about the money of a plan; a forced amount replaces the sum."""

    forced_refund_minor: int | None = None
    is_cargo_refund: bool = False
    refund_invoice_number: str | None = None
    refund_invoice_date: datetime | None = None


AS_BOUGHT = Terms()
"""Back goes what the lines are worth."""

_GONE = (Status.REJECTED.value, Status.WITHDRAWN.value)


def join(order_id: int, kind: Kind, terms: Terms, actor: Actor, now: datetime) -> int:
    """The plan that still waits for this order's cases of a kind, or a new one; its id.

    `Refused` when it is told to pay more than the order has left to pay back.
    """
    _refuse_too_much(order_id, terms)
    waiting = CancellationPlan.objects.filter(
        order_id=order_id, plan_type=kind.value, status=PlanStatus.WAITING.value
    )
    plan_id = waiting.values_list("pk", flat=True).first()
    if plan_id is None:
        return _new(order_id, kind, terms, actor, now)
    if terms != AS_BOUGHT:
        waiting.update(
            forced_refund_minor=terms.forced_refund_minor,
            is_cargo_refund=terms.is_cargo_refund,
            refund_invoice_number=terms.refund_invoice_number,
            refund_invoice_date=terms.refund_invoice_date,
        )
    return plan_id


def _refuse_too_much(order_id: int, terms: Terms) -> None:
    if terms.forced_refund_minor is None:
        return
    left = F("amount_minor") + F("interest_minor") - F("refund_minor")
    if terms.forced_refund_minor > Order.objects.values_list(left, flat=True).get(pk=order_id):
        raise Refused(errors.MORE_THAN_PAID)


def _new(order_id: int, kind: Kind, terms: Terms, actor: Actor, now: datetime) -> int:
    plan = CancellationPlan.objects.create(
        order_id=order_id,
        plan_type=kind.value,
        forced_refund_minor=terms.forced_refund_minor,
        is_cargo_refund=terms.is_cargo_refund,
        refund_invoice_number=terms.refund_invoice_number,
        refund_invoice_date=terms.refund_invoice_date,
        created_by_kind=actor.kind.value,
        created_by_number=actor.number,
        modified_by_kind=actor.kind.value,
        modified_by_number=actor.number,
        created_date=now,
        modified_date=now,
    )
    return plan.pk


def settle(plan_id: int, actor: Actor, now: datetime) -> None:
    """Let a plan follow its cases: what they are worth, and whether all of them are decided.

    A plan that none of its cases is left in is rejected and keeps its last amounts.
    """
    plan = CancellationPlan.objects.get(pk=plan_id)
    cases = CancellationRequest.objects.filter(plan_id=plan_id).exclude(status__in=_GONE)
    left = list(cases.select_related("order_item"))
    event = _event({Status(case.status) for case in left})
    if event:
        plan.status = PLAN_LIFE_CYCLE.next(PlanStatus(plan.status), event).value
    if left:
        lines = [case.order_item for case in left]
        plan.discount_refund_minor = sum(line.discount_minor for line in lines)
        goods = sum(line.goods_minor + line.interest_minor for line in lines)
        plan.refund_minor = goods - plan.discount_refund_minor
        shipping = sum(line.shipping_minor for line in lines)
        plan.shipping_refund_minor = shipping if plan.is_cargo_refund else 0
    plan.modified_by_kind, plan.modified_by_number = actor.kind.value, actor.number
    plan.modified_date = now
    plan.save()


def _event(statuses: set[Status]) -> PlanEvent | None:
    """What the cases that are left mean for a plan that waits."""
    if not statuses:
        return PlanEvent.REJECT
    return None if Status.CONFIRMED in statuses else PlanEvent.APPROVE
