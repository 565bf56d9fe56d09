"""Counters of rate limits."""

from django.db import models


class Counter(models.Model):
    key = models.CharField(max_length=80, primary_key=True)
    hits = models.IntegerField()
    ends_at_epoch = models.BigIntegerField(db_index=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(hits__gte=0), name="hits_not_negative")
        ]

    def __str__(self) -> str:
        return self.key
