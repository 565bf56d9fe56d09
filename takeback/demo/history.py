"""What had happened to a case before the demo opened, step by step."""

from datetime import datetime, timedelta

from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.cancellations.statuses import LIFE_CYCLE, CaseEvent, Status, Transition
from takeback.core.actor import SYSTEM, Actor, ActorKind

_Step = tuple[str, Status | None, Status, Actor]

_PAUSE = timedelta(hours=5)
_WAYS: dict[Status, tuple[Transition, ...]] = {
    Status.WAITING: (),
    Status.WAITING_APPROVAL: (Transition.REVIEW,),
    Status.CONFIRMED: (Transition.CONFIRM,),
    Status.APPROVED: (Transition.CONFIRM, Transition.APPROVE),
    Status.COMPLETED: (Transition.CONFIRM, Transition.APPROVE, Transition.COMPLETE),
    Status.REJECTED: (Transition.REJECT,),
    Status.WITHDRAWN: (Transition.WITHDRAW,),
}


def past_of(request: CancellationRequest, asker: Actor, staff: Actor) -> list[CaseHistory]:
    """Rows for the way that led to the request's status, the last one at its last change.

    A guest's account that is confirmed was confirmed by the guest, first of all.
    """
    state = Status.WAITING
    steps: list[_Step] = [(CaseEvent.OPEN, None, state, asker)]
    if request.is_bank_account_confirmed and asker.kind is ActorKind.GUEST:
        steps.append((CaseEvent.CONFIRM_ACCOUNT, state, state, asker))
    for event in _WAYS[Status(request.status)]:
        before, state = state, LIFE_CYCLE.next(state, event)
        steps.append((event.value, before, state, _actor(event, asker, staff)))
    asked, latest = request.created_date, request.modified_date
    return [
        CaseHistory(
            cancellation_request=request,
            seq=seq,
            event=event,
            before=before.value if before else None,
            after=after.value,
            actor_kind=actor.kind.value,
            actor_number=actor.number,
            at=min(asked + (seq - 1) * _PAUSE, latest),
        )
        for seq, (event, before, after, actor) in enumerate(steps, 1)
    ]


def last_change(asked: datetime, status: Status, reference: datetime) -> datetime:
    """When a request that was asked then has come to this status; never after `reference`."""
    return min(asked + len(_WAYS[status]) * _PAUSE, reference)


def _actor(event: Transition, asker: Actor, staff: Actor) -> Actor:
    return {Transition.WITHDRAW: asker, Transition.COMPLETE: SYSTEM}.get(event, staff)
