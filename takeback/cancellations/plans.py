"""Cancellation plans: their amounts and statuses follow their cases."""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Sum

from takeback.cancellations import errors
from takeback.cancellations.amounts import refundable_amounts
from takeback.cancellations.models import CancellationPlan, CancellationRequest, PlanPayment
from takeback.cancellations.statuses import (
    Kind,
    PlanStatus,
    Status,
)
from takeback.core.actor import Actor
from takeback.core.db.change_time import ChangeTime
from takeback.core.errors import Refused
from takeback.core.ids import OrderId, PlanId
from takeback.core.money import MinorUnits, show
from takeback.orders.allocation import CARDS
from takeback.orders.models import Order, OrderItem, Tender
from takeback.orders.statuses import SET_BY_CASES


@dataclass(frozen=True, slots=True)
class RefundTerms:
    """Terms of a plan's refund. A forced amount replaces the calculated one."""

    forced_refund_minor: int | None = None
    is_cargo_refund: bool = False
    refund_invoice_number: str | None = None
    refund_invoice_date: datetime | None = None


# The refund is the price of the items, without shipping.
DEFAULT_TERMS = RefundTerms()

# A payment of a plan and an item that it pays for.
PaidItem = PlanPayment.order_items.through
_CLOSED = (Status.REJECTED.value, Status.WITHDRAWN.value)
# Orders contain the refunds of completed plans, and those of other systems, in their own totals.
_UNPAID = (PlanStatus.WAITING.value, PlanStatus.APPROVED.value)
# The charges of a plan's order.
_CAPTURED = (
    Tender.objects.filter(order=OuterRef("order"))
    .values("order")
    .annotate(total=Sum("captured_minor"))
    .values("total")
)


def get_or_create_plan(
    order_id: OrderId, kind: Kind, terms: RefundTerms, actor: Actor, now: datetime
) -> PlanId:
    """The plan for cases of an order that are confirmed on these terms.

    Cases with the usual terms share a waiting plan. Cases with other terms get their own plan.
    """
    if terms == DEFAULT_TERMS:
        plan_id = _shared_plans(order_id, kind).values_list("pk", flat=True).first()
        if plan_id is not None:
            return PlanId(plan_id)
    plan = CancellationPlan.objects.create(
        order_id=order_id,
        plan_type=kind.value,
        **asdict(terms),
        created_by_kind=actor.kind.value,
        created_by_number=actor.number,
        modified_by_kind=actor.kind.value,
        modified_by_number=actor.number,
        created_date=now,
        modified_date=ChangeTime(),
    )
    return PlanId(plan.pk)


def _shared_plans(order_id: OrderId, kind: Kind) -> "QuerySet[CancellationPlan]":
    """The waiting plan on the usual terms; a constraint allows one for an order and a kind."""
    return CancellationPlan.objects.filter(
        order_id=order_id,
        plan_type=kind.value,
        status=PlanStatus.WAITING.value,
        **asdict(DEFAULT_TERMS),
    )


def recalculate_plan(
    plan_id: PlanId, actor: Actor, now: datetime, *, is_promise: bool, has_lost_case: bool = False
) -> None:
    """Update the amounts and the status of a plan from its cases.

    A plan without remaining cases is rejected and keeps its amounts. After some cases of a plan
    are closed or have left it (`has_lost_case`), its forced amount is at most the amount of the
    others. Without a charge there is nothing to refund. `Refused` if `is_promise` and the plans
    of the order together exceed its refundable amount.
    """
    unpaid, paid = _unpaid_plans(plan_id)
    plan = unpaid[plan_id]
    cases = cases_of_plan(plan_id)
    remaining = remaining_by_item(cases)
    # Triggers refuse a change that neither a transition nor an undone decision allows.
    plan.status = _status({Status(case.status) for case in remaining.values()}).value
    if remaining:
        charged = remaining.values() if paid else ()
        is_reduced = has_lost_case or len(remaining) < len(cases)
        _set_amounts(plan, charged, is_reduced=is_reduced)
        if paid and plan.order.rounding_minor:
            _add_rounding(plan, _left_for(plan, unpaid.values(), paid))
        _delete_invalid_payments(plan, remaining.keys())
    if is_promise:
        _ensure_refundable(plan, unpaid.values(), paid)
    plan.modified_by_kind, plan.modified_by_number = actor.kind.value, actor.number
    plan.modified_date = ChangeTime()
    plan.save()


def _unpaid_plans(plan_id: int) -> tuple[dict[int, CancellationPlan], MinorUnits]:
    """The unpaid plans of a plan's order by id, with the plan, and what the shopper paid."""
    plans = (
        CancellationPlan.objects.filter(
            Q(status__in=_UNPAID) | Q(pk=plan_id), order__cancellationplan=plan_id
        )
        .select_related("order")
        .annotate(captured_minor=Subquery(_CAPTURED))
    )
    unpaid: dict[int, CancellationPlan] = {plan.pk: plan for plan in plans}
    captured = {plan.pk: plan.captured_minor for plan in plans}
    return unpaid, _paid_amount(unpaid[plan_id].order, captured[plan_id])


def _paid_amount(order: Order, captured_minor: int | None) -> MinorUnits:
    """What the shopper paid: for a card its charge, otherwise the amount of the order.

    Cash and bank transfers are collected outside, and nobody reports each of them.
    """
    if order.payment_type in CARDS:
        return MinorUnits(captured_minor or 0)
    return MinorUnits(order.amount_minor + order.interest_minor)


def _ensure_refundable(
    plan: CancellationPlan, unpaid: Iterable[CancellationPlan], paid: MinorUnits
) -> None:
    """`Refused` if the plans of an order exceed the paid amount less previous refunds."""
    left = _left_for(plan, unpaid, paid)
    if refund_total(plan) > left:
        raise more_than_paid(plan, left)


def _left_for(
    plan: CancellationPlan, unpaid: Iterable[CancellationPlan], paid: MinorUnits
) -> MinorUnits:
    """What is left for a plan: the paid amount less all refunds and the other plans."""
    order, others = plan.order, (other for other in unpaid if other.pk != plan.pk)
    refunded = order.refund_minor + order.refunded_elsewhere_minor
    return MinorUnits(max(0, paid - refunded - sum(refund_total(other) for other in others)))


def amount_left(plan: CancellationPlan) -> MinorUnits:
    """What is left of a plan's order for this plan, in minor units."""
    unpaid, paid = _unpaid_plans(plan.pk)
    return _left_for(unpaid[plan.pk], unpaid.values(), paid)


def more_than_paid(plan: CancellationPlan, left: MinorUnits, field: str | None = None) -> Refused:
    """The refusal of an amount above `left`; the field is that of forced amounts by default."""
    currency = plan.order.currency
    text = f"{show(left, currency)} {currency.upper()}"
    problem = errors.MORE_THAN_PAID.with_values(left=text)
    return Refused(replace(problem, field=field or problem.field), order_id=plan.order_id)


def has_other_waiting_plan(plan: CancellationPlan) -> bool:
    """Whether another plan waits in the place of this one, which cases join by default."""
    others = _shared_plans(OrderId(plan.order_id), Kind(plan.plan_type)).exclude(pk=plan.pk)
    return others.exists()


def _status(statuses: Collection[Status]) -> PlanStatus:
    """The status of an unpaid plan whose remaining cases have these statuses."""
    if not statuses:
        return PlanStatus.REJECTED
    return PlanStatus.WAITING if Status.CONFIRMED in statuses else PlanStatus.APPROVED


def _set_amounts(
    plan: CancellationPlan, cases: Iterable[CancellationRequest], *, is_reduced: bool
) -> None:
    amounts = [refundable_amounts(case) for case in cases]
    plan.refund_minor = sum(part.goods for part in amounts)
    plan.rounding_minor = 0
    plan.discount_refund_minor = sum(part.discount for part in amounts)
    plan.shipping_refund_minor = plan.is_cargo_refund * sum(part.shipping for part in amounts)
    if plan.forced_refund_minor is not None and is_reduced:
        calculated = plan.refund_minor + plan.shipping_refund_minor
        plan.forced_refund_minor = min(plan.forced_refund_minor, calculated)


def _add_rounding(plan: CancellationPlan, left: MinorUnits) -> None:
    """Add the order's rounding difference to the plan that closes the order's last unit.

    One plan of an order contains it. A difference that would exceed what is left is reduced.
    """
    open_items = (
        OrderItem.objects.filter(order_id=plan.order_id, goods_minor__gt=F("discount_minor"))
        .exclude(status__in=SET_BY_CASES)
        .filter(quantity__gt=F("units_closed") + F("refunded_elsewhere_quantity"))
    )
    other_plans = CancellationPlan.objects.filter(order_id=plan.order_id).exclude(
        Q(pk=plan.pk) | Q(rounding_minor=0) | Q(status=PlanStatus.REJECTED.value)
    )
    if open_items.exists() or other_plans.exists():
        return
    room = max(0, left - plan.refund_minor - plan.shipping_refund_minor)
    plan.rounding_minor = max(min(plan.order.rounding_minor, room), -plan.refund_minor)
    plan.refund_minor += plan.rounding_minor


def refund_total(plan: CancellationPlan) -> MinorUnits:
    """The refund of a plan: the forced amount, or else goods and shipping."""
    if plan.forced_refund_minor is not None:
        return MinorUnits(plan.forced_refund_minor)
    return MinorUnits(plan.refund_minor + plan.shipping_refund_minor)


def cases_of_plan(plan_id: PlanId) -> list[CancellationRequest]:
    """All cases of a plan with their items."""
    return list(CancellationRequest.objects.filter(plan_id=plan_id).select_related("order_item"))


def remaining_by_item(cases: Iterable[CancellationRequest]) -> dict[int, CancellationRequest]:
    """The cases that are neither rejected nor withdrawn, by the ids of their items."""
    return {case.order_item_id: case for case in cases if case.status not in _CLOSED}


def delete_payments(plan: CancellationPlan) -> None:
    """Delete the payments of a plan."""
    PaidItem.objects.filter(planpayment__plan=plan).delete()
    PlanPayment.objects.filter(plan=plan).delete()


def _delete_invalid_payments(plan: CancellationPlan, item_ids: Collection[int]) -> None:
    """Delete the payments of a plan if they exceed its refund, or pay for closed cases."""
    payments = PlanPayment.objects.filter(plan=plan)
    total = payments.aggregate(total=Sum("refund_minor"))["total"]
    if total is None:
        return
    closed = PaidItem.objects.filter(planpayment__plan=plan).exclude(orderitem_id__in=item_ids)
    if total > refund_total(plan) or closed.exists():
        delete_payments(plan)
