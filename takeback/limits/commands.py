"""Rate limits: one statement counts all buckets of a request, exactly under any concurrency.

An alarm tells operators that half of a limit is used up, before the limit refuses anybody.
"""

from collections import Counter as Tally
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from threading import Lock
from typing import NamedTuple

import structlog
from django.db import transaction
from django.utils.crypto import salted_hmac

from takeback.core import errors
from takeback.core.db.bulk import delete_batch
from takeback.core.db.connection import database, fetch_rows
from takeback.core.errors import Problem, Refused
from takeback.limits.models import Counter

PRUNED_AT_ONCE = 1_000

log = structlog.get_logger(__name__)

_ALARM = "alarm:"
_lock = Lock()
_untaken: Tally[str] = Tally()
# The end of the window in which the alarm of a kind was raised, as this process knows it.
_quiet_until: dict[str, int] = {}


class Bucket(NamedTuple):
    """A counter, its limit and its window; with `hits=0` it is only read, without a lock."""

    key: str
    allowed: int
    window_seconds: int
    hits: int = 1


class Count(NamedTuple):
    """The hits of the current window and the seconds until it ends."""

    hits: int
    seconds_left: int


# A hit after the end of the window starts a new window.
_INCREMENT = """
INSERT INTO limits_counter AS stored (key, hits, ends_at_epoch) VALUES {rows}
ON CONFLICT (key) DO UPDATE SET
  hits = CASE WHEN stored.ends_at_epoch <= %s THEN excluded.hits
              ELSE stored.hits + excluded.hits END,
  ends_at_epoch = CASE WHEN stored.ends_at_epoch <= %s
                       THEN excluded.ends_at_epoch ELSE stored.ends_at_epoch END
RETURNING key, hits, ends_at_epoch{peeks}
"""
_PEEK = """,
  (SELECT hits FROM limits_counter WHERE key = %s AND ends_at_epoch > %s),
  (SELECT ends_at_epoch FROM limits_counter WHERE key = %s AND ends_at_epoch > %s)"""

# An UPDATE locks rows in the order of the table, an INSERT in the order of its VALUES. A key that
# was pruned meanwhile becomes a window that has ended.
_DECREMENT = """
INSERT INTO limits_counter AS stored (key, hits, ends_at_epoch) VALUES {rows}
ON CONFLICT (key) DO UPDATE SET hits = stored.hits - 1 WHERE stored.hits > 0
RETURNING hits
"""


def key_of(kind: str, *parts: str) -> str:
    """The key of a bucket; the parts are hashed, so the table holds no personal data."""
    digest = salted_hmac(f"takeback.limits.{kind}", "\0".join(parts), algorithm="sha256")
    return f"{kind}:{digest.hexdigest()[:40]}"


def increment(buckets: Sequence[Bucket], now: datetime) -> dict[str, Count]:
    """Count a hit in at least one bucket, peek at those with `hits=0`; the counts by key.

    Keys are locked in sorted order, so that concurrent requests cannot deadlock.
    """
    epoch = int(now.timestamp())
    counted = sorted(bucket for bucket in buckets if bucket.hits)
    peeked = [bucket for bucket in buckets if not bucket.hits]
    parameters: list[str | int] = []
    for bucket in counted:
        parameters += [bucket.key, bucket.hits, epoch + bucket.window_seconds]
    parameters += [epoch, epoch]
    for bucket in peeked:
        parameters += [bucket.key, epoch] * 2
    places = ", ".join(["(%s, %s, %s)"] * len(counted))
    statement = _INCREMENT.format(rows=places, peeks=_PEEK * len(peeked))
    rows = fetch_rows(database(), statement, parameters)
    counts = {key: Count(hits, ends_at - epoch) for key, hits, ends_at, *_ in rows}
    peeks = iter(rows[0][3:])
    for bucket, hits, ends_at in zip(peeked, peeks, peeks, strict=True):
        window_ends = ends_at or epoch + bucket.window_seconds
        counts[bucket.key] = Count(hits or 0, window_ends - epoch)
    return counts


def decrement(keys: Collection[str]) -> None:
    """Take one hit back from each bucket; keys are locked in the same order as in `increment`."""
    ordered = sorted(set(keys))
    places = ", ".join(["(%s, 0, 0)"] * len(ordered))
    fetch_rows(database(), _DECREMENT.format(rows=places), ordered)


def hits_of(bucket: Bucket, now: datetime) -> int:
    """The hits of the current window; counts none."""
    rows = Counter.objects.filter(key=bucket.key, ends_at_epoch__gt=int(now.timestamp()))
    return rows.values_list("hits", flat=True).first() or 0


def over_limit(buckets: Sequence[Bucket], counts: dict[str, Count]) -> list[Count]:
    counted = [(bucket, counts[bucket.key]) for bucket in buckets]
    return [count for bucket, count in counted if count.hits > bucket.allowed]


def enforce(
    buckets: Sequence[Bucket],
    counts: dict[str, Count],
    problem: Problem = errors.TOO_MANY_REQUESTS,
) -> None:
    """Refuse when a bucket is above its limit; the refusal carries the seconds to wait."""
    if full := over_limit(buckets, counts):
        wait = max(count.seconds_left for count in full)
        raise Refused(problem, retry_after_seconds=max(1, wait))


def clear(keys: Collection[str]) -> None:
    """Forget the hits of these buckets."""
    Counter.objects.filter(key__in=keys).delete()


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


def alarms_of(now: datetime) -> list[str]:
    """The kinds of buckets whose alarm was raised in a window that has not ended."""
    live = Counter.objects.filter(key__startswith=_ALARM, ends_at_epoch__gt=int(now.timestamp()))
    keys = live.order_by("key").values_list("key", flat=True)
    return [key.removeprefix(_ALARM) for key in keys]


def take_alarms() -> Mapping[str, int]:
    """The number of alarms by kind that this process has raised since the last call."""
    global _untaken
    if not _untaken:
        return {}
    with _lock:
        taken, _untaken = _untaken, Tally()
    return taken


def forget_alarms() -> None:
    """Let this process raise every alarm again."""
    _quiet_until.clear()
    take_alarms()


def _raise_once(kind: str, bucket: Bucket, now: datetime) -> None:
    alarm = Bucket(f"{_ALARM}{kind}", 1, bucket.window_seconds)
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


@transaction.atomic
def prune(now: datetime) -> int:
    """Delete up to `PRUNED_AT_ONCE` ended windows; returns their number. Repeat until it is 0.

    Rows that are locked by a request are skipped: waiting for them could deadlock.
    """
    ended = Counter.objects.filter(ends_at_epoch__lte=int(now.timestamp()))
    unlocked = ended.order_by("ends_at_epoch").select_for_update(skip_locked=True)
    return delete_batch(unlocked, PRUNED_AT_ONCE)
