"""Stored responses of idempotent calls."""

from django.db import models


class Reply(models.Model):
    """The response of a call, committed with its effect; a key is unique per caller and route."""

    principal = models.CharField(max_length=64)
    route = models.CharField(max_length=255)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.SmallIntegerField()
    body_encrypted = models.TextField()
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["principal", "route", "key"], name="one_reply_per_call")
        ]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"
