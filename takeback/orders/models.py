"""Orders and their parts; amounts are minor units of the order's currency."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Now

from takeback.accounts.models import Channel
from takeback.addresses.models import Address
from takeback.core.db.lookups import Folded
from takeback.core.normalize import NUMBER_KEY_MAX
from takeback.orders.order_input import ROUNDING_MAX
from takeback.orders.refunded_elsewhere import units_left


class Snapshot(models.Model):
    """Immutable external data of an order: a product, a price list, a bank.

    Each content is stored once, so that half a million items share a few thousand products, and
    an order keeps showing the data that the customer saw.
    """

    kind = models.CharField(max_length=24)
    digest = models.CharField(max_length=32)
    document = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "digest"], name="one_snapshot_per_content")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.digest}"


class OrderOrItem(models.Model):
    """Columns that orders and their items share: status, amounts, shipping and invoice."""

    status = models.SmallIntegerField()
    cancel_status = models.CharField(max_length=32, null=True)  # noqa: DJ001 - null on the wire
    goods_minor = models.BigIntegerField()
    discount_minor = models.BigIntegerField(default=0)
    shipping_minor = models.BigIntegerField(default=0)
    fee_minor = models.BigIntegerField(default=0)
    interest_minor = models.BigIntegerField(default=0)
    shipping_company = models.CharField(max_length=64, null=True)  # noqa: DJ001 - null on the wire
    tracking_number = models.CharField(max_length=256, null=True)  # noqa: DJ001 - null on the wire
    tracking_url = models.CharField(max_length=1024, null=True)  # noqa: DJ001 - null on the wire
    invoice_number = models.CharField(max_length=128, null=True)  # noqa: DJ001 - null on the wire
    invoice_date = models.DateTimeField(null=True)
    e_archive_url = models.CharField(max_length=1024, null=True)  # noqa: DJ001 - null on the wire

    class Meta:
        abstract = True


class Order(OrderOrItem):
    """An order of a channel. A trigger verifies that the parts of a finalized order add up."""

    channel = models.ForeignKey(Channel, models.PROTECT)
    number = models.CharField(max_length=128)
    number_key = models.CharField(max_length=NUMBER_KEY_MAX)
    """The number in the form in which numbers are compared (`core.normalize.number_key`)."""
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT)
    user_type = models.CharField(max_length=16)
    user_email = models.CharField(max_length=254)
    email_key = models.CharField(max_length=254)
    currency = models.CharField(max_length=3)

    amount_minor = models.BigIntegerField()
    rounding_minor = models.SmallIntegerField(default=0)
    """What the amount differs from the sum of the parts; refunded with the order's last unit."""
    refund_minor = models.BigIntegerField(default=0)
    discount_refund_minor = models.BigIntegerField(default=0)
    shipping_refund_minor = models.BigIntegerField(default=0)
    refunded_elsewhere_minor = models.BigIntegerField(default=0)
    """Money that other systems paid back; it never falls and does not include our refunds."""
    return_days = models.IntegerField(null=True)
    cancel_minutes = models.IntegerField(null=True)
    """The shop's time limits when the order arrived; 0 is no limit, null is not known."""
    shipping_tax_rate = models.DecimalField(max_digits=6, decimal_places=3, null=True)
    is_finalized = models.BooleanField(default=True)

    shipping_address = models.ForeignKey(Address, models.PROTECT, related_name="+")
    billing_address = models.ForeignKey(Address, models.PROTECT, related_name="+")
    payment_option = models.ForeignKey(Snapshot, models.PROTECT, null=True, related_name="+")
    payment_type = models.CharField(max_length=64, blank=True)
    bank = models.ForeignKey(Snapshot, models.PROTECT, null=True, related_name="+")
    bin_number = models.CharField(max_length=8, null=True)  # noqa: DJ001 - null on the wire
    installment_count = models.IntegerField(default=1)

    has_gift_box = models.BooleanField(default=False)
    gift_box_note = models.CharField(max_length=160, null=True)  # noqa: DJ001 - null on the wire
    notes = models.CharField(max_length=320, null=True)  # noqa: DJ001 - null on the wire
    language_code = models.CharField(max_length=16, blank=True)
    client_type = models.CharField(max_length=32, default="default")
    order_type = models.CharField(max_length=32, null=True)  # noqa: DJ001 - null on the wire
    remote_addr = models.CharField(max_length=64, null=True)  # noqa: DJ001 - null on the wire
    is_send = models.BooleanField(default=False)
    extra_field = models.JSONField(null=True)
    details = models.JSONField(default=dict)
    """The remaining input: returned on the wire, used by no rule."""

    fingerprint = models.CharField(max_length=32)
    source = models.CharField(max_length=16, default="channel")
    placed_at = models.DateTimeField()
    created_date = models.DateTimeField(db_default=Now())
    modified_date = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "number"], name="one_order_per_number"),
            models.CheckConstraint(
                condition=Q(
                    amount_minor=F("goods_minor")
                    - F("discount_minor")
                    + F("shipping_minor")
                    + F("fee_minor")
                    + F("rounding_minor")
                ),
                name="amount_is_the_sum_of_its_parts",
            ),
            models.CheckConstraint(
                condition=Q(rounding_minor__gte=-ROUNDING_MAX, rounding_minor__lte=ROUNDING_MAX),
                name="rounding_is_small",
            ),
            models.CheckConstraint(
                condition=Q(amount_minor__gte=0, interest_minor__gte=0, discount_minor__gte=0),
                name="amounts_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(refund_minor__gte=0)
                & Q(refund_minor__lte=F("amount_minor") + F("interest_minor")),
                name="refunded_within_the_amount",
            ),
            # Both kinds of refunds together may exceed the charge: that is a fact from outside.
            models.CheckConstraint(
                condition=Q(refunded_elsewhere_minor__gte=0)
                & Q(refunded_elsewhere_minor__lte=F("amount_minor") + F("interest_minor")),
                name="refunded_elsewhere_within_amount",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-placed_at", "-id"], name="orders_of_a_user"),
            models.Index(fields=["placed_at"], name="orders_of_a_day"),
            # The number comes first: agents look for it in all their channels.
            models.Index(
                fields=["number_key", "channel", "email_key", "user_type"],
                name="guest_look_up",
            ),
            models.Index(fields=["channel", "modified_date", "id"], name="orders_as_they_changed"),
            models.Index(
                fields=["channel", "cancel_status", "-id"],
                condition=Q(cancel_status__isnull=False),
                name="orders_being_cancelled",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class OrderItem(OrderOrItem):
    """An item of `quantity` units; its amounts were allocated once, when the order arrived.

    Each `…_minor` is the item's total of one component. The first `total mod quantity` units
    carry one minor unit more, and `units_closed` counts the units already cancelled or returned.
    So any sequence of splits adds up to the total (`core.money.units_value`). Units that another
    system refunded are the next ones after those that were closed or refunded before.
    """

    order = models.ForeignKey(Order, models.CASCADE)
    remote_id = models.CharField(max_length=128)
    # Without constraint and index: SQLite would search for parts of every item it inserts.
    split_from = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    """The original item, when this one was split from it."""
    quantity = models.IntegerField(default=1)
    units_closed = models.IntegerField(default=0)
    refunded_elsewhere_quantity = models.IntegerField(default=0)
    """Units that other systems paid back; it never falls and does not include our refunds."""

    tax_minor = models.BigIntegerField(default=0)
    retail_minor = models.BigIntegerField(null=True)
    tax_rate = models.DecimalField(max_digits=6, decimal_places=3, default=0)

    sku = models.CharField(max_length=128)
    product = models.ForeignKey(Snapshot, models.PROTECT, related_name="+")
    price_list = models.ForeignKey(Snapshot, models.PROTECT, null=True, related_name="+")
    stock_list = models.ForeignKey(Snapshot, models.PROTECT, null=True, related_name="+")
    data_source = models.ForeignKey(Snapshot, models.PROTECT, null=True, related_name="+")
    shipping_option_group = models.ForeignKey(Snapshot, models.PROTECT, null=True, related_name="+")

    estimated_delivery_date = models.DateField(null=True)
    shipped_date = models.DateTimeField(null=True)
    delivered_date = models.DateTimeField(null=True)
    image = models.CharField(max_length=1024, null=True)  # noqa: DJ001 - null on the wire
    is_tradable = models.BooleanField(default=False)
    attributes = models.JSONField(default=dict)
    extra_field = models.JSONField(null=True)
    details = models.JSONField(default=dict)
    deferred_status = models.SmallIntegerField(null=True)
    """The last status received while a case is open; applied if the case is rejected."""
    is_cancel_approved = models.BooleanField(db_default=False, default=False)
    """Whether the cancellation for which the item waits is approved: its status is fixed."""
    created_date = models.DateTimeField(db_default=Now())
    modified_date = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "remote_id"], name="one_item_per_remote_id"),
            models.CheckConstraint(
                condition=Q(quantity__gte=1, units_closed__gte=0, units_closed__lte=F("quantity")),
                name="closed_within_quantity",
            ),
            models.CheckConstraint(
                condition=Q(
                    refunded_elsewhere_quantity__gte=0,
                    refunded_elsewhere_quantity__lte=F("quantity"),
                ),
                name="refunded_elsewhere_within_quantity",
            ),
        ]
        indexes = [models.Index(Folded("sku"), name="items_by_sku")]

    def __str__(self) -> str:
        return f"{self.order_id}/{self.remote_id}"

    @property
    def units_left(self) -> int:
        """The units that can still be cancelled or returned."""
        return units_left(self.quantity, self.units_closed, self.refunded_elsewhere_quantity)

    @property
    def units_used(self) -> int:
        """The units before the next one to refund: closed, or refunded by another system."""
        return self.quantity - self.units_left


class DateCorrection(models.Model):
    """A date of an item that staff corrected, with their note. The table is append-only."""

    order_item = models.ForeignKey(OrderItem, models.PROTECT)
    column = models.CharField(max_length=16)
    """`shipped_date` or `delivered_date`."""
    before = models.DateTimeField(null=True)
    after = models.DateTimeField()
    note = models.CharField(max_length=2000)
    actor_kind = models.CharField(max_length=16)
    actor_number = models.BigIntegerField(null=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.order_item_id} {self.column}"


class DiscountItem(models.Model):
    """A discount of the order; a `BenefitApplicant` holds its share of each item."""

    order = models.ForeignKey(Order, models.CASCADE)
    name = models.CharField(max_length=255)
    amount_minor = models.BigIntegerField()
    created_date = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name


class BenefitApplicant(models.Model):
    """The share of a discount that an item receives."""

    discount_item = models.ForeignKey(DiscountItem, models.CASCADE)
    order_item = models.ForeignKey(OrderItem, models.CASCADE)
    amount_minor = models.BigIntegerField()
    created_date = models.DateTimeField(db_default=Now())
    modified_date = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["discount_item", "order_item"], name="one_share_per_line"
            )
        ]

    def __str__(self) -> str:
        return f"{self.discount_item_id}/{self.order_item_id}"


class Payment(models.Model):
    """A payment of the order, in minor units of the order's currency, and what became of it.

    Refunds reserve money before they are sent (`refunds.commands.plan`). `found_minor` are refunds
    that were made in the provider's own pages, `charged_back_minor` is money that the shopper's
    bank took back: both are facts of the provider, which no constraint refuses.
    """

    order = models.ForeignKey(Order, models.CASCADE)
    kind = models.CharField(max_length=64)
    # The code of the channel's payment account (`refunds.models.PaymentAccount`).
    account = models.CharField(max_length=64, null=True)  # noqa: DJ001 - absent is not empty
    # The ids of the payment and of its order at the provider.
    reference = models.CharField(max_length=255, null=True)  # noqa: DJ001 - null on the wire
    provider_order = models.CharField(max_length=255, null=True)  # noqa: DJ001 - absent is not empty
    # The currency that was charged, in lower case; null: that of the order. Amounts are those of
    # the order's currency in any case: what was charged in another one is known to the provider.
    currency = models.CharField(max_length=3, null=True)  # noqa: DJ001 - absent is not empty
    amount_minor = models.BigIntegerField()
    captured_minor = models.BigIntegerField(default=0)
    reserved_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(db_default=0, default=0)
    found_minor = models.BigIntegerField(db_default=0, default=0)
    charged_back_minor = models.BigIntegerField(db_default=0, default=0)
    has_open_dispute = models.BooleanField(db_default=False, default=False)
    # The time of the newest state that the provider reported; older states change nothing.
    observed_at = models.DateTimeField(null=True)
    # When the provider released the authorization of a payment that was never captured.
    voided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(captured_minor__gte=0, captured_minor__lte=F("amount_minor")),
                name="captured_within_the_payment",
            ),
            models.CheckConstraint(
                condition=Q(
                    reserved_minor__gte=0,
                    refunded_minor__gte=0,
                    found_minor__gte=0,
                    charged_back_minor__gte=0,
                    captured_minor__gte=F("reserved_minor") + F("refunded_minor"),
                ),
                name="refunds_within_the_captured",
            ),
            # Two rows of one payment would give its money back twice.
            models.UniqueConstraint(
                "order",
                Coalesce("account", Value("")),
                "reference",
                condition=Q(reference__isnull=False),
                name="one_payment_per_reference",
            ),
        ]
        indexes = [
            # Notifications of providers name a payment by it.
            models.Index(
                fields=["reference"],
                condition=Q(reference__isnull=False),
                name="payments_by_reference",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount_minor}"


class LoyaltyTransaction(models.Model):
    """Loyalty points of an order: positive when earned, negative when spent."""

    uuid = models.UUIDField(unique=True)
    order = models.ForeignKey(Order, models.CASCADE)
    transaction_type = models.CharField(max_length=32, default="purchase")
    amount_minor = models.BigIntegerField()
    user_email = models.CharField(max_length=254, null=True)  # noqa: DJ001 - null on the wire
    reference = models.CharField(max_length=255, null=True)  # noqa: DJ001 - null on the wire
    created_date = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return str(self.uuid)
