"""Status codes of orders and items, and the changes of status that are allowed."""

from collections import Counter
from collections.abc import Sequence
from enum import IntEnum, StrEnum


class Status(IntEnum):
    """The status of an order or an item; the numbers are the contract's."""

    CANCELLATION_WAITING = 50
    CANCELLED = 100
    WAITING = 200
    PAYMENT_WAITING = 300
    CONFIRMATION_WAITING = 350
    APPROVED = 400
    PREPARING = 450
    SHIPPED = 500
    SHIPPED_AND_INFORMED = 510
    READY_FOR_PICKUP = 520
    ATTEMPTED_DELIVERY = 540
    REVIEW_STARTED = 544
    REVIEW_WAITING = 545
    DELIVERED = 550
    REFUNDED = 600


STATUS_BY_NAME = {status.name.lower(): status for status in Status} | {"canceled": Status.CANCELLED}
"""The names that input may use, with both spellings of cancelled."""

ENDED = frozenset({Status.CANCELLED, Status.REFUNDED})
SET_BY_CASES = ENDED | {Status.CANCELLATION_WAITING}
"""Only cases set these; imports and channel updates neither set nor leave them."""

CANCELLABLE = frozenset(
    {
        Status.WAITING,
        Status.PAYMENT_WAITING,
        Status.CONFIRMATION_WAITING,
        Status.APPROVED,
        Status.PREPARING,
    }
)
"""Not yet shipped. A preparing item can be cancelled only while it has no invoice."""

REFUNDABLE = frozenset(
    {
        Status.PREPARING,
        Status.SHIPPED,
        Status.SHIPPED_AND_INFORMED,
        Status.READY_FOR_PICKUP,
        Status.ATTEMPTED_DELIVERY,
        Status.REVIEW_STARTED,
        Status.REVIEW_WAITING,
        Status.DELIVERED,
    }
)
"""Shipped or about to be. A preparing item can be returned only when it has an invoice."""


def is_shipped(status: int) -> bool:
    """Whether goods of this status have left the warehouse, and have not been returned.

    >>> is_shipped(450), is_shipped(500), is_shipped(600)
    (False, True, False)
    """
    return Status.SHIPPED <= status <= Status.DELIVERED


_MAX_DIGITS = 4


def status_of(value: object) -> int | None:
    """The status code for a number, its digits, or a name; None for any other value."""
    if isinstance(value, bool) or value is None:
        return None
    text = str(value).strip()
    if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS:
        return int(text)
    return STATUS_BY_NAME.get(text.lower())


def rolled_up_status(codes: Sequence[int]) -> int:
    """An order's status from its items' statuses: the lowest one that has not ended.

    When all have ended, the more frequent end; cancelled on a tie.

    >>> [int(rolled_up_status(codes)) for codes in ([550, 450, 100], [100, 600, 600], [100, 600])]
    [450, 600, 100]
    """
    live = [code for code in codes if code not in ENDED]
    if live:
        return min(live)
    ends = Counter(codes)
    return Status.REFUNDED if ends[Status.REFUNDED] > ends[Status.CANCELLED] else Status.CANCELLED


_IN_TRANSIT = frozenset(
    {
        Status.SHIPPED,
        Status.SHIPPED_AND_INFORMED,
        Status.READY_FOR_PICKUP,
        Status.ATTEMPTED_DELIVERY,
        Status.REVIEW_STARTED,
        Status.REVIEW_WAITING,
    }
)


def can_follow(before: int, after: int) -> bool:
    """Whether a channel may change an item's status from `before` to `after`.

    Statuses move forward, except between in-transit statuses, as after a failed delivery.

    >>> can_follow(450, 500), can_follow(540, 520), can_follow(550, 500)
    (True, True, False)
    """
    return after >= before or {before, after} <= _IN_TRANSIT


class CancelStatus(StrEnum):
    """The progress of a cancellation or return in the channel's own system."""

    WAITING = "waiting"
    CONFIRMATION_WAITING = "confirmation_waiting"
    CONFIRMED = "confirmed"
    APPROVED = "approved"
    WAITING_FOR_PAYMENT = "waiting_for_payment"
    REJECTED = "rejected"
    COMPLETED = "completed"


_CANNOT_FOLLOW: dict[str, frozenset[str]] = {
    CancelStatus.APPROVED: frozenset({CancelStatus.CONFIRMED}),
    CancelStatus.WAITING_FOR_PAYMENT: frozenset(CancelStatus)
    - {CancelStatus.WAITING_FOR_PAYMENT, CancelStatus.COMPLETED},
}


def cancel_status_can_follow(before: str | None, after: str | None) -> bool:
    """Whether a channel may change an item's `cancel_status` from `before` to `after`.

    >>> cancel_status_can_follow(None, "waiting")
    True
    >>> cancel_status_can_follow("approved", "confirmed")
    False
    """
    return after not in _CANNOT_FOLLOW.get(before or "", frozenset())
