"""Statuses and the life cycle of a refund."""

from enum import StrEnum

from takeback.core.state_machine import StateMachine


class Means(StrEnum):
    """The way in which a refund reaches the shopper."""

    ORIGINAL = "original"
    LOYALTY = "loyalty"
    BANK_TRANSFER = "bank_transfer"
    MANUAL = "manual"


class Status(StrEnum):
    """`sending`: the request may have left. `pending`: the provider accepted it and is working."""

    PLANNED = "planned"
    SENDING = "sending"
    IN_DOUBT = "in_doubt"
    PENDING = "pending"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    RETURNED = "returned"
    CANCELLED = "cancelled"


class RefundEvent(StrEnum):
    SEND = "send"
    DOUBT = "doubt"
    ACCEPT = "accept"
    CONFIRM = "confirm"
    FAIL = "fail"
    RETURN = "return"
    CANCEL = "cancel"


LIFE_CYCLE = StateMachine(
    Status.PLANNED,
    {
        (Status.PLANNED, RefundEvent.SEND): Status.SENDING,
        (Status.PLANNED, RefundEvent.CANCEL): Status.CANCELLED,
        (Status.SENDING, RefundEvent.DOUBT): Status.IN_DOUBT,
        (Status.SENDING, RefundEvent.ACCEPT): Status.PENDING,
        (Status.SENDING, RefundEvent.CONFIRM): Status.CONFIRMED,
        (Status.SENDING, RefundEvent.FAIL): Status.FAILED,
        # A repeated request under the same key.
        (Status.IN_DOUBT, RefundEvent.SEND): Status.SENDING,
        (Status.IN_DOUBT, RefundEvent.ACCEPT): Status.PENDING,
        (Status.IN_DOUBT, RefundEvent.CONFIRM): Status.CONFIRMED,
        (Status.IN_DOUBT, RefundEvent.FAIL): Status.FAILED,
        (Status.PENDING, RefundEvent.CONFIRM): Status.CONFIRMED,
        (Status.PENDING, RefundEvent.FAIL): Status.FAILED,
        (Status.CONFIRMED, RefundEvent.RETURN): Status.RETURNED,
    },
)

RESERVING = (Status.PLANNED, Status.SENDING, Status.IN_DOUBT, Status.PENDING)
"""Statuses whose amount is reserved on the payment."""

UNDECIDED = (Status.SENDING, Status.IN_DOUBT, Status.PENDING)
"""Statuses in which money may have moved and the provider's answer is not final."""


class Attention(StrEnum):
    """Why a person must look at a refund; the desk shows the reason and the next step."""

    NO_PROVIDER_PAYMENT = "no_provider_payment"
    CAPTURE_DIFFERS = "capture_differs"
    OTHER_CURRENCY = "other_currency"
    # Refunds that others made, or a charge-back, have used up the money of the payment.
    NOT_ENOUGH_LEFT = "not_enough_left"
    KEY_EXPIRED = "key_expired"
    TOTAL_MOVED = "total_moved"
    WRONG_AMOUNT = "wrong_amount"
    CONTRADICTION = "contradiction"
    UNREADABLE = "unreadable"
    OVERDUE = "overdue"
    REFUSED = "refused"
    LATE_FAILURE = "late_failure"
    ACCOUNT_MISSING = "account_missing"
    MANUAL_PAYMENT = "manual_payment"


LOOKS_NEEDED = 2
"""The states without a refund, and with an unchanged total, after which it may be sent again."""

PAID_BY_A_PERSON = (Means.BANK_TRANSFER, Means.MANUAL)
"""Means that nobody sends: a person pays, then marks the refund as paid."""


REPEATABLE = (Attention.UNREADABLE, Attention.KEY_EXPIRED)
"""What does not keep a refund in doubt from being sent again, once its absence is certain."""
