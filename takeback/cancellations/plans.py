"""Cancellation plans: their amounts and statuses follow their cases."""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import NamedTuple

from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from takeback.cancellations import errors
from takeback.cancellations.models import CancellationPlan, CancellationRequest, PlanPayment
from takeback.cancellations.refund_due import calculate_amounts
from takeback.cancellations.statuses import (
    CLOSED,
    Kind,
    PlanStatus,
    Status,
)
from takeback.core.actor import Actor
from takeback.core.db.change_time import ChangeTime
from takeback.core.errors import Refused
from takeback.core.ids import OrderId, PlanId
from takeback.core.money import MinorUnits, show
from takeback.orders.models import Payment


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
# What an approved plan gives back is the sum of its payments, and is reserved for it.
_PAYMENTS = (
    PlanPayment.objects.filter(plan=OuterRef("pk"))
    .values("plan")
    .annotate(total=Sum("refund_minor"))
    .values("total")
)


class OrderMoney(NamedTuple):
    """The money of an order, in minor units."""

    # What the shopper paid.
    captured: MinorUnits
    # What is left for a plan.
    left: MinorUnits


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
    plan: CancellationPlan, actor: Actor, *, is_promise: bool, has_lost_case: bool = False
) -> list[CancellationRequest]:
    """Update the amounts and the status of a plan from its cases; returns those that remain.

    A plan without remaining cases is rejected and keeps its amounts. After some cases of a plan
    are closed or have left it (`has_lost_case`), its forced amount is at most the amount of the
    others. Without a charge there is nothing to refund. `Refused` if `is_promise` and the plans
    of the order together exceed its refundable amount.
    """
    money, cases = order_money(plan), cases_of_plan(PlanId(plan.pk))
    remaining = remaining_by_item(cases)
    # Triggers refuse a change that neither a transition nor an undone decision allows.
    plan.status = _status({Status(case.status) for case in remaining.values()}).value
    if remaining:
        charged = remaining.values() if money.captured else ()
        calculate_amounts(plan, list(charged), left=money.left)
        if has_lost_case or len(remaining) < len(cases):
            _limit_forced_amount(plan)
        _delete_invalid_payments(plan, remaining.keys())
    if is_promise and refund_total(plan) > money.left:
        raise more_than_paid(plan, money.left)
    plan.modified_by_kind, plan.modified_by_number = actor.kind.value, actor.number
    plan.modified_date = ChangeTime()
    plan.save()
    return list(remaining.values())


def order_money(plan: CancellationPlan) -> OrderMoney:
    """What the shopper paid for a plan's order, and what is left of it for this plan.

    The other plans of the order are deducted: what they promise while they wait, then what they
    give back, even if a refund has come back to us since. So is what others have taken from the
    payments. The shop's total of refunds made elsewhere contains those that were found.
    """
    sums = Payment.objects.filter(order=plan.order_id).aggregate(
        captured=Coalesce(Sum("captured_minor"), 0),
        found=Coalesce(Sum("found_minor"), 0),
        charged_back=Coalesce(Sum("charged_back_minor"), 0),
    )
    others = CancellationPlan.objects.filter(order=plan.order_id).exclude(
        Q(pk=plan.pk) | Q(status=PlanStatus.REJECTED.value)
    )
    promised = sum(
        refund_total(other) if other.status == PlanStatus.WAITING else other.payment_minor
        for other in others.annotate(payment_minor=Coalesce(Subquery(_PAYMENTS), 0))
    )
    gone = sums["charged_back"] + max(sums["found"], plan.order.refunded_elsewhere_minor)
    left = max(0, sums["captured"] - gone - promised)
    return OrderMoney(MinorUnits(sums["captured"]), MinorUnits(left))


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


def _limit_forced_amount(plan: CancellationPlan) -> None:
    if plan.forced_refund_minor is not None:
        calculated = plan.refund_minor + plan.shipping_refund_minor
        plan.forced_refund_minor = min(plan.forced_refund_minor, calculated)


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
    return {case.order_item_id: case for case in cases if case.status not in CLOSED}


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
