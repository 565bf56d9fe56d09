"""Takes an agent's decision back, within seconds and before anything follows it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from django.db import transaction

from takeback.cancellations import errors
from takeback.cancellations.commands.set_item_status import fix_status, set_item_status
from takeback.cancellations.commands.start_refunds import stop_refunds
from takeback.cancellations.commands.transition import lock_case
from takeback.cancellations.commands.update_plan import update_plan, update_plans
from takeback.cancellations.history import update_case
from takeback.cancellations.models import CancellationPlan, CancellationRequest, CaseHistory
from takeback.cancellations.plans import has_other_waiting_plan
from takeback.cancellations.statuses import (
    DECISIONS,
    LIVE,
    UNDO_TIME,
    CaseEvent,
    PlanStatus,
    Status,
    Transition,
)
from takeback.core.actor import Actor, ActorKind
from takeback.core.errors import Refused
from takeback.core.ids import CaseId, PlanId
from takeback.logistics.commands.easy_returns import restore_easy_return
from takeback.orders.commands.split_item import split_items
from takeback.orders.models import OrderItem
from takeback.orders.scope import OrderScope
from takeback.orders.statuses import ENDED, later_status
from takeback.orders.statuses import Status as ItemStatus
from takeback.orders.units import units_left


class Step(Protocol):
    """A row of a case's history."""

    @property
    def event(self) -> str: ...
    @property
    def before(self) -> str | None: ...
    @property
    def actor_kind(self) -> str: ...
    @property
    def actor_number(self) -> int | None: ...
    @property
    def rule_results(self) -> object: ...
    @property
    def at(self) -> datetime: ...


def status_before_decision(newest: Sequence[Step], actor: Actor, now: datetime) -> Status | None:
    """The status to which the actor may take a case back; `newest` are its last two steps.

    None unless the newest step is a decision that this agent made less than `UNDO_TIME` ago.
    """
    if not newest or actor.kind is not ActorKind.STAFF:
        return None
    decision = newest[0]
    is_own = (decision.actor_kind, decision.actor_number) == (actor.kind.value, actor.number)
    if not is_own or decision.event not in DECISIONS or now - decision.at >= UNDO_TIME:
        return None
    first = newest[1] if _is_one_decision(newest) else decision
    return Status(first.before) if first.before else None


def _is_one_decision(newest: Sequence[Step]) -> bool:
    """Whether the newest step approved a case that it had to confirm first."""
    if not newest[1:] or newest[0].event != Transition.APPROVE:
        return False
    # Only a decision of its own records the rules.
    approval, first = newest[:2]
    is_part = first.event == Transition.CONFIRM and first.rule_results is None
    actor, at = (approval.actor_kind, approval.actor_number), approval.at
    return is_part and (first.actor_kind, first.actor_number) == actor and first.at == at


def _refusal(**context: object) -> Refused:
    # Not a constant: the values are put into the sentence in the language of the request.
    seconds = int(UNDO_TIME.total_seconds())
    return Refused(errors.CANNOT_UNDO.with_values(seconds=seconds), **context)


@transaction.atomic
def undo(
    case_id: CaseId, scope: OrderScope, *, actor: Actor, now: datetime, version: int | None = None
) -> None:
    """Take back the last decision of this agent, and restore item, plan and easy return.

    Units that were split off stay an item of their own, and those of a rejected case become one
    again. Refunds that the decision planned are cancelled. `Refused` if the decision is older than
    `UNDO_TIME`, another step follows it, a refund has left, the item has another case or has ended
    by now, or the plan of the case cannot be restored.
    """
    case = lock_case(case_id, scope, version)
    steps = CaseHistory.objects.filter(cancellation_request=case).order_by("-seq")[:2]
    status = status_before_decision(list(steps), actor, now)
    if status is None:
        raise _refusal(status=case.status)
    if case.status == Status.REJECTED:
        _reopen(case, status, actor, now)
    elif status is Status.CONFIRMED:
        _take_back_approval(case, actor, now)
    elif case.status == Status.WAITING_APPROVAL:
        update_case(case, CaseEvent.UNDO, actor, now, status=status.value)
    else:
        _take_out_of_plan(case, status, actor, now)


def _reopen(case: CancellationRequest, status: Status, actor: Actor, now: datetime) -> None:
    """Restore a rejected case. A step of the shop that followed is applied if it closes again."""
    item = OrderItem.objects.get(pk=case.order_item_id)
    live = CancellationRequest.objects.filter(
        order_item=item, status__in=[status.value for status in LIVE]
    )
    if live.exists() or item.status in ENDED or case.quantity > units_left(item):
        raise _refusal(order_item=item.pk)
    if status is Status.CONFIRMED:
        _stop_refunds(case, now)
        _ensure_plan_can_wait(case)
    if status is Status.CONFIRMED and case.quantity < units_left(item):
        # The units were an item of their own, which the rejection merged.
        item = split_items([(item, case.quantity)], now=now)[item.pk]
    values = {"status": status.value, "order_item_id": item.pk}
    update_case(case, CaseEvent.UNDO, actor, now, **values)
    if case.easy_return_id:
        restore_easy_return(case.easy_return_id, now=now)
    if status is Status.CONFIRMED:
        deferred = item.status if item.status != case.item_status_before else None
        set_item_status([item], ItemStatus.CANCELLATION_WAITING, now, deferred)
        update_plans([case], actor, now)


def _take_back_approval(case: CancellationRequest, actor: Actor, now: datetime) -> None:
    _stop_refunds(case, now)
    _ensure_plan_can_wait(case)
    update_case(case, CaseEvent.UNDO, actor, now, status=Status.CONFIRMED.value)
    fix_status(case.order_item_id, is_fixed=False)
    # A waiting plan promises no more than the approved one.
    update_plans([case], actor, now, is_promise=False)


def _stop_refunds(case: CancellationRequest, now: datetime) -> None:
    """Cancel the planned refunds of a case's plan; refuse if one has left, or all are paid."""
    assert case.plan_id is not None, "a case that was confirmed has a plan"
    plan = CancellationPlan.objects.get(pk=case.plan_id)
    if plan.status in (PlanStatus.WAITING_FOR_PAYMENT, PlanStatus.COMPLETED):
        raise _refusal(order_item=case.order_item_id)
    try:
        stop_refunds(plan, now)
    except Refused as refused:
        raise _refusal(order_item=case.order_item_id) from refused


def _ensure_plan_can_wait(case: CancellationRequest) -> None:
    """Refuse if the plan of a case would differ from before.

    A plan with a forced amount for several cases was reduced by the rejection, and an order has
    one waiting plan of a kind only.
    """
    assert case.plan_id is not None, "a case that was confirmed has a plan"
    plan = CancellationPlan.objects.get(pk=case.plan_id)
    is_shared = CancellationRequest.objects.filter(plan=plan).exclude(pk=case.pk).exists()
    was_reduced = plan.forced_refund_minor is not None and is_shared
    if (was_reduced and case.status == Status.REJECTED) or has_other_waiting_plan(plan):
        raise _refusal(order_item=case.order_item_id)


def _take_out_of_plan(
    case: CancellationRequest, status: Status, actor: Actor, now: datetime
) -> None:
    """Take back that a case was confirmed, and perhaps approved at once."""
    item, before = OrderItem.objects.get(pk=case.order_item_id), case.item_status_before
    assert before is not None, "a confirmed case knows the status of its item before"
    plan_id = case.plan_id
    assert plan_id is not None, "a confirmed case has a plan"
    _stop_refunds(case, now)
    values = {"status": status.value, "plan_id": None, "item_status_before": None}
    update_case(case, CaseEvent.UNDO, actor, now, **values)
    fix_status(item.pk, is_fixed=False)
    set_item_status([item], later_status(before, item.deferred_status), now)
    update_plan(PlanId(plan_id), actor, now, is_promise=False)
