"""The case ledger: kinds and statuses of a cancellation request (decisions, three ledgers)."""

from enum import StrEnum

from takeback.core.state_machine import StateMachine


class Kind(StrEnum):
    """What is asked: before the goods leave, or sending them back."""

    CANCEL = "cancel"
    REFUND = "refund"


class Status(StrEnum):
    """Where a case is."""

    WAITING = "waiting"
    WAITING_APPROVAL = "waiting_approval"
    CONFIRMED = "confirmed"
    APPROVED = "approved"
    COMPLETED = "completed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Transition(StrEnum):
    """What can happen to a case."""

    REVIEW = "review"
    CONFIRM = "confirm"
    APPROVE = "approve"
    COMPLETE = "complete"
    REJECT = "reject"
    WITHDRAW = "withdraw"


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
)
"""Which step follows which; staff may confirm without a second look."""

LIVE = (Status.WAITING, Status.WAITING_APPROVAL, Status.CONFIRMED, Status.APPROVED)
"""Cases that can still move; an item has at most one."""


class PlanStatus(StrEnum):
    """Where a plan is: it follows its cases."""

    WAITING = "waiting"
    APPROVED = "approved"
    COMPLETED = "completed"
    REJECTED = "rejected"


class PlanTransition(StrEnum):
    """What can happen to a plan."""

    APPROVE = "approve"
    COMPLETE = "complete"
    REJECT = "reject"


PLAN_LIFE_CYCLE = StateMachine(
    PlanStatus.WAITING,
    {
        (PlanStatus.WAITING, PlanTransition.APPROVE): PlanStatus.APPROVED,
        (PlanStatus.WAITING, PlanTransition.REJECT): PlanStatus.REJECTED,
        (PlanStatus.APPROVED, PlanTransition.COMPLETE): PlanStatus.COMPLETED,
    },
)
"""A plan is approved with the last of its cases, and rejected when none of them is left."""


class TransactionType(StrEnum):
    """What a payment of a plan is for."""

    CANCEL = "cancel"
    REFUND = "refund"


SHOWN = {
    Status.WAITING: "open",
    Status.WAITING_APPROVAL: "open",
    Status.CONFIRMED: "open",
    Status.APPROVED: "approved",
    Status.COMPLETED: "completed",
    Status.REJECTED: "rejected",
    Status.WITHDRAWN: "rejected",
}
"""What a shopper is shown."""

SHOWN_TO_CHANNELS = {status: status for status in Status} | {Status.WITHDRAWN: Status.REJECTED}
"""What other systems are shown."""
