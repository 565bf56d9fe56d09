"""Alarms: operators learn that half of a limit is used up, before the limit refuses anybody."""

from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from datetime import datetime
from threading import Lock

import structlog

from takeback.limits.commands import Bucket, Count, enforce, increment

log = structlog.get_logger(__name__)

_lock = Lock()
_untaken: Tally[str] = Tally()
# The end of the window in which the alarm of a kind was raised, as this process knows it.
_quiet_until: dict[str, int] = {}


def raise_alarms(buckets: Sequence[Bucket], counts: Mapping[str, Count], now: datetime) -> None:
    """Raise an alarm for each bucket of which half the limit is used up.

    A kind of bucket, such as `lookup-number`, raises one alarm per window in all processes. Call
    this for hits that stay counted: a right password is taken back and raises none.
    """
    epoch = int(now.timestamp())
    for bucket in buckets:
        if bucket.allowed and counts[bucket.key].hits >= half_of(bucket.allowed):
            kind = bucket.key.partition(":")[0]
            if _quiet_until.get(kind, 0) <= epoch:
                _raise_once(kind, bucket, now)


def half_of(allowed: int) -> int:
    """The hits that raise the alarm of a limit.

    >>> half_of(10), half_of(5), half_of(1)
    (5, 3, 1)
    """
    return (allowed + 1) // 2


def count(buckets: Sequence[Bucket], now: datetime) -> None:
    """Count a hit in each bucket. Raises Refused above a limit."""
    counts = increment(buckets, now)
    raise_alarms(buckets, counts, now)
    enforce(buckets, counts)


def take_alarms() -> Mapping[str, int]:
    """The number of alarms by kind that this process has raised since the last call."""
    global _untaken  # noqa: PLW0603 - a tally of the process
    if not _untaken:
        return {}
    with _lock:
        taken, _untaken = _untaken, Tally()
    return taken


def forget() -> None:
    """Let this process raise every alarm again."""
    _quiet_until.clear()
    take_alarms()


def _raise_once(kind: str, bucket: Bucket, now: datetime) -> None:
    alarm = Bucket(f"alarm:{kind}", 1, bucket.window_seconds)
    alarms, seconds_left = increment([alarm], now)[alarm.key]
    _quiet_until[kind] = int(now.timestamp()) + seconds_left
    if alarms == 1:
        with _lock:
            _untaken[kind] += 1
        log.warning(
            "limit_half_used",
            limit=kind,
            allowed=bucket.allowed,
            window_seconds=bucket.window_seconds,
        )
