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
"""Only cases leave these, and channel updates cannot set them."""

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


_STATUS_BY_TEXT = STATUS_BY_NAME | {str(status.value): status for status in Status}


def status_of(value: object) -> int | None:
    """The status code for a known code, its digits, or a name; None for any other value."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return _STATUS_BY_TEXT.get(str(value).strip().lower())


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
    """Whether an item's status may change from `before` to `after` by a report of its shop.

    Statuses move forward, except between in-transit statuses, as after a failed delivery. An end
    is final, and goods that were shipped are never cancelled.

    >>> can_follow(450, 500), can_follow(540, 520), can_follow(550, 500)
    (True, True, False)
    >>> can_follow(400, 100), can_follow(500, 100), can_follow(550, 600), can_follow(100, 400)
    (True, False, True, False)
    """
    if before == after or {before, after} <= _IN_TRANSIT:
        return True
    if before in ENDED:
        return False
    if after == Status.CANCELLED:
        return before < Status.SHIPPED
    return after > before


def can_be_deferred(deferred: int | None, received: int) -> bool:
    """Whether a status received during a case replaces the one that waits for its end.

    Goods that were shipped were not cancelled, whatever was received before.

    >>> can_be_deferred(None, 450), can_be_deferred(500, 450), can_be_deferred(100, 500)
    (True, False, True)
    """
    if deferred is None:
        return received != Status.CANCELLATION_WAITING
    is_shipped = received >= Status.SHIPPED
    return can_follow(deferred, received) or (deferred == Status.CANCELLED and is_shipped)


def later_status(before: int, reported: int | None) -> int:
    """The status after a case is closed: the one reported meanwhile, unless it is an older one.

    >>> later_status(450, 500), later_status(450, 400), later_status(450, None)
    (500, 450, 450)
    """
    return reported if reported is not None and can_follow(before, reported) else before


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
