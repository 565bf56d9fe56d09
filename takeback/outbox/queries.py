"""What the worker and an operator ask of the outbox."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, Min, Q, QuerySet

from takeback.outbox.models import Message


def waiting(now: datetime, topics: Collection[str]) -> QuerySet[Message]:
    """What is due and in nobody's hands, the longest due first."""
    return Message.objects.filter(
        Q(leased_until=None) | Q(leased_until__lte=now),
        done_at=None,
        parked_at=None,
        due_at__lte=now,
        topic__in=topics,
    ).order_by("due_at", "id")


class Backlog(NamedTuple):
    """Messages not done yet: how many wait, since when the oldest is due, how many are parked."""

    waiting: int
    oldest_due_at: datetime | None
    parked: int


def backlog() -> Backlog:
    """Answered from the partial indexes; done messages are not looked at."""
    waiting = Message.objects.filter(done_at=None, parked_at=None).aggregate(
        count=Count("pk"), oldest=Min("due_at")
    )
    return Backlog(waiting["count"], waiting["oldest"], parked().count())


def parked(topic: str = "") -> QuerySet[Message]:
    """Parked messages, the latest first; of one topic if it is named."""
    found = Message.objects.filter(parked_at__isnull=False).order_by("-parked_at", "-id")
    return found.filter(topic=topic) if topic else found
