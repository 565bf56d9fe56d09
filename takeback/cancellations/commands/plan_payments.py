"""Planning how the money of a plan is paid back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from takeback.cancellations import errors
from takeback.cancellations.amounts import refundable_amounts
from takeback.cancellations.models import CancellationPlan, CancellationRequest, PaymentPlanLine
from takeback.cancellations.plans import (
    _PAID_ITEMS,
    _cases_of,
    _forget_payments,
    _left_of,
    pays_back,
)
from takeback.cancellations.statuses import PLAN_LIFE_CYCLE, PlanStatus, TransactionType
from takeback.core import errors as core_errors
from takeback.core.actor import Actor
from takeback.core.errors import Refused
from takeback.orders.locks import lock_orders_of


@dataclass(frozen=True, slots=True)
class Payment:
    """A part of a plan's money for some of its lines; no amount means what these are worth."""

    transaction_type: TransactionType
    order_items: frozenset[int]
    refund_minor: int | None = None


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
        raise Refused(errors.WRONG_STATUS, status=plan.status)
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


def _locked(plan_id: int, channel_id: int) -> CancellationPlan:
    plans = CancellationPlan.objects.filter(pk=plan_id, order__channel_id=channel_id)
    if not plans.exists():
        raise Refused(core_errors.NOT_FOUND)
    lines = CancellationRequest.objects.filter(plan_id=plan_id)
    lock_orders_of(sorted(lines.values_list("order_item_id", flat=True)))
    return plans.get()


def _amount(
    payment: Payment, plan: CancellationPlan, left: Mapping[int, CancellationRequest]
) -> int:
    if payment.refund_minor is not None:
        return payment.refund_minor
    if payment.order_items == left.keys():
        return pays_back(plan)
    worth = [refundable_amounts(left[item_id]) for item_id in payment.order_items]
    return sum(part.goods + plan.is_cargo_refund * part.shipping for part in worth)
