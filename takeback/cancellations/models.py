"""Reasons, cases, their history and images, and the plans that pay them back."""

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
    """A reason for cancellations or returns. Without a channel it belongs to all channels."""

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
    """The refund of confirmed cases of an order; its status and amounts follow the cases.

    Amounts are minor units of the order's currency.
    """

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    order = models.ForeignKey(Order, models.PROTECT)
    plan_type = models.CharField(max_length=8)
    status = models.CharField(max_length=32, default=PlanStatus.WAITING.value)
    # The goods of its items less their discounts, plus their parts of fees and interest.
    refund_minor = models.BigIntegerField(default=0)
    # The part of the refund that is the order's rounding difference.
    rounding_minor = models.SmallIntegerField(default=0)
    # The discounts of its items, already deducted from the refund.
    discount_refund_minor = models.BigIntegerField(default=0)
    # The shipping costs that go back, and the tax that they include.
    shipping_refund_minor = models.BigIntegerField(default=0)
    shipping_tax_minor = models.BigIntegerField(db_default=0, default=0)
    # An amount that replaces the calculated refund.
    forced_refund_minor = models.BigIntegerField(null=True)
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


class PlanPayment(models.Model):
    """A payment of a plan, for some of the order's items."""

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


_LISTED = Q(is_hidden=False)


class CancellationRequest(models.Model):
    """A case: the cancellation or return of an item, or of some of its units."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    # The order's channel: one index finds its newest cases. The indexes below begin with it, so it
    # needs no index of its own.
    channel = models.ForeignKey(Channel, models.PROTECT, db_index=False)
    order_item = models.ForeignKey(OrderItem, models.PROTECT)
    plan = models.ForeignKey(CancellationPlan, models.PROTECT, null=True)
    # Reasons are hidden, never deleted: no query leads from a reason to its cases.
    reason = models.ForeignKey(CancellationReason, models.PROTECT, db_index=False)
    easy_return = models.ForeignKey(EasyReturn, models.PROTECT, null=True)
    cancellation_type = models.CharField(max_length=8)
    status = models.CharField(max_length=16, default=Status.WAITING.value)
    quantity = models.IntegerField(default=1)
    description = models.CharField(max_length=2000, null=True)  # noqa: DJ001 - null on the wire
    iban_encrypted = models.TextField(null=True)  # noqa: DJ001 - null on the wire
    holder_name_encrypted = models.TextField(null=True)  # noqa: DJ001 - null on the wire
    # Finds equal accounts without decrypting them (`bank_account.blind_index`).
    iban_index = models.CharField(max_length=64, null=True)  # noqa: DJ001 - absent is not empty
    # No money is paid to an account before its owner or staff confirms it.
    is_bank_account_confirmed = models.BooleanField(db_default=False, default=False)
    # Whether it was entered, changed or removed after the case was opened.
    is_bank_account_changed = models.BooleanField(db_default=False, default=False)
    fully_refund_as_loyalty_money = models.BooleanField(default=False)
    source = models.CharField(max_length=16, default="customer")
    remote_id = models.CharField(max_length=128, null=True)  # noqa: DJ001 - unique when known
    attributes = models.JSONField(default=dict)
    # The `seq` of the last history row.
    version = models.IntegerField(db_default=1, default=1)
    # The item's status before the case was confirmed, restored when the case is closed.
    item_status_before = models.SmallIntegerField(null=True)
    # Absent from all lists but that of changes, which reports it as deleted; the history remains.
    is_hidden = models.BooleanField(db_default=False, default=False)
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
            # The list of changes also reports hidden cases.
            models.Index(
                fields=["channel", "modified_date", "id"], name="requests_as_they_changed"
            ),
        ]

    def __str__(self) -> str:
        return str(self.uuid)


class CancellationRequestImage(models.Model):
    cancellation_request = models.ForeignKey(CancellationRequest, models.CASCADE)
    # The file's name in the media folder.
    image = models.CharField(max_length=255, db_index=True)
    # SHA-256 of the file, with which staff find equal images (`images.store.StoredImage`).
    digest = models.CharField(max_length=64, null=True)  # noqa: DJ001 - older ones have none
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
    """An event in the history of a case. The table is append-only."""

    cancellation_request = models.ForeignKey(CancellationRequest, models.PROTECT)
    # 1 for the opening, then without gaps.
    seq = models.IntegerField()
    event = models.CharField(max_length=16)
    before = models.CharField(max_length=16, null=True)  # noqa: DJ001 - a new case has none
    after = models.CharField(max_length=16)
    actor_kind = models.CharField(max_length=16)
    actor_number = models.BigIntegerField(null=True)
    # The message to the shopper, and the note that only staff may read.
    message = models.CharField(max_length=2000, null=True)  # noqa: DJ001 - absent is not empty
    internal_note = models.CharField(max_length=2000, null=True)  # noqa: DJ001 - as above
    # The result of each rule at a decision: its name, and the code of the problem or null.
    rule_results = models.JSONField(null=True)
    # Codes of the rules that staff overrode.
    overridden = models.JSONField(default=list)
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
