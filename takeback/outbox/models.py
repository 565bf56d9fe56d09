"""Outbox messages, and when a worker last ran."""

from django.db import models
from django.db.models import Q


class Message(models.Model):
    """An event for a handler; it is waiting, done or parked."""

    topic = models.CharField(max_length=64)
    key = models.CharField(max_length=200, unique=True)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    attempts = models.SmallIntegerField(default=0)
    done_at = models.DateTimeField(null=True)
    parked_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=100, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(done_at=None) | Q(parked_at=None), name="done_or_parked_not_both"
            ),
            models.CheckConstraint(condition=Q(attempts__gte=0), name="attempts_not_negative"),
        ]
        # Partial indexes: the worker's query stays fast, however many messages are done.
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(done_at=None, parked_at=None),
                name="outbox_waiting",
            ),
            models.Index(
                fields=["parked_at"], condition=Q(parked_at__isnull=False), name="outbox_parked"
            ),
            models.Index(
                fields=["done_at"], condition=Q(done_at__isnull=False), name="outbox_done"
            ),
        ]

    def __str__(self) -> str:
        return self.key


class WorkerRun(models.Model):
    """When a worker last ran; at most one row."""

    ran_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.ran_at:%Y-%m-%d %H:%M}"
