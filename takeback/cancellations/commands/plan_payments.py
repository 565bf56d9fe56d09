"""Plans the payments of a plan, which decide what an approved plan gives back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from takeback.cancellations import errors
from takeback.cancellations.commands.start_refunds import start_refunds, stop_refunds
from takeback.cancellations.models import CancellationPlan, CancellationRequest, PlanPayment
from takeback.cancellations.plans import (
    PaidItem,
    cases_of_plan,
    delete_payments,
    more_than_paid,
    order_money,
    refund_total,
    remaining_by_item,
)
from takeback.cancellations.refund_due import due_items
from takeback.cancellations.shipment import ensure_not_shipped
from takeback.cancellations.statuses import PlanStatus, TransactionType
from takeback.core.actor import Actor
from takeback.core.errors import NOT_FOUND, Refused
from takeback.core.ids import PlanId
from takeback.orders.locks import lock_orders_of
from takeback.refunds.allocation import due_total


@dataclass(frozen=True, slots=True)
class PlannedPayment:
    """A payment for items of a plan. Without an amount it pays their refundable amounts."""

    transaction_type: TransactionType
    order_items: frozenset[int]
    refund_minor: int | None = None


@transaction.atomic
def plan_payments(
    plan_id: PlanId,
    channel_id: int,
    payments: Sequence[PlannedPayment],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Replace the payments of a plan, and the refunds of an approved one.

    `Refused` if a refund of the plan has left, if it is completed or rejected, if a payment names
    an item without a remaining case, if the item of a cancellation was shipped meanwhile, and if
    the payments exceed the plan's refund, or what refunds of other systems leave of its order.
    """
    plan = _lock_plan(plan_id, channel_id)
    if plan.status not in (PlanStatus.WAITING, PlanStatus.APPROVED):
        raise Refused(errors.WRONG_STATUS, status=plan.status)
    cases = remaining_by_item(cases_of_plan(plan_id))
    if not all(payment.order_items <= cases.keys() for payment in payments):
        raise Refused(errors.NOT_OF_THIS_PLAN)
    for case in cases.values():
        ensure_not_shipped(case)
    worth = _worth_by_item(plan, cases)
    amounts = [_amount(payment, plan, worth) for payment in payments]
    if sum(amounts) > refund_total(plan):
        raise Refused(errors.MORE_THAN_PLANNED)
    left = order_money(plan).left
    if sum(amounts) > left:
        raise more_than_paid(plan, left, "payment_plan")
    _stop_refunds(plan, now)
    delete_payments(plan)
    _insert_payments(plan, list(zip(payments, amounts, strict=True)), actor, now)
    if plan.status == PlanStatus.APPROVED:
        start_refunds(plan, list(cases.values()), actor, now)


def _insert_payments(
    plan: CancellationPlan,
    payments: Sequence[tuple[PlannedPayment, int]],
    actor: Actor,
    now: datetime,
) -> None:
    """Insert payments with their amounts, and the items that each pays for."""
    rows = PlanPayment.objects.bulk_create(
        PlanPayment(
            plan_id=plan.pk,
            transaction_type=payment.transaction_type.value,
            refund_minor=amount,
            created_by_kind=actor.kind.value,
            created_by_number=actor.number,
            created_date=now,
        )
        for payment, amount in payments
    )
    PaidItem.objects.bulk_create(
        PaidItem(planpayment_id=row.pk, orderitem_id=item_id)
        for row, (payment, _) in zip(rows, payments, strict=True)
        for item_id in sorted(payment.order_items)
    )


def _stop_refunds(plan: CancellationPlan, now: datetime) -> None:
    try:
        stop_refunds(plan, now)
    except Refused as refused:
        raise Refused(errors.WRONG_STATUS, status=plan.status) from refused


def _lock_plan(plan_id: PlanId, channel_id: int) -> CancellationPlan:
    plans = CancellationPlan.objects.filter(pk=plan_id, order__channel_id=channel_id)
    if not plans.exists():
        raise Refused(NOT_FOUND)
    cases = CancellationRequest.objects.filter(plan_id=plan_id)
    lock_orders_of(sorted(cases.values_list("order_item_id", flat=True)))
    return plans.select_related("order").get()


def _worth_by_item(
    plan: CancellationPlan, cases: Mapping[int, CancellationRequest]
) -> dict[int, int]:
    """What a plan gives back of each item; the last one has what belongs to the order as a whole.

    So the payments of all items add up to the refund.
    """
    worth = dict.fromkeys(cases, 0)
    for item in due_items(plan, list(cases.values())):
        worth[max(cases) if item.order_item is None else item.order_item] += due_total([item])
    return worth


def _amount(payment: PlannedPayment, plan: CancellationPlan, worth: Mapping[int, int]) -> int:
    if payment.refund_minor is not None:
        return payment.refund_minor
    if payment.order_items == worth.keys():
        return refund_total(plan)
    return sum(worth[item_id] for item_id in payment.order_items)
