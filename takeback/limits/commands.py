"""Counting: one statement for all buckets of a request, exact under any concurrency."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction
from django.utils.crypto import salted_hmac

from takeback.core import errors
from takeback.core.db.connection import database, fetch_rows
from takeback.core.errors import Refused
from takeback.limits.models import Counter

PRUNED_AT_ONCE = 1_000


class Bucket(NamedTuple):
    """What is counted, how many are allowed, for how long; `hits=0` only looks, without a lock."""

    key: str
    allowed: int
    window_seconds: int
    hits: int = 1


class Count(NamedTuple):
    """Hits so far in the running window, and when that ends."""

    hits: int
    seconds_left: int


# A hit after the window's end starts a new window.
_HIT = """
INSERT INTO limits_counter AS kept (key, hits, ends_at_epoch) VALUES {rows}
ON CONFLICT (key) DO UPDATE SET
  hits = CASE WHEN kept.ends_at_epoch <= %s THEN excluded.hits ELSE kept.hits + excluded.hits END,
  ends_at_epoch = CASE WHEN kept.ends_at_epoch <= %s
                       THEN excluded.ends_at_epoch ELSE kept.ends_at_epoch END
RETURNING key, hits, ends_at_epoch{looks}
"""
_LOOK = """,
  (SELECT hits FROM limits_counter WHERE key = %s AND ends_at_epoch > %s),
  (SELECT ends_at_epoch FROM limits_counter WHERE key = %s AND ends_at_epoch > %s)"""

# An UPDATE would lock rows as they lie in the table; an INSERT takes them in the order it is told.
# A key that is not there any more becomes a window that is over.
_GIVE_BACK = """
INSERT INTO limits_counter AS kept (key, hits, ends_at_epoch) VALUES {rows}
ON CONFLICT (key) DO UPDATE SET hits = kept.hits - 1 WHERE kept.hits > 0
"""


def key_of(kind: str, *parts: str) -> str:
    """A bucket's name that tells nobody what was sent."""
    digest = salted_hmac(f"takeback.limits.{kind}", "\0".join(parts), algorithm="sha256")
    return f"{kind}:{digest.hexdigest()[:40]}"


def increment(buckets: Sequence[Bucket], now: datetime) -> dict[str, Count]:
    """Count in all buckets at once, one of them at least, and look at the others.

    Keys are told in one order, so that two callers cannot deadlock.
    """
    epoch = int(now.timestamp())
    counted = sorted(bucket for bucket in buckets if bucket.hits)
    looked = [bucket for bucket in buckets if not bucket.hits]
    parameters: list[str | int] = []
    for bucket in counted:
        parameters += [bucket.key, bucket.hits, epoch + bucket.window_seconds]
    parameters += [epoch, epoch]
    for bucket in looked:
        parameters += [bucket.key, epoch] * 2
    places = ", ".join(["(%s, %s, %s)"] * len(counted))
    statement = _HIT.format(rows=places, looks=_LOOK * len(looked))
    told = fetch_rows(database(), statement, parameters)
    found = {key: Count(hits, ends_at - epoch) for key, hits, ends_at, *_ in told}
    seen = iter(told[0][3:])
    for bucket, hits, ends_at in zip(looked, seen, seen, strict=True):
        window_ends = ends_at or epoch + bucket.window_seconds
        found[bucket.key] = Count(hits or 0, window_ends - epoch)
    return found


def decrement(keys: Collection[str]) -> None:
    """What was counted in advance did not count after all; keys are told in the order of `hit`."""
    told = sorted(set(keys))
    places = ", ".join(["(%s, 0, 0)"] * len(told))
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_BACK.format(rows=places), told)


def over_limit(buckets: Sequence[Bucket], counts: dict[str, Count]) -> list[Count]:
    """The counts of buckets that are fuller than allowed."""
    found = [(bucket, counts[bucket.key]) for bucket in buckets]
    return [count for bucket, count in found if count.hits > bucket.allowed]


def enforce(buckets: Sequence[Bucket], counts: dict[str, Count]) -> None:
    """Refuse when any bucket is fuller than allowed, saying when to come again."""
    if full := over_limit(buckets, counts):
        wait = max(count.seconds_left for count in full)
        raise Refused(errors.TOO_MANY_REQUESTS, retry_after_seconds=max(1, wait))


@transaction.atomic
def prune(now: datetime) -> int:
    """Forget up to `PRUNED_AT_ONCE` windows that are over; how many. Repeat until it is 0.

    What is being counted at this moment is left for the next time: waiting for it could deadlock.
    """
    over = Counter.objects.filter(ends_at_epoch__lte=int(now.timestamp()))
    free = over.order_by("ends_at_epoch").select_for_update(skip_locked=True)
    batch = list(free.values_list("pk", flat=True)[:PRUNED_AT_ONCE])
    deleted, _ = Counter.objects.filter(pk__in=batch).delete()
    return deleted
