"""How the sandbox misbehaves on demand: each failure has a name that the admin route accepts."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple


class Target(StrEnum):
    """The requests that a script applies to."""

    REFUND = "refund"
    VOID = "void"
    STATE = "state"
    # The event that the next refund causes.
    EVENT = "event"


class Failure(StrEnum):
    """A failure of one request, or of the events that it causes."""

    # The request is not processed.
    TIMEOUT_BEFORE = "timeout_before"
    RESET_BEFORE = "reset_before"
    ERROR_500 = "error_500"
    RATE_LIMIT = "rate_limit"
    KEY_IN_USE = "key_in_use"
    UNAUTHORIZED = "unauthorized"
    DUPLICATE_REFUSED = "duplicate_refused"

    # The request is processed, and the reply is lost or says something else.
    COMMIT_THEN_TIMEOUT = "commit_then_timeout"
    COMMIT_THEN_RESET = "commit_then_reset"
    COMMIT_THEN_500 = "commit_then_500"
    COMMIT_THEN_DUPLICATE = "commit_then_duplicate"
    REPLY_WRONG_AMOUNT = "reply_wrong_amount"
    REPLY_WRONG_CURRENCY = "reply_wrong_currency"
    REPLY_WRONG_REFERENCE = "reply_wrong_reference"

    # The reply of a processed request cannot be read.
    EMPTY = "empty"
    MALFORMED = "malformed"
    DUPLICATE_KEY = "duplicate_key"
    DEEP = "deep"
    NOT_JSON = "not_json"
    HUGE = "huge"
    COMPRESSED = "compressed"
    TRUNCATED = "truncated"
    REDIRECT = "redirect"
    SLOW_HEADERS = "slow_headers"
    SLOW_BODY = "slow_body"
    CUSTOM_REPLY = "custom_reply"

    # The refund itself is different.
    PENDING = "pending"
    PENDING_FOREVER = "pending_forever"
    RETURNED_LATER = "returned_later"
    PARTIAL_AMOUNT = "partial_amount"
    KEY_FORGOTTEN = "key_forgotten"

    # Looks.
    LAGGING = "lagging"
    CONTRADICTORY = "contradictory"
    MIXED_CURRENCIES = "mixed_currencies"
    OTHER_MODE = "other_mode"
    UNKNOWN_PAYMENT = "unknown_payment"

    # Events.
    EVENT_BEFORE_REPLY = "event_before_reply"
    EVENT_DUPLICATED = "event_duplicated"
    EVENT_REORDERED = "event_reordered"
    EVENT_LATE = "event_late"
    EVENT_LOST = "event_lost"
    EVENT_WRONG_AMOUNT = "event_wrong_amount"
    EVENT_WRONG_CURRENCY = "event_wrong_currency"
    EVENT_WRONG_REFERENCE = "event_wrong_reference"
    EVENT_WRONG_SIGNATURE = "event_wrong_signature"
    EVENT_OLD_SIGNATURE = "event_old_signature"


NOT_PROCESSED: Final = frozenset(
    {
        Failure.TIMEOUT_BEFORE,
        Failure.RESET_BEFORE,
        Failure.ERROR_500,
        Failure.RATE_LIMIT,
        Failure.KEY_IN_USE,
        Failure.UNAUTHORIZED,
        Failure.DUPLICATE_REFUSED,
    }
)
OF_EVENTS: Final = frozenset(failure for failure in Failure if failure.startswith("event_"))
OF_LOOKS: Final = frozenset(
    {
        Failure.LAGGING,
        Failure.CONTRADICTORY,
        Failure.MIXED_CURRENCIES,
        Failure.OTHER_MODE,
        Failure.UNKNOWN_PAYMENT,
    }
)
OF_REFUNDS: Final = frozenset(
    {
        Failure.KEY_IN_USE,
        Failure.DUPLICATE_REFUSED,
        Failure.COMMIT_THEN_DUPLICATE,
        Failure.PENDING,
        Failure.PENDING_FOREVER,
        Failure.RETURNED_LATER,
        Failure.PARTIAL_AMOUNT,
        Failure.KEY_FORGOTTEN,
        Failure.REPLY_WRONG_AMOUNT,
        Failure.REPLY_WRONG_CURRENCY,
        Failure.REPLY_WRONG_REFERENCE,
    }
)
"""Failures that make sense for requests that move money only."""


class Script(NamedTuple):
    """The failure of the request at hand, and its options.

    `seconds` delays a settlement, an event or a lag; `status` is that of a settled refund or of a
    custom reply; `body` and `content_type` belong to a custom reply.
    """

    failure: Failure
    options: Mapping[str, Any]

    def seconds(self, default: float = 0) -> float:
        return float(self.options.get("seconds", default))

    @property
    def is_processed(self) -> bool:
        """Whether the request has its effect; a custom refusal (400 to 499) has none."""
        if self.failure is Failure.CUSTOM_REPLY:
            return not 400 <= int(self.options.get("status", 200)) < 500  # noqa: PLR2004
        return self.failure not in NOT_PROCESSED


def target_of(failure: Failure) -> Target:
    """The requests for which a failure is meant unless its script names others."""
    if failure in OF_EVENTS:
        return Target.EVENT
    return Target.STATE if failure in OF_LOOKS else Target.REFUND


def fits(failure: Failure, target: Target) -> bool:
    """Whether a request of this target can fail in this way."""
    if target is Target.EVENT or failure in OF_EVENTS:
        return target is Target.EVENT and failure in OF_EVENTS
    if target is Target.STATE:
        return failure not in OF_REFUNDS
    return failure not in OF_LOOKS
