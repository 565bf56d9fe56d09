"""Kinds, statuses and life cycles of cases and of the plans that pay them back."""

from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum

from takeback.core.state_machine import StateMachine
from takeback.orders.statuses import CancelStatus


class Kind(StrEnum):
    """A cancellation before the goods are shipped, or a return afterwards."""

    CANCEL = "cancel"
    RETURN = "refund"


class Status(StrEnum):
    WAITING = "waiting"
    WAITING_APPROVAL = "waiting_approval"
    CONFIRMED = "confirmed"
    APPROVED = "approved"
    COMPLETED = "completed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Transition(StrEnum):
    REVIEW = "review"
    CONFIRM = "confirm"
    APPROVE = "approve"
    COMPLETE = "complete"
    REJECT = "reject"
    WITHDRAW = "withdraw"


class CaseEvent(StrEnum):
    """An event in the history of a case that is no transition."""

    OPEN = "open"
    EDIT = "edit"
    NOTE = "note"
    UNDO = "undo"
    CONFIRM_ACCOUNT = "confirm_account"
    INTO_RETURN = "into_return"
    REMOVE = "remove"


# All transitions of a case. Review is optional: staff may confirm a case without it.
LIFE_CYCLE = StateMachine(
    Status.WAITING,
    {
        (Status.WAITING, Transition.REVIEW): Status.WAITING_APPROVAL,
        (Status.WAITING, Transition.CONFIRM): Status.CONFIRMED,
        (Status.WAITING, Transition.REJECT): Status.REJECTED,
        (Status.WAITING, Transition.WITHDRAW): Status.WITHDRAWN,
        (Status.WAITING_APPROVAL, Transition.CONFIRM): Status.CONFIRMED,
        (Status.WAITING_APPROVAL, Transition.REJECT): Status.REJECTED,
        (Status.WAITING_APPROVAL, Transition.WITHDRAW): Status.WITHDRAWN,
        (Status.CONFIRMED, Transition.APPROVE): Status.APPROVED,
        (Status.CONFIRMED, Transition.REJECT): Status.REJECTED,
        (Status.CONFIRMED, Transition.WITHDRAW): Status.WITHDRAWN,
        (Status.APPROVED, Transition.COMPLETE): Status.COMPLETED,
    },
    # Approving a case that is not confirmed confirms it, too; both are undone together.
    undo={
        Status.WAITING_APPROVAL: (Status.WAITING,),
        Status.CONFIRMED: (Status.WAITING, Status.WAITING_APPROVAL),
        Status.APPROVED: (Status.WAITING, Status.WAITING_APPROVAL, Status.CONFIRMED),
        Status.REJECTED: (Status.WAITING, Status.WAITING_APPROVAL, Status.CONFIRMED),
    },
)

# The decisions that an agent may undo, and the time for it.
DECISIONS = (Transition.REVIEW, Transition.CONFIRM, Transition.APPROVE, Transition.REJECT)
UNDO_TIME = timedelta(seconds=10)
# Mails and refunds that follow an agent's decision wait longer than that: an undo may have waited
# for a lock.
MAIL_DELAY = UNDO_TIME + timedelta(seconds=5)

# Statuses of cases that have not ended. An item has at most one live case.
LIVE = (Status.WAITING, Status.WAITING_APPROVAL, Status.CONFIRMED, Status.APPROVED)

# Statuses of cases that ended without a refund.
CLOSED = (Status.REJECTED, Status.WITHDRAWN)


class PlanStatus(StrEnum):
    """`waiting_for_payment`: a refund has left, so the approval can no longer be undone."""

    WAITING = "waiting"
    APPROVED = "approved"
    WAITING_FOR_PAYMENT = "waiting_for_payment"
    COMPLETED = "completed"
    REJECTED = "rejected"


class PlanTransition(StrEnum):
    APPROVE = "approve"
    SEND = "send"
    COMPLETE = "complete"
    REJECT = "reject"


# A plan is approved with the last case that is not closed, and rejected if all are closed. It is
# complete when all its refunds are confirmed: at once if it has none.
PLAN_LIFE_CYCLE = StateMachine(
    PlanStatus.WAITING,
    {
        (PlanStatus.WAITING, PlanTransition.APPROVE): PlanStatus.APPROVED,
        (PlanStatus.WAITING, PlanTransition.REJECT): PlanStatus.REJECTED,
        (PlanStatus.APPROVED, PlanTransition.SEND): PlanStatus.WAITING_FOR_PAYMENT,
        (PlanStatus.APPROVED, PlanTransition.COMPLETE): PlanStatus.COMPLETED,
        (PlanStatus.WAITING_FOR_PAYMENT, PlanTransition.COMPLETE): PlanStatus.COMPLETED,
    },
    # A plan follows its cases when a decision is undone; without cases it is rejected.
    undo={
        PlanStatus.APPROVED: (PlanStatus.WAITING, PlanStatus.REJECTED),
        PlanStatus.REJECTED: (PlanStatus.WAITING,),
    },
)


class TransactionType(StrEnum):
    CANCEL = "cancel"
    REFUND = "refund"


# The statuses that shoppers see.
SHOWN = {
    Status.WAITING: "open",
    Status.WAITING_APPROVAL: "open",
    Status.CONFIRMED: "open",
    Status.APPROVED: "approved",
    Status.COMPLETED: "completed",
    Status.REJECTED: "rejected",
    Status.WITHDRAWN: "rejected",
}

# The statuses that other systems see.
SHOWN_TO_CHANNELS = {status: status for status in Status} | {Status.WITHDRAWN: Status.REJECTED}

# The `cancel_status` of an item or order by the statuses of its cases; the first match decides.
# A refund under way is a status of its own here (`payment_status`).
CANCEL_STATUSES: dict[CancelStatus, tuple[str, ...]] = {
    CancelStatus.WAITING: (Status.WAITING, Status.CONFIRMED),
    CancelStatus.CONFIRMATION_WAITING: (Status.WAITING_APPROVAL,),
    CancelStatus.APPROVED: (Status.APPROVED,),
    CancelStatus.WAITING_FOR_PAYMENT: (PlanStatus.WAITING_FOR_PAYMENT,),
    CancelStatus.COMPLETED: (Status.COMPLETED,),
    CancelStatus.REJECTED: (Status.REJECTED, Status.WITHDRAWN),
}


def payment_status(status: str, plan_status: str | None) -> str:
    """The status of a case, or `waiting_for_payment` while the refunds of its plan are under way.

    >>> payment_status("approved", "waiting_for_payment"), payment_status("rejected", "approved")
    (<PlanStatus.WAITING_FOR_PAYMENT: 'waiting_for_payment'>, 'rejected')
    """
    is_paying = plan_status == PlanStatus.WAITING_FOR_PAYMENT and status == Status.APPROVED
    return PlanStatus.WAITING_FOR_PAYMENT if is_paying else status


def cancel_status_of(statuses: Collection[str]) -> CancelStatus | None:
    """The `cancel_status` that cases of these statuses add up to; None without cases.

    >>> cancel_status_of(["rejected", "confirmed"]), cancel_status_of([])
    (<CancelStatus.WAITING: 'waiting'>, None)
    """
    for shown, members in CANCEL_STATUSES.items():
        if not set(members).isdisjoint(statuses):
            return shown
    return None
