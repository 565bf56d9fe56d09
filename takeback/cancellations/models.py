"""Reasons, requests and their pictures."""

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from takeback.accounts.models import Channel
from takeback.cancellations.statuses import LIVE, Kind, PlanStatus, Status, TransactionType
from takeback.core.actor import ActorKind
from takeback.logistics.models import EasyReturn
from takeback.orders.models import Order, OrderItem


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


class CancellationPlan(models.Model):
    """What is decided for cases of one order, and what they are worth; it follows its cases.

    Amounts are minor units of the order's currency.
    """

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    order = models.ForeignKey(Order, models.PROTECT)
    plan_type = models.CharField(max_length=8)
    status = models.CharField(max_length=16, default=PlanStatus.WAITING.value)
    refund_minor = models.BigIntegerField(default=0)
    """What its lines are worth: goods less their discounts, and their part of the interest."""
    discount_refund_minor = models.BigIntegerField(default=0)
    """The discounts of its lines, taken off already."""
    shipping_refund_minor = models.BigIntegerField(default=0)
    """Their part of the shipping, when that goes back too."""
    forced_refund_minor = models.BigIntegerField(null=True)
    """What is paid back instead of the sum, by somebody's decision."""
    is_cargo_refund = models.BooleanField(default=False)
    refund_invoice_number = models.CharField(max_length=128, null=True)  # noqa: DJ001 - null on the wire
    refund_invoice_date = models.DateTimeField(null=True)
    created_by_kind = models.CharField(max_length=16)
    created_by_number = models.BigIntegerField(null=True)
    modified_by_kind = models.CharField(max_length=16)
    modified_by_number = models.BigIntegerField(null=True)
    created_date = models.DateTimeField(db_default=Now())
    modified_date = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order", "plan_type"],
                condition=Q(
                    status=PlanStatus.WAITING.value,
                    forced_refund_minor=None,
                    is_cargo_refund=False,
                    refund_invoice_number=None,
                    refund_invoice_date=None,
                ),
                name="one_waiting_plan_per_order",
            ),
            models.CheckConstraint(
                condition=Q(plan_type__in=[kind.value for kind in Kind]),
                name="plan_of_a_known_kind",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in PlanStatus]),
                name="known_plan_status",
            ),
            models.CheckConstraint(
                condition=Q(
                    refund_minor__gte=0, discount_refund_minor__gte=0, shipping_refund_minor__gte=0
                )
                & (Q(forced_refund_minor=None) | Q(forced_refund_minor__gte=0)),
                name="plan_amounts_not_negative",
            ),
        ]
        indexes = [models.Index(fields=["status"], name="plans_by_status")]

    def __str__(self) -> str:
        return str(self.uuid)


_LISTED = Q(is_hidden=False)


class PaymentPlanLine(models.Model):
    """One payment of a plan: how much of its money, and for which lines of the order."""

    plan = models.ForeignKey(CancellationPlan, models.PROTECT)
    transaction_type = models.CharField(max_length=8)
    order_items = models.ManyToManyField(OrderItem)
    refund_minor = models.BigIntegerField()
    created_by_kind = models.CharField(max_length=16)
    created_by_number = models.BigIntegerField(null=True)
    created_date = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(transaction_type__in=[kind.value for kind in TransactionType]),
                name="payment_of_a_known_type",
            ),
            models.CheckConstraint(condition=Q(refund_minor__gte=0), name="payment_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.plan_id} {self.transaction_type}"


class CancellationRequest(models.Model):
    """One case: one item, or some units of it, to be cancelled or sent back."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    # Indexed below, together with what is asked for within a channel.
    channel = models.ForeignKey(Channel, models.PROTECT, db_index=False)
    """Its order's channel, kept here so that a channel's newest cases are found by one index."""
    order_item = models.ForeignKey(OrderItem, models.PROTECT)
    plan = models.ForeignKey(CancellationPlan, models.PROTECT, null=True)
    # Reasons are hidden, never removed: nobody looks from a reason for its cases.
    reason = models.ForeignKey(CancellationReason, models.PROTECT, db_index=False)
    easy_return = models.ForeignKey(EasyReturn, models.PROTECT, null=True)
    cancellation_type = models.CharField(max_length=8)
    status = models.CharField(max_length=16, default=Status.WAITING.value)
    quantity = models.IntegerField(default=1)
    description = models.CharField(max_length=2000, null=True)  # noqa: DJ001 - null on the wire
    iban_encrypted = models.TextField(null=True)  # noqa: DJ001 - null on the wire
    holder_name_encrypted = models.TextField(null=True)  # noqa: DJ001 - null on the wire
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
    is_hidden = models.BooleanField(db_default=False, default=False)
    """Taken off every list; its history stays."""
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
            ),
            models.Index(fields=["channel", "-id"], condition=_LISTED, name="newest_requests"),
            models.Index(
                fields=["channel", "cancellation_type", "status", "-id"],
                condition=_LISTED,
                name="requests_by_status",
            ),
            models.Index(
                fields=["channel", "modified_date", "id"],
                condition=_LISTED,
                name="requests_as_they_changed",
            ),
        ]

    def __str__(self) -> str:
        return str(self.uuid)


class CancellationRequestImage(models.Model):
    """A picture that belongs to a case."""

    cancellation_request = models.ForeignKey(CancellationRequest, models.CASCADE)
    image = models.CharField(max_length=255, db_index=True)
    """The file's name in the media folder."""
    digest = models.CharField(max_length=64, null=True)  # noqa: DJ001 - older ones have none
    """Of the file's bytes: equal pictures are told to staff (`pictures.commands.Kept`)."""
    description = models.CharField(max_length=255, null=True)  # noqa: DJ001 - null on the wire
    is_uploaded_by_user = models.BooleanField(default=True)
    created_date = models.DateTimeField(db_default=Now())
    modified_date = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(
                fields=["digest", "-id"],
                condition=Q(digest__isnull=False),
                name="pictures_by_digest",
            )
        ]

    def __str__(self) -> str:
        return self.image


class CaseHistory(models.Model):
    """One step of a case: who did what, when, and which rules were overridden; append-only."""

    cancellation_request = models.ForeignKey(CancellationRequest, models.PROTECT)
    seq = models.IntegerField()
    """1 for the asking, then without a gap."""
    event = models.CharField(max_length=16)
    before = models.CharField(max_length=16, null=True)  # noqa: DJ001 - a case begins as nothing
    after = models.CharField(max_length=16)
    actor_kind = models.CharField(max_length=16)
    actor_number = models.BigIntegerField(null=True)
    note = models.CharField(max_length=2000, null=True)  # noqa: DJ001 - absent is not empty
    overridden = models.JSONField(default=list)
    """Codes of the rules that staff set aside."""
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["cancellation_request", "seq"], name="one_step_per_number"
            )
        ]
        indexes = [
            models.Index(
                fields=["actor_number", "-id"],
                condition=Q(actor_kind=ActorKind.STAFF.value),
                name="steps_of_staff",
            )
        ]

    def __str__(self) -> str:
        return f"{self.cancellation_request_id}/{self.seq} {self.event}"
