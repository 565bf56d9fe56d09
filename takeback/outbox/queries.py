"""Queries of the worker and of operators."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, Min, Q, QuerySet

from takeback.outbox.models import Message, WorkerRun

LANE = "lane"
"""The key of a payload that limits how many messages run at the same time (`outbox.pool`)."""


def due_messages(
    now: datetime, topics: Collection[str], *, full_lanes: Collection[int] = ()
) -> QuerySet[Message]:
    """Due messages of these topics without a running lease, oldest first.

    Messages of `full_lanes` are left out.
    """
    messages = Message.objects.filter(
        Q(leased_until=None) | Q(leased_until__lte=now),
        done_at=None,
        parked_at=None,
        due_at__lte=now,
        topic__in=topics,
    )
    if full_lanes:
        is_full = Q(payload__lane__in=list(full_lanes))
        messages = messages.filter(~is_full | Q(payload__lane__isnull=True))
    return messages.order_by("due_at", "id")


class Backlog(NamedTuple):
    waiting: int
    oldest_due_at: datetime | None
    parked: int


def backlog() -> Backlog:
    """The backlog; partial indexes answer it without reading done messages."""
    waiting = Message.objects.filter(done_at=None, parked_at=None).aggregate(
        count=Count("pk"), oldest=Min("due_at")
    )
    return Backlog(waiting["count"], waiting["oldest"], parked().count())


def parked(topic: str = "") -> QuerySet[Message]:
    messages = Message.objects.filter(parked_at__isnull=False).order_by("-parked_at", "-id")
    return messages.filter(topic=topic) if topic else messages


def last_worker_run() -> datetime | None:
    """When a worker last ran, to the minute; None if none ever did."""
    return WorkerRun.objects.values_list("ran_at", flat=True).first()
