"""Queries of the worker and of operators."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, Min, Q, QuerySet

from takeback.outbox.models import Message, WorkerRun


def due_messages(now: datetime, topics: Collection[str]) -> QuerySet[Message]:
    """Due messages of these topics without a running lease, oldest first."""
    return Message.objects.filter(
        Q(leased_until=None) | Q(leased_until__lte=now),
        done_at=None,
        parked_at=None,
        due_at__lte=now,
        topic__in=topics,
    ).order_by("due_at", "id")


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
