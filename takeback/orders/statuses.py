"""Status codes of orders and items, and what they mean for us (domain C.1, D.1)."""

from collections import Counter
from collections.abc import Sequence
from enum import IntEnum, StrEnum


class Status(IntEnum):
    """What has become of an order or an item; the numbers are the contract's."""

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


NAMES = {status.name.lower(): status for status in Status} | {"canceled": Status.CANCELLED}
"""Names under which others send a status, both spellings of cancelled among them."""

CODE_DIGITS = 4
ENDED = frozenset({Status.CANCELLED, Status.REFUNDED})
CANCELLABLE = frozenset(
    {
        Status.WAITING,
        Status.PAYMENT_WAITING,
        Status.CONFIRMATION_WAITING,
        Status.APPROVED,
        Status.PREPARING,
    }
)
"""Not yet on its way; a preparing item also needs to be without invoice."""

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
"""Left or about to leave; a preparing item needs an invoice."""


def status_of(value: object) -> int | None:
    """The code behind what others send: a number, its digits, or a name; None if it is none."""
    if isinstance(value, bool) or value is None:
        return None
    text = str(value).strip()
    if text.isascii() and text.isdigit() and len(text) <= CODE_DIGITS:
        return int(text)
    return NAMES.get(text.lower())


def rolled_up_status(codes: Sequence[int]) -> int:
    """An order's status from its items: the lowest live one; when all have ended, the more
    frequent end, cancelled on a tie (domain D.1).

    >>> rolled_up([550, 450, 100]), rolled_up([100, 600, 600]), rolled_up([100, 600])
    (450, 600, 100)
    """
    live = [code for code in codes if code not in ENDED]
    if live:
        return min(live)
    ends = Counter(codes)
    return Status.REFUNDED if ends[Status.REFUNDED] > ends[Status.CANCELLED] else Status.CANCELLED


_UNDER_WAY = frozenset(
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
    """Whether a line may be told to have come from one status to another.

    Forward only, but a parcel under way comes to a pick-up point after a vain attempt, too.

    >>> leads_on(450, 500), leads_on(540, 520), leads_on(550, 500)
    (True, True, False)
    """
    return after >= before or {before, after} <= _UNDER_WAY


class CancelStatus(StrEnum):
    """How far others are with a cancellation or return, as they tell it (domain C.4)."""

    WAITING = "waiting"
    CONFIRMATION_WAITING = "confirmation_waiting"
    CONFIRMED = "confirmed"
    APPROVED = "approved"
    WAITING_FOR_PAYMENT = "waiting_for_payment"
    REJECTED = "rejected"
    COMPLETED = "completed"


_NOT_AFTER: dict[str, frozenset[str]] = {
    CancelStatus.APPROVED: frozenset({CancelStatus.CONFIRMED}),
    CancelStatus.WAITING_FOR_PAYMENT: frozenset(CancelStatus)
    - {CancelStatus.WAITING_FOR_PAYMENT, CancelStatus.COMPLETED},
}


def cancel_status_can_follow(before: str | None, after: str | None) -> bool:
    """Whether a line's `cancel_status` may be told to change like this (domain D.5).

    >>> cancel_leads_on(None, "waiting"), cancel_leads_on("approved", "confirmed")
    (True, False)
    """
    return after not in _NOT_AFTER.get(before or "", frozenset())
