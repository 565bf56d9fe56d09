"""Carriers of returns, and easy returns."""

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from takeback.accounts.models import Channel
from takeback.addresses.models import Address
from takeback.core.db.lookups import Folded
from takeback.logistics.statuses import GoodsStatus


class EasyReturnShippingCompany(models.Model):
    """A carrier for returns; without a channel it serves all channels.

    Empty lists of countries (ISO 3166 codes) and categories mean all of them.
    """

    channel = models.ForeignKey(Channel, models.CASCADE, null=True)
    carrier = models.CharField(max_length=64)
    carrier_label = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    needs_pickup = models.BooleanField(default=False)
    is_user_selectable = models.BooleanField(default=True)
    is_active = models.BooleanField(default=True)
    countries = models.JSONField(default=list)
    categories = models.JSONField(default=list)
    created_date = models.DateTimeField(db_default=Now())
    modified_date = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name


class EasyReturn(models.Model):
    """A return shipment for one or several cases of an order."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    carrier = models.CharField(max_length=64)
    carrier_label = models.CharField(max_length=255)
    code = models.CharField(max_length=255, null=True)  # noqa: DJ001 - null until booked
    status = models.CharField(max_length=16, default=GoodsStatus.WANTED.value)
    start_date = models.DateTimeField(null=True)
    end_date = models.DateTimeField(null=True)
    max_count = models.IntegerField(default=1)
    tracking_number = models.CharField(max_length=256, null=True)  # noqa: DJ001 - null on the wire
    tracking_url = models.CharField(max_length=1024, null=True)  # noqa: DJ001 - null on the wire
    pickup_date = models.JSONField(null=True)
    pickup_address = models.ForeignKey(Address, models.PROTECT, null=True, related_name="+")
    raw_request = models.TextField(null=True)  # noqa: DJ001 - null on the wire
    raw_response = models.TextField(null=True)  # noqa: DJ001 - null on the wire
    created_date = models.DateTimeField(db_default=Now())
    modified_date = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["carrier", "code"],
                condition=Q(code__isnull=False),
                name="one_return_per_code",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in GoodsStatus]),
                name="known_goods_status",
            ),
        ]
        # Not partial: PostgreSQL estimates the frequency of a value only from a complete index.
        indexes = [
            models.Index(Folded("code"), name="returns_by_code"),
            models.Index(Folded("tracking_number"), name="returns_by_tracking_number"),
        ]

    def __str__(self) -> str:
        return self.code or str(self.uuid)
