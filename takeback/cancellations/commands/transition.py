"""Transitions of cases: review, confirm, approve, reject and withdraw, and the removal of a case.

Each command locks the order of its case and writes row, history and message, if any, in one
transaction. A case that is no longer at the caller's `version` is refused. The history stores the
remarks of a decision; the mails about approvals and rejections contain its message.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from takeback.cancellations import errors
from takeback.cancellations.commands.merge_parts import merge_free_parts
from takeback.cancellations.commands.set_item_status import fix_status, set_item_status
from takeback.cancellations.commands.update_plan import update_plans
from takeback.cancellations.decision import (
    NO_REMARKS,
    Remarks,
    ensure_rules_allow,
    ensure_units_left,
    rejection_details,
)
from takeback.cancellations.history import (
    NO_DETAILS,
    Details,
    Updates,
    update_case,
    update_cases,
)
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.plans import DEFAULT_TERMS, RefundTerms, get_or_create_plan
from takeback.cancellations.shipment import ensure_not_shipped
from takeback.cancellations.statuses import (
    LIFE_CYCLE,
    LIVE,
    MAIL_DELAY,
    SHOWN_TO_CHANNELS,
    CaseEvent,
    Kind,
    Status,
    Transition,
)
from takeback.cancellations.topics import Topic, publish
from takeback.core.actor import Actor, ActorKind
from takeback.core.errors import NOT_FOUND, PRECONDITION_FAILED, Refused
from takeback.core.ids import CaseId, OrderId, PlanId
from takeback.logistics.commands.easy_returns import cancel_easy_return
from takeback.orders.commands.split_item import split_items
from takeback.orders.locks import lock_orders_of
from takeback.orders.models import OrderItem
from takeback.orders.scope import OrderScope
from takeback.orders.statuses import CANCELLABLE, REFUNDABLE, later_status
from takeback.orders.statuses import Status as ItemStatus
from takeback.orders.units import units_left

# The transition to a requested status. Cases open and complete by other commands.
TRANSITION_FOR_STATUS: Final = {
    Status.WAITING_APPROVAL: Transition.REVIEW,
    Status.CONFIRMED: Transition.CONFIRM,
    Status.APPROVED: Transition.APPROVE,
    Status.REJECTED: Transition.REJECT,
    Status.WITHDRAWN: Transition.WITHDRAW,
}

# The messages about transitions, each of which becomes a mail.
_TOPICS: Final = {Transition.APPROVE: Topic.APPROVED, Transition.REJECT: Topic.REJECTED}


@transaction.atomic
def review(
    case_id: CaseId,
    scope: OrderScope,
    *,
    actor: Actor,
    now: datetime,
    remarks: Remarks = NO_REMARKS,
    version: int | None = None,
) -> None:
    """Escalate a case for a second decision."""
    apply_transition(lock_case(case_id, scope, version), Transition.REVIEW, actor, now, remarks)


@transaction.atomic
def confirm(
    case_id: CaseId,
    scope: OrderScope,
    *,
    actor: Actor,
    now: datetime,
    remarks: Remarks = NO_REMARKS,
    version: int | None = None,
    terms: RefundTerms = DEFAULT_TERMS,
) -> None:
    """Accept a case: its units become an item of their own, and a plan pays them back.

    Refused are the cancellation of shipped goods, the return of an item that has ended, a
    quantity above the units left, a rule that does not hold and is not overridden, and plans that
    together exceed the refundable amount.
    """
    case = lock_case(case_id, scope, version)
    details = _favourable_details(case, Transition.CONFIRM, remarks)
    confirm_cases([case], actor, now, details=details, terms=terms)


@transaction.atomic
def approve(
    case_id: CaseId,
    scope: OrderScope,
    *,
    actor: Actor,
    now: datetime,
    remarks: Remarks = NO_REMARKS,
    version: int | None = None,
) -> None:
    """Approve the refund of a case. A case that is not confirmed yet is confirmed first.

    With the last case of its plan the refunds of the plan are planned.
    """
    apply_transition(lock_case(case_id, scope, version), Transition.APPROVE, actor, now, remarks)


@transaction.atomic
def reject(
    case_id: CaseId,
    scope: OrderScope,
    *,
    actor: Actor,
    now: datetime,
    remarks: Remarks = NO_REMARKS,
    version: int | None = None,
) -> None:
    """Reject a case; a new one may be opened for its item."""
    apply_transition(lock_case(case_id, scope, version), Transition.REJECT, actor, now, remarks)


@transaction.atomic
def withdraw(
    case_id: CaseId,
    scope: OrderScope,
    *,
    actor: Actor,
    now: datetime,
    remarks: Remarks = NO_REMARKS,
    version: int | None = None,
) -> None:
    """Withdraw a case for the shopper; a new one may be opened for its item."""
    apply_transition(lock_case(case_id, scope, version), Transition.WITHDRAW, actor, now, remarks)


@transaction.atomic
def remove(
    case_id: CaseId,
    scope: OrderScope,
    *,
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> None:
    """Hide a case from all lists, and withdraw it first if it is live.

    An approved case is refused. The history of a hidden case remains.
    """
    case = lock_case(case_id, scope, version)
    if not LIFE_CYCLE.is_final(Status(case.status)):
        _close(case, Transition.WITHDRAW, actor, now)
    update_case(case, CaseEvent.REMOVE, actor, now, is_hidden=True)


@transaction.atomic
def set_status(
    case_id: CaseId,
    scope: OrderScope,
    status: Status,
    *,
    actor: Actor,
    now: datetime,
    remarks: Remarks = NO_REMARKS,
    version: int | None = None,
) -> None:
    """Take a case to a status by the transition that leads to it.

    To accept a cancellation again is a no-op unless its item was reported as shipped meanwhile.
    """
    case = lock_case(case_id, scope, version)
    if status in (Status.CONFIRMED, Status.APPROVED):
        ensure_not_shipped(case)
    transition_to(case, status, actor, now, remarks)


def transition_to(
    case: CancellationRequest,
    status: Status,
    actor: Actor,
    now: datetime,
    remarks: Remarks = NO_REMARKS,
) -> None:
    """As `set_status`, for a locked case. Its current status is a no-op.

    Other systems see a withdrawn case as a rejected one, so both are its current status.
    """
    if status in (case.status, SHOWN_TO_CHANNELS[Status(case.status)]):
        return
    transition = TRANSITION_FOR_STATUS.get(status)
    if transition is None:
        raise Refused(errors.WRONG_STATUS, status=case.status, requested=status.value)
    apply_transition(case, transition, actor, now, remarks)


def lock_case(
    case_id: CaseId, scope: OrderScope, version: int | None = None
) -> CancellationRequest:
    """Lock the order of a case and read the case.

    `Refused` when the case is hidden, outside the scope, or no longer at this version.
    """
    cases = CancellationRequest.objects.select_related("order_item__order", "reason").filter(
        pk=case_id
    )
    case = cases.first()
    if case is None or not scope.covers(case.order_item.order):
        raise Refused(NOT_FOUND)
    item_id: int | None = None
    # Until the lock is held, a decision may merge the item into another one of the order.
    while case.order_item_id != item_id:
        item_id = case.order_item_id
        lock_orders_of([item_id])
        case = cases.get()
    if case.is_hidden:
        raise Refused(NOT_FOUND)
    if version not in (None, case.version):
        raise Refused(PRECONDITION_FAILED, version=case.version)
    return case


def apply_transition(
    case: CancellationRequest,
    transition: Transition,
    actor: Actor,
    now: datetime,
    remarks: Remarks = NO_REMARKS,
) -> None:
    """Take a locked case through a transition."""
    details = Details(remarks.message, remarks.internal_note)
    match transition:
        case Transition.CONFIRM:
            details = _favourable_details(case, transition, remarks)
            confirm_cases([case], actor, now, details=details)
        case Transition.APPROVE:
            details = _favourable_details(case, transition, remarks)
            if LIFE_CYCLE.allows(Status(case.status), Transition.CONFIRM):
                _add_to_plans([case], actor, now)
            _apply([(case, {})], transition, actor, now, details)
            if case.cancellation_type == Kind.CANCEL:
                fix_status(case.order_item_id)
            update_plans([case], actor, now)
        case Transition.REJECT:
            _ensure_allowed(case, transition)
            _close(case, transition, actor, now, rejection_details(case, remarks))
        case Transition.WITHDRAW:
            _close(case, transition, actor, now, details)
        case _:
            _apply([(case, {})], transition, actor, now, details)


def _favourable_details(
    case: CancellationRequest, transition: Transition, remarks: Remarks
) -> Details:
    """The details of confirming or approving a locked case; `Refused` if it is not possible."""
    ensure_not_shipped(case)
    if LIFE_CYCLE.allows(Status(case.status), Transition.CONFIRM):
        _ensure_confirmable(case, case.order_item)
    else:
        _ensure_allowed(case, transition)
        ensure_units_left(case, case.order_item)
    return ensure_rules_allow(case, remarks)


def confirm_cases(
    cases: Sequence[CancellationRequest],
    actor: Actor,
    now: datetime,
    *,
    details: Details = NO_DETAILS,
    terms: RefundTerms = DEFAULT_TERMS,
    approves_cancellations: bool = False,
) -> None:
    """As `confirm`, for locked cases; the cancellations among them may be approved as well."""
    _add_to_plans(cases, actor, now, details=details, terms=terms)
    if approves_cancellations:
        _approve_cancellations(cases, actor, now)
    update_plans(cases, actor, now)


def _approve_cancellations(
    cases: Sequence[CancellationRequest], actor: Actor, now: datetime
) -> None:
    approved = [case for case in cases if case.cancellation_type == Kind.CANCEL]
    if not approved:
        return
    _apply([(case, {}) for case in approved], Transition.APPROVE, actor, now)
    for case in approved:
        fix_status(case.order_item_id)


def _add_to_plans(
    cases: Sequence[CancellationRequest],
    actor: Actor,
    now: datetime,
    *,
    details: Details = NO_DETAILS,
    terms: RefundTerms = DEFAULT_TERMS,
) -> None:
    """Confirm cases and add them to plans, which are not recalculated yet."""
    items = OrderItem.objects.in_bulk([case.order_item_id for case in cases])
    for case in cases:
        _ensure_confirmable(case, items[case.order_item_id])
    parts = _split_off_units(cases, items, now)
    plans: dict[tuple[int, str], PlanId] = {}
    updates = []
    for case, item in zip(cases, parts, strict=True):
        key = item.order_id, case.cancellation_type
        if key not in plans:
            plans[key] = get_or_create_plan(
                OrderId(item.order_id), Kind(case.cancellation_type), terms, actor, now
            )
        changes = {"order_item_id": item.pk, "item_status_before": item.status}
        updates.append((case, changes | {"plan_id": plans[key]}))
    _apply(updates, Transition.CONFIRM, actor, now, details)
    set_item_status(parts, ItemStatus.CANCELLATION_WAITING, now)


def _ensure_confirmable(case: CancellationRequest, item: OrderItem) -> None:
    _ensure_allowed(case, Transition.CONFIRM)
    if case.cancellation_type == Kind.CANCEL and item.status not in CANCELLABLE:
        raise Refused(errors.CANNOT_CANCEL_NOW, order_item=item.pk)
    if case.cancellation_type == Kind.RETURN and item.status not in REFUNDABLE:
        raise Refused(errors.CANNOT_RETURN_NOW, order_item=item.pk)
    ensure_units_left(case, item)


def _split_off_units(
    cases: Sequence[CancellationRequest], items: Mapping[int, OrderItem], now: datetime
) -> list[OrderItem]:
    """The items that hold exactly the units of the cases: the present ones, or new parts."""
    quantities = [(items[case.order_item_id], case.quantity) for case in cases]
    partial = [(item, units) for item, units in quantities if units < units_left(item)]
    parts = split_items(partial, now=now)
    return [parts.get(item.pk, item) for item, _ in quantities]


def _close(
    case: CancellationRequest,
    transition: Transition,
    actor: Actor,
    now: datetime,
    details: Details = NO_DETAILS,
) -> None:
    """Reject or withdraw a case, and restore its item, easy return and plan.

    An item that was split off for the case is merged into the original one again.
    """
    _apply([(case, {})], transition, actor, now, details)
    if case.item_status_before is not None:
        item = OrderItem.objects.get(pk=case.order_item_id)
        set_item_status([item], later_status(case.item_status_before, item.deferred_status), now)
    others = CancellationRequest.objects.filter(
        easy_return_id=case.easy_return_id, status__in=[status.value for status in LIVE]
    )
    if case.easy_return_id and not others.exists():
        cancel_easy_return(case.easy_return_id, now=now)
    update_plans([case], actor, now, is_promise=False)
    merge_free_parts(case, now)


def _apply(
    updates: Updates,
    transition: Transition,
    actor: Actor,
    now: datetime,
    details: Details = NO_DETAILS,
) -> None:
    """Write a transition of cases with their new values: rows, history and messages."""
    moves = [
        (case, {**values, "status": _ensure_allowed(case, transition).value})
        for case, values in updates
    ]
    update_cases(moves, transition, actor, now, details)
    if topic := _TOPICS.get(transition):
        due_at = now + MAIL_DELAY if actor.kind is ActorKind.STAFF else None
        publish(topic, [case for case, _ in moves], due_at)


def _ensure_allowed(case: CancellationRequest, transition: Transition) -> Status:
    """The status after a transition; `Refused` if the life cycle does not allow it."""
    before = Status(case.status)
    if not LIFE_CYCLE.allows(before, transition):
        raise Refused(errors.WRONG_STATUS, status=before.value, transition=transition.value)
    return LIFE_CYCLE.next(before, transition)
