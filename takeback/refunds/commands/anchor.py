"""Writes a day's anchor: a hash over the day's entries and the previous anchor."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Max, Min

from takeback.core import clock
from takeback.refunds import ledger
from takeback.refunds.anchor_lock import are_bookings_settled
from takeback.refunds.models import LedgerAnchor, LedgerEntry

log = structlog.get_logger(__name__)

BATCH_SIZE = 10_000
_ATTEMPTS, _PAUSE_SECONDS = 100, 0.05
_DAY = timedelta(days=1)


def anchor_day(now: datetime) -> int:
    """Anchor the oldest finished day (UTC) without an anchor; returns 0 if there is none.

    A ledger without entries needs no anchor. While bookings follow each other without a pause,
    the next run tries again.
    """
    newest = LedgerAnchor.objects.order_by("-day").first()
    day = _next_day(newest)
    if day is None or clock.day_end(day, UTC) > now:
        return 0
    before = newest.last_entry if newest else 0
    last = _last_entry_of(day, before)
    if last is None:
        return 0
    previous = newest.hash if newest else ledger.START
    digest, count = ledger.anchor_hash(previous, day, last, hashes_between(before, last))
    try:
        with transaction.atomic():
            LedgerAnchor.objects.create(day=day, last_entry=last, entries=count, hash=digest)
    except IntegrityError:
        return 0  # another worker was faster
    # The log holds a copy that access to the database does not reach.
    log.info("ledger anchor", day=day.isoformat(), entries=count, hash=digest)
    return 1


def hashes_between(before: int, last: int) -> Iterator[str]:
    """The hashes of the entries whose ids follow `before`, up to `last`, by id."""
    entries = LedgerEntry.objects.filter(pk__lte=last).order_by("pk").values_list("pk", "hash")
    is_last_batch = False
    while not is_last_batch:
        batch = list(entries.filter(pk__gt=before)[:BATCH_SIZE])
        yield from (entry_hash for _, entry_hash in batch)
        is_last_batch = len(batch) < BATCH_SIZE
        before = batch[-1][0] if batch else before


def _next_day(newest: LedgerAnchor | None) -> date | None:
    if newest:
        return newest.day + _DAY
    first = LedgerEntry.objects.order_by("pk").values_list("at", flat=True).first()
    return first.astimezone(UTC).date() if first else None


def _last_entry_of(day: date, before: int) -> int | None:
    """The last id before the first entry of a later day; None while bookings run."""
    for _ in range(_ATTEMPTS):
        with transaction.atomic():
            if are_bookings_settled():
                entries = LedgerEntry.objects.filter(pk__gt=before)
                newest = entries.aggregate(last=Max("pk"))["last"] or before
                later = entries.filter(at__gte=clock.day_end(day, UTC), pk__lte=newest)
                first = later.aggregate(first=Min("pk"))["first"]
                return newest if first is None else first - 1
        time.sleep(_PAUSE_SECONDS)
    return None
