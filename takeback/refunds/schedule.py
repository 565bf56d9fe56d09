"""When the worker looks at a refund again: pure functions of its dates and its key."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

# Adapters end within 20 s: a request of longer ago has left, or never will.
SENDER_TIME: Final = timedelta(seconds=30)
# After this time without a state of the payment, a person looks at an expired key.
UNREACHABLE_TIME: Final = timedelta(hours=1)
# The last look at a confirmed refund is repeated after this time if no state could be read,
UNREAD_TIME: Final = timedelta(hours=6)
# but not when the confirmation is older than this.
LATE_TIME: Final = timedelta(days=90)
# After this time without a result, a person looks at a refund in any case.
DOUBT_TIME: Final = timedelta(hours=24)
# Bank transfers of providers take up to ten working days: then a person asks the provider.
PENDING_TIME: Final = timedelta(days=14)

_SHORTEST_MARGIN = timedelta(seconds=1)
_SHORTEST, _LONGEST = timedelta(seconds=30), timedelta(hours=6)
_LONGEST_HOLD = timedelta(minutes=30)
_SENDS_AT_ONCE, _FIRST_PAUSE, _MOST_DOUBLINGS = 2, timedelta(minutes=1), 5
_SHARE = 3
# A confirmed refund may come back from a closed account; not every provider reports it.
_LATE_DAYS = (1, 3, 7, 14, 30, 60)


def next_look(key: UUID, since: datetime, now: datetime) -> datetime:
    """The next look at an undecided refund: after a third of the time since the first request.

    At least 30 s and at most 6 h, spread by the key so that providers get no bursts.
    """
    wait = min(max((now - since) / _SHARE, _SHORTEST), _LONGEST)
    return now + wait * _spread(key)


def evidence_margin(
    lag: timedelta, first_sent_at: datetime | None, key_expires_at: datetime | None, now: datetime
) -> timedelta:
    """How long after the doubt began, and after another state, a state counts as evidence.

    That is the provider's lag. When the provider no longer recognizes the key, a repetition is
    safe by this evidence alone: a request that is still on its way gets the time of a sender, too.
    """
    is_key_open = key_expires_at is None or (
        first_sent_at is not None and now < key_expires_at - (key_expires_at - first_sent_at) / 24
    )
    return max(lag, _SHORTEST_MARGIN) + (timedelta(0) if is_key_open else SENDER_TIME)


def next_repetition(sends: int, last_sent_at: datetime) -> datetime:
    """When a request may be repeated after so many: the first time as soon as there is evidence.

    Later repetitions wait 1, 2, 4 … minutes, at most half an hour: a provider that has refused an
    equal amount for an hour is not asked a thousand times.
    """
    if sends < _SENDS_AT_ONCE:
        return last_sent_at
    doublings = min(sends - _SENDS_AT_ONCE, _MOST_DOUBLINGS)
    return last_sent_at + min(_FIRST_PAUSE * (1 << doublings), _LONGEST_HOLD)


def next_try(key: UUID, since: datetime, now: datetime) -> datetime:
    """The next attempt to send a refund that is held; at most half an hour later."""
    wait = min(max((now - since) / _SHARE, _SHORTEST), _LONGEST_HOLD)
    return now + wait * _spread(key)


def next_late_look(key: UUID, confirmed_at: datetime, now: datetime) -> datetime | None:
    """The next look at a confirmed refund; None when a return is no longer expected."""
    for days in _LATE_DAYS:
        at = confirmed_at + timedelta(days=days) * _spread(key)
        if at > now:
            return at
    return None


def _spread(key: UUID) -> float:
    """A factor between 0.8 and 1.2 that is fixed for a refund."""
    return 0.8 + key.int % 401 / 1000
