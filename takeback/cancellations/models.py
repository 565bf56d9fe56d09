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
    iban_index = models.CharField(max_length=64, null=True)  # noqa: DJ001 - absent is not empty
    """Finds equal accounts without opening any (`bank.blind_index`)."""
    is_bank_account_confirmed = models.BooleanField(db_default=False, default=False)
    """No money goes to an account before its owner, or staff, has said that it is right."""
    fully_refund_as_loyalty_money = models.BooleanField(default=False)
    source = models.CharField(max_length=16, default="customer")
    remote_id = models.CharField(max_length=128, null=True)  # noqa: DJ001 - unique when known
    attributes = models.JSONField(default=dict)
    version = models.IntegerField(db_default=1, default=1)
    """Steps taken, and the number of the last history row."""
    item_status_before = models.SmallIntegerField(null=True)
    """What the line goes back to when a confirmed case is refused after all."""
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
        indexes = [
            models.Index(
                fields=["iban_index"],
                condition=Q(iban_index__isnull=False),
                name="requests_of_an_account",
            )
        ]

    def __str__(self) -> str:
        return str(self.uuid)


class CancellationRequestImage(models.Model):
    """A picture that belongs to a case."""

    cancellation_request = models.ForeignKey(CancellationRequest, models.CASCADE)
    image = models.CharField(max_length=255, db_index=True)
    """The file's name in the media folder."""
    description = models.CharField(max_length=255, null=True)  # noqa: DJ001 - null on the wire
    is_uploaded_by_user = models.BooleanField(default=True)
    created_date = models.DateTimeField(db_default=Now())
    modified_date = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.image


class CaseHistory(models.Model):
    """One step of a case: who did what, when, and what was waived; never changed, never removed."""

    cancellation_request = models.ForeignKey(CancellationRequest, models.PROTECT)
    seq = models.IntegerField()
    """1 for the asking, then without a gap."""
    event = models.CharField(max_length=16)
    before = models.CharField(max_length=16, null=True)  # noqa: DJ001 - a case begins as nothing
    after = models.CharField(max_length=16)
    actor_kind = models.CharField(max_length=16)
    actor_number = models.BigIntegerField(null=True)
    note = models.CharField(max_length=2000, null=True)  # noqa: DJ001 - absent is not empty
    waived = models.JSONField(default=list)
    """Codes of the rules that staff set aside."""
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["cancellation_request", "seq"], name="one_step_per_number"
            )
        ]

    def __str__(self) -> str:
        return f"{self.cancellation_request_id}/{self.seq} {self.event}"
