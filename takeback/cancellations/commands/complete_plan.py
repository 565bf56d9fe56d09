"""Completes a plan when all its refunds are confirmed, and keeps the order's totals."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Count, F, Sum

from takeback.cancellations import errors
from takeback.cancellations.history import update_cases
from takeback.cancellations.models import CancellationPlan, CancellationRequest
from takeback.cancellations.plans import cases_of_plan, remaining_by_item
from takeback.cancellations.statuses import (
    LIFE_CYCLE,
    PLAN_LIFE_CYCLE,
    Kind,
    PlanStatus,
    PlanTransition,
    Status,
    Transition,
)
from takeback.cancellations.topics import Topic, publish
from takeback.core.actor import Actor
from takeback.core.db.change_time import ChangeTime
from takeback.core.errors import Refused
from takeback.core.ids import OrderId, PlanId
from takeback.loyalty.commands.earned_points import adjust_earned_points
from takeback.orders.commands.update_items import roll_up_status
from takeback.orders.models import Order, OrderItem
from takeback.orders.statuses import ENDED
from takeback.orders.statuses import Status as ItemStatus
from takeback.refunds.commands.void import void_uncaptured
from takeback.refunds.models import Refund, RefundPart
from takeback.refunds.queries import is_plan_settled
from takeback.refunds.statuses import Status as RefundStatus


def complete_plan(plan_id: PlanId, *, actor: Actor, now: datetime) -> None:
    """Complete a plan with its cases and items, and raise the totals of its order.

    The caller holds the order's lock. `Refused` while a refund is not confirmed. A plan that is
    complete stays so: after a replacement of a refund that came back, only the totals change.
    """
    plan = CancellationPlan.objects.get(pk=plan_id)
    if not is_plan_settled(plan.pk):
        raise Refused(errors.WRONG_STATUS, plan=plan.pk, status=plan.status)
    if plan.status != PlanStatus.COMPLETED:
        status = PLAN_LIFE_CYCLE.next(PlanStatus(plan.status), PlanTransition.COMPLETE)
        _set_status(plan, status, actor)
        cases = sorted(remaining_by_item(cases_of_plan(plan_id)).values(), key=lambda row: row.pk)
        _close_units(plan, cases)
        update_cases(
            [(case, {"status": _completed(case).value}) for case in cases],
            Transition.COMPLETE,
            actor,
            now,
        )
        roll_up_status([plan.order_id], now)
        publish(Topic.COMPLETED, cases)
        if Order.objects.filter(pk=plan.order_id, status__in=ENDED).exists():
            void_uncaptured(OrderId(plan.order_id))
    _update_totals(plan, now)


def reopen_totals(plan_id: PlanId, *, now: datetime) -> None:
    """Lower the totals of an order after a refund came back; plan and cases stay complete.

    The caller holds the order's lock.
    """
    _update_totals(CancellationPlan.objects.get(pk=plan_id), now)


def wait_for_payment(plan_id: PlanId, *, actor: Actor) -> None:
    """Show that a refund of an approved plan has left; repeating it is a no-op.

    The caller holds the order's lock.
    """
    plan = CancellationPlan.objects.get(pk=plan_id)
    if plan.status != PlanStatus.APPROVED:
        return
    _set_status(plan, PLAN_LIFE_CYCLE.next(PlanStatus.APPROVED, PlanTransition.SEND), actor)
    # Systems that follow items read the new `cancel_status`.
    items = OrderItem.objects.filter(
        cancellationrequest__plan=plan, cancellationrequest__status=Status.APPROVED.value
    )
    items.update(modified_date=ChangeTime())


def mark_changed(plan_id: PlanId) -> None:
    """Let systems that follow cases and orders read the new states of a plan's refunds.

    The caller holds the order's lock.
    """
    cases = CancellationRequest.objects.filter(plan_id=plan_id)
    cases.update(modified_date=ChangeTime())
    Order.objects.filter(cancellationplan=plan_id).update(modified_date=ChangeTime())


def _set_status(plan: CancellationPlan, status: PlanStatus, actor: Actor) -> None:
    CancellationPlan.objects.filter(pk=plan.pk).update(
        status=status.value,
        modified_by_kind=actor.kind.value,
        modified_by_number=actor.number,
        modified_date=ChangeTime(),
    )


def _completed(case: CancellationRequest) -> Status:
    return LIFE_CYCLE.next(Status(case.status), Transition.COMPLETE)


def _close_units(plan: CancellationPlan, cases: Sequence[CancellationRequest]) -> None:
    """Close the units of the cases: confirming made them an item of their own."""
    is_return = plan.plan_type == Kind.RETURN
    status = ItemStatus.REFUNDED if is_return else ItemStatus.CANCELLED
    item_ids: dict[int, list[int]] = defaultdict(list)
    for case in cases:
        item_ids[case.quantity].append(case.order_item_id)
    for units, ids in item_ids.items():
        OrderItem.objects.filter(pk__in=ids).update(
            status=status,
            units_closed=F("units_closed") + units,
            deferred_status=None,
            is_cancel_approved=False,
            modified_date=ChangeTime(),
        )


def _update_totals(plan: CancellationPlan, now: datetime) -> None:
    """Set the totals of a plan's order to what the complete plans have given back.

    They are computed from the refunds, so that repeated news changes nothing. The points that the
    order had earned follow.
    """
    order_id = plan.order_id
    completed = CancellationPlan.objects.filter(order=order_id, status=PlanStatus.COMPLETED.value)
    refunds = Refund.objects.filter(
        order=order_id, plan_id__in=completed.values("pk"), status=RefundStatus.CONFIRMED.value
    )
    refund_minor = refunds.aggregate(total=Sum("amount_minor"))["total"] or 0
    parts = RefundPart.objects.filter(refund__in=refunds)
    shipping_minor = parts.aggregate(total=Sum("shipping_minor"))["total"] or 0
    Order.objects.filter(pk=order_id).update(
        refund_minor=refund_minor,
        # A forced amount may be below the shipping that is a part of it.
        shipping_refund_minor=min(shipping_minor, refund_minor),
        modified_date=ChangeTime(),
    )
    adjust_earned_points(
        OrderId(order_id), refunded_minor=refund_minor, key=_points_key(plan), now=now
    )


def _points_key(plan: CancellationPlan) -> str:
    """A key for the points of this moment: each refund is confirmed and returned once."""
    refunds = Refund.objects.filter(plan_id=plan.pk).aggregate(
        confirmed=Count("confirmed_at"), returned=Count("returned_at")
    )
    return f"{plan.uuid.hex}.{refunds['confirmed']}.{refunds['returned']}"
