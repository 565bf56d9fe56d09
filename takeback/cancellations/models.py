"""Reasons, requests and their pictures."""

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from takeback.accounts.models import Channel
from takeback.cancellations.states import LIVE, Kind, Status
from takeback.logistics.models import EasyReturn
from takeback.orders.models import OrderItem


class CancellationReason(models.Model):
    """Why somebody cancels or returns; no channel means all."""

    channel = models.ForeignKey(Channel, models.CASCADE, null=True)
    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    cancellation_type = models.CharField(max_length=8)
    subject = models.CharField(max_length=100)
    translations = models.JSONField(default=dict)
    extra_information_needed = models.BooleanField(default=False)
    order = models.IntegerField(default=100)
    is_active = models.BooleanField(default=True)
    send_to_remote = models.BooleanField(default=False)
    send_to_oms = models.BooleanField(default=False)
    created_date = models.DateTimeField(db_default=Now())
    modified_date = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(cancellation_type__in=[kind.value for kind in Kind]),
                name="reason_of_a_known_kind",
            )
        ]

    def __str__(self) -> str:
        return self.subject


class CancellationRequest(models.Model):
    """One case: one item, or some units of it, to be cancelled or sent back."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    order_item = models.ForeignKey(OrderItem, models.PROTECT)
    reason = models.ForeignKey(CancellationReason, models.PROTECT)
    easy_return = models.ForeignKey(EasyReturn, models.PROTECT, null=True)
    cancellation_type = models.CharField(max_length=8)
    status = models.CharField(max_length=16, default=Status.WAITING.value)
    quantity = models.IntegerField(default=1)
    description = models.CharField(max_length=2000, null=True)  # noqa: DJ001 - null on the wire
    iban_sealed = models.TextField(null=True)  # noqa: DJ001 - null on the wire
    holder_name_sealed = models.TextField(null=True)  # noqa: DJ001 - null on the wire
    fully_refund_as_loyalty_money = models.BooleanField(default=False)
    source = models.CharField(max_length=16, default="customer")
    remote_id = models.CharField(max_length=128, null=True)  # noqa: DJ001 - unique when known
    attributes = models.JSONField(default=dict)
    created_date = models.DateTimeField(db_default=Now())
    modified_date = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order_item"],
                condition=Q(status__in=[status.value for status in LIVE]),
                name="one_live_request_per_item",
            ),
            models.UniqueConstraint(
                fields=["order_item", "remote_id"],
                condition=Q(remote_id__isnull=False),
                name="one_request_per_remote_id",
            ),
            models.CheckConstraint(
                condition=Q(cancellation_type__in=[kind.value for kind in Kind]),
                name="request_of_a_known_kind",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in Status]),
                name="known_request_status",
            ),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="at_least_one_unit"),
        ]

    def __str__(self) -> str:
        return str(self.uuid)


class CancellationRequestImage(models.Model):
    """A picture that belongs to a case."""

    cancellation_request = models.ForeignKey(CancellationRequest, models.CASCADE)
    image = models.CharField(max_length=255)
    description = models.CharField(max_length=255, null=True)  # noqa: DJ001 - null on the wire
    is_uploaded_by_user = models.BooleanField(default=True)
    created_date = models.DateTimeField(db_default=Now())
    modified_date = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.image
