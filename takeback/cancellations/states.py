"""The case ledger: kinds and statuses of a cancellation request (decisions, three ledgers)."""

from enum import StrEnum


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


LIVE = (Status.WAITING, Status.WAITING_APPROVAL, Status.CONFIRMED, Status.APPROVED)
"""Cases that can still move; an item has at most one."""

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
