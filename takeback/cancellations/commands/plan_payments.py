"""Plans the payments of a plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from takeback.cancellations import errors
from takeback.cancellations.amounts import refundable_amounts
from takeback.cancellations.models import CancellationPlan, CancellationRequest, PlanPayment
from takeback.cancellations.plans import (
    PaidItem,
    amount_left,
    cases_of_plan,
    delete_payments,
    more_than_paid,
    refund_total,
    remaining_by_item,
)
from takeback.cancellations.shipment import ensure_not_shipped
from takeback.cancellations.statuses import PLAN_LIFE_CYCLE, PlanStatus, TransactionType
from takeback.core.actor import Actor
from takeback.core.errors import NOT_FOUND, Refused
from takeback.core.ids import PlanId
from takeback.orders.locks import lock_orders_of


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment for items of a plan. Without an amount it pays their refundable amounts."""

    transaction_type: TransactionType
    order_items: frozenset[int]
    refund_minor: int | None = None


@transaction.atomic
def plan_payments(
    plan_id: PlanId, channel_id: int, payments: Sequence[Payment], *, actor: Actor, now: datetime
) -> None:
    """Replace the payments of a plan.

    `Refused` if the plan is completed or rejected, if a payment names an item without a remaining
    case, if the item of a cancellation was shipped meanwhile, and if the payments exceed the
    plan's refund, or what refunds of other systems leave of its order.
    """
    plan = _lock_plan(plan_id, channel_id)
    if PLAN_LIFE_CYCLE.is_final(PlanStatus(plan.status)):
        raise Refused(errors.WRONG_STATUS, status=plan.status)
    cases = remaining_by_item(cases_of_plan(plan_id))
    if not all(payment.order_items <= cases.keys() for payment in payments):
        raise Refused(errors.NOT_OF_THIS_PLAN)
    for case in cases.values():
        ensure_not_shipped(case)
    amounts = [_amount(payment, plan, cases) for payment in payments]
    if sum(amounts) > refund_total(plan):
        raise Refused(errors.MORE_THAN_PLANNED)
    left = amount_left(plan)
    if sum(amounts) > left:
        raise more_than_paid(plan, left, "payment_plan")
    delete_payments(plan)
    rows = PlanPayment.objects.bulk_create(
        PlanPayment(
            plan_id=plan_id,
            transaction_type=payment.transaction_type.value,
            refund_minor=amount,
            created_by_kind=actor.kind.value,
            created_by_number=actor.number,
            created_date=now,
        )
        for payment, amount in zip(payments, amounts, strict=True)
    )
    PaidItem.objects.bulk_create(
        PaidItem(planpayment_id=row.pk, orderitem_id=item_id)
        for row, payment in zip(rows, payments, strict=True)
        for item_id in sorted(payment.order_items)
    )


def _lock_plan(plan_id: PlanId, channel_id: int) -> CancellationPlan:
    plans = CancellationPlan.objects.filter(pk=plan_id, order__channel_id=channel_id)
    if not plans.exists():
        raise Refused(NOT_FOUND)
    cases = CancellationRequest.objects.filter(plan_id=plan_id)
    lock_orders_of(sorted(cases.values_list("order_item_id", flat=True)))
    return plans.get()


def _amount(
    payment: Payment, plan: CancellationPlan, cases: Mapping[int, CancellationRequest]
) -> int:
    if payment.refund_minor is not None:
        return payment.refund_minor
    if payment.order_items == cases.keys():
        return refund_total(plan)
    amounts = [refundable_amounts(cases[item_id]) for item_id in payment.order_items]
    # One item carries the rounding, so that the payments of all items add up to the refund.
    rounding = plan.rounding_minor if max(cases) in payment.order_items else 0
    return rounding + sum(part.goods + plan.is_cargo_refund * part.shipping for part in amounts)
