"""Counting: one statement for all buckets of a request, exact under any concurrency."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection
from django.utils.crypto import salted_hmac

from takeback.core import problems
from takeback.core.problems import Refused
from takeback.core.statements import database, rows
from takeback.limits.models import Counter


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

_GIVE_BACK = "UPDATE limits_counter SET hits = hits - 1 WHERE hits > 0 AND key IN ({places})"


def key_of(kind: str, *parts: str) -> str:
    """A bucket's name that tells nobody what was sent."""
    digest = salted_hmac(f"takeback.limits.{kind}", "\0".join(parts), algorithm="sha256")
    return f"{kind}:{digest.hexdigest()[:40]}"


def hit(buckets: Sequence[Bucket], now: datetime) -> dict[str, Count]:
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
    told = rows(database(), statement, parameters)
    found = {key: Count(hits, ends_at - epoch) for key, hits, ends_at, *_ in told}
    seen = iter(told[0][3:])
    for bucket, hits, ends_at in zip(looked, seen, seen, strict=True):
        window_ends = ends_at or epoch + bucket.window_seconds
        found[bucket.key] = Count(hits or 0, window_ends - epoch)
    return found


def give_back(keys: Sequence[str]) -> None:
    """What was counted in advance did not count after all."""
    places = ", ".join(["%s"] * len(keys))
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_BACK.format(places=places), sorted(keys))


def above(buckets: Sequence[Bucket], counts: dict[str, Count]) -> list[Count]:
    """The counts of buckets that are fuller than allowed."""
    found = [(bucket, counts[bucket.key]) for bucket in buckets]
    return [count for bucket, count in found if count.hits > bucket.allowed]


def refuse_above(buckets: Sequence[Bucket], counts: dict[str, Count]) -> None:
    """Refuse when any bucket is fuller than allowed, saying when to come again."""
    if full := above(buckets, counts):
        wait = max(count.seconds_left for count in full)
        raise Refused(problems.TOO_MANY_REQUESTS, retry_after_seconds=max(1, wait))


def prune(now: datetime) -> int:
    """Forget windows that are over; how many."""
    deleted, _ = Counter.objects.filter(ends_at_epoch__lte=int(now.timestamp())).delete()
    return deleted
