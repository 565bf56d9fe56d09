"""Payment accounts, refunds and their parts, provider events and the ledger."""

import uuid
from datetime import timedelta

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from takeback.accounts.models import Channel
from takeback.core.actor import ActorKind
from takeback.orders.models import Order, OrderItem, Payment
from takeback.refunds.statuses import RESERVING, Attention, Means, Status

# Refunds that wait for a person. The query repeats the condition, so that the index serves it.
FOR_A_PERSON = ~Q(attention="") | Q(needs_second_person=True, approved_by_number=None)


class PaymentAccount(models.Model):
    """A channel's account at a payment provider, and the limits of the refunds sent through it.

    Amounts are minor units of the account's currency.
    """

    channel = models.ForeignKey(Channel, models.PROTECT)
    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    # The name by which payments refer to it.
    code = models.CharField(max_length=64)
    provider = models.CharField(max_length=32)
    # The provider's own id of the merchant's account.
    provider_account = models.CharField(max_length=255)
    currency = models.CharField(max_length=3)
    # The payment types that it serves, for payments that name no account.
    payment_kinds = models.JSONField(default=list)
    base_url = models.CharField(max_length=500, blank=True, default="")
    # JSON, encrypted with the uuid as context.
    credentials_encrypted = models.TextField(blank=True, default="")
    is_test = models.BooleanField(default=False)
    # The start of a day's limit is midnight UTC. Null: no limit.
    limit_each_minor = models.BigIntegerField(null=True)
    limit_day_minor = models.BigIntegerField(null=True)
    # Why sending is paused: by staff, or until it is reconciled after a restore.
    paused_because = models.CharField(max_length=200, blank=True, default="")
    # After a restore: refunds that were sent since then may be missing here, until the provider is
    # asked about them.
    reconcile_since = models.DateTimeField(null=True)
    # An account with history is never deleted.
    is_active = models.BooleanField(default=True)
    created_date = models.DateTimeField(db_default=Now())
    modified_date = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "code"], name="one_account_per_code"),
            models.UniqueConstraint(
                fields=["provider", "provider_account"],
                condition=Q(is_active=True),
                name="one_account_per_provider_account",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class Refund(models.Model):
    """Money that goes back for one payment by one means.

    The uuid without hyphens is the idempotency key of all requests for it, and our reference at
    the provider. It never changes, and neither do account and amount.
    """

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    order = models.ForeignKey(Order, models.PROTECT)
    # The `CancellationPlan`, a row of a higher room.
    plan_id = models.BigIntegerField(db_index=True)
    payment = models.ForeignKey(Payment, models.PROTECT)
    means = models.CharField(max_length=16)
    account = models.ForeignKey(PaymentAccount, models.PROTECT, null=True)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=16, default=Status.PLANNED.value)
    attention = models.CharField(max_length=32, blank=True, default="")
    # The id of the refund at the provider.
    provider_refund = models.CharField(max_length=255, null=True)  # noqa: DJ001 - unique when known
    # The provider's code of a refusal or failure.
    failure_code = models.CharField(max_length=64, blank=True, default="")
    replaces = models.OneToOneField("self", models.PROTECT, null=True, related_name="replacement")
    # A second person is needed before it is sent, and the staff users who asked and agreed.
    needs_second_person = models.BooleanField(default=False)
    requested_by_kind = models.CharField(max_length=16, default=ActorKind.SYSTEM.value)
    requested_by_number = models.BigIntegerField(null=True)
    approved_by_number = models.BigIntegerField(null=True)
    # What a person saw before marking it as paid: a bank's reference, a receipt's number.
    evidence = models.CharField(max_length=500, blank=True, default="")
    # How the shopper agreed to other means than those of the refund that it replaces.
    consent = models.CharField(max_length=500, blank=True, default="")
    # An authorization that is released instead of a charge that is refunded.
    is_void = models.BooleanField(default=False)
    # Requests sent under the key, and the last moment at which the provider still knows it; null
    # after a request: for ever.
    sends = models.IntegerField(default=0)
    first_sent_at = models.DateTimeField(null=True)
    last_sent_at = models.DateTimeField(null=True)
    key_expires_at = models.DateTimeField(null=True)
    # What the provider had refunded of the payment before the first request, without refunds that
    # are certainly others (`refunds.commands.state`).
    provider_total_before = models.BigIntegerField(null=True)
    # How long the provider's state may lack a new refund, and since when the result is not known.
    lag_seconds = models.IntegerField(default=0)
    in_doubt_since = models.DateTimeField(null=True)
    # The states since the last request that lack the refund and count as evidence.
    missing_looks = models.IntegerField(default=0)
    # The time of the newest report that counted.
    observed_at = models.DateTimeField(null=True)
    # When the worker looks at it again: whether it may be sent, or what the provider reports.
    next_look_at = models.DateTimeField(null=True)
    # The day on which the shopper has the money at the latest.
    due_by = models.DateField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    returned_at = models.DateTimeField(null=True)
    created_date = models.DateTimeField(db_default=Now())
    modified_date = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "provider_refund"], name="one_refund_per_provider_refund"
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_above_zero"),
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in Status]),
                name="known_refund_status",
            ),
            models.CheckConstraint(
                condition=Q(means__in=[means.value for means in Means]), name="known_means"
            ),
            models.CheckConstraint(
                condition=Q(attention__in=["", *(reason.value for reason in Attention)]),
                name="known_attention",
            ),
            models.CheckConstraint(
                condition=~Q(approved_by_number=F("requested_by_number"))
                | ~Q(requested_by_kind=ActorKind.STAFF.value)
                | Q(approved_by_number=None)
                | Q(requested_by_number=None),
                name="second_person_is_another",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_look_at"],
                condition=Q(next_look_at__isnull=False),
                name="refunds_to_look_at",
            ),
            models.Index(
                fields=["account", "status"],
                condition=Q(status__in=[status.value for status in RESERVING]),
                name="refunds_under_way",
            ),
            models.Index(fields=["account", "first_sent_at"], name="refunds_of_a_day"),
            models.Index(fields=["-id"], condition=FOR_A_PERSON, name="refunds_for_a_person"),
        ]

    def __str__(self) -> str:
        return self.uuid.hex

    @property
    def lag(self) -> timedelta:
        """How long the provider's state may lack a new refund."""
        return timedelta(seconds=self.lag_seconds)


class RefundPart(models.Model):
    """What a refund gives back of one item: the components that documents and reports show.

    goods - discount + shipping + fee + interest + adjustment of all parts add up to the refund's
    amount; `tax` is included in them. The adjustment is the order's rounding, or the difference
    between a forced amount and the calculated one. A part without an item holds what belongs to
    the order as a whole.
    """

    refund = models.ForeignKey(Refund, models.PROTECT)
    order_item = models.ForeignKey(OrderItem, models.PROTECT, null=True)
    units = models.IntegerField(default=0)
    goods_minor = models.BigIntegerField(default=0)
    discount_minor = models.BigIntegerField(default=0)
    shipping_minor = models.BigIntegerField(default=0)
    fee_minor = models.BigIntegerField(default=0)
    interest_minor = models.BigIntegerField(default=0)
    adjustment_minor = models.BigIntegerField(default=0)
    tax_minor = models.BigIntegerField(default=0)
    tax_rate = models.DecimalField(max_digits=6, decimal_places=3, default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["refund", "order_item"], name="one_part_per_item")
        ]

    def __str__(self) -> str:
        return f"{self.refund_id}/{self.order_item_id}"


class ProviderEvent(models.Model):
    """A notification of a provider: it only triggers a look at the payment."""

    account = models.ForeignKey(PaymentAccount, models.PROTECT)
    # The provider's id, or the SHA-256 of the body.
    event_id = models.CharField(max_length=255)
    payment_reference = models.CharField(max_length=255)
    received_at = models.DateTimeField()
    handled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "event_id"], name="one_row_per_event")
        ]

    def __str__(self) -> str:
        return self.event_id


class LedgerEntry(models.Model):
    """One side of a booking. The table is append-only; entries of one `seq` add up to zero.

    Entries hold ids, amounts and codes only, so that erasing a person changes none.
    """

    order = models.ForeignKey(Order, models.PROTECT)
    # The number of the booking in the order's chain, from 1 without gaps, and of its side.
    seq = models.IntegerField()
    side = models.IntegerField()
    # A code of `refunds.ledger.Account`, with the payment account's code where money leaves.
    account_code = models.CharField(max_length=96)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    cause = models.CharField(max_length=16)
    refund = models.ForeignKey(Refund, models.PROTECT, null=True)
    payment = models.ForeignKey(Payment, models.PROTECT)
    tax_rate = models.DecimalField(max_digits=6, decimal_places=3, null=True)
    refund_invoice_number = models.CharField(max_length=128, blank=True, default="")
    at = models.DateTimeField()
    # SHA-256 of the previous entry's hash and this entry's columns.
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "seq", "side"], name="one_entry_per_side")
        ]
        indexes = [models.Index(fields=["at"], name="entries_by_time")]

    def __str__(self) -> str:
        return f"{self.order_id}/{self.seq}/{self.side}"


class LedgerHead(models.Model):
    """The newest hash of an order's chain."""

    order = models.OneToOneField(Order, models.PROTECT, primary_key=True)
    seq = models.IntegerField()
    hash = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.order_id}/{self.seq}"


class LedgerAnchor(models.Model):
    """A day's hash over the new entries and the previous anchor: no chain is cut unnoticed.

    The last of the new entries of an order is the head of its chain.
    """

    day = models.DateField(unique=True)
    # The id up to which entries are covered, and the number of entries since the anchor before.
    last_entry = models.BigIntegerField()
    entries = models.BigIntegerField()
    hash = models.CharField(max_length=64)
    created_date = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}"


class DatabaseEpoch(models.Model):
    """Which database this is, and how far it has come; one row (`refunds.epoch`).

    A restored or promoted database has another identity, or an older generation than the marker
    files of the hosts.
    """

    identity = models.CharField(max_length=255)
    generation = models.BigIntegerField()
    # The last time at which a worker found the database to be the one of before.
    trusted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.identity} {self.generation}"
