"""Orders and their parts; amounts are minor units of the order's currency."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from takeback.accounts.models import Channel
from takeback.addresses.models import Address
from takeback.core.db.lookups import Folded


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
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT)
    user_type = models.CharField(max_length=16)
    user_email = models.CharField(max_length=254)
    email_key = models.CharField(max_length=254)
    currency = models.CharField(max_length=3)

    amount_minor = models.BigIntegerField()
    refund_minor = models.BigIntegerField(default=0)
    discount_refund_minor = models.BigIntegerField(default=0)
    shipping_refund_minor = models.BigIntegerField(default=0)
    shipping_tax_rate = models.DecimalField(max_digits=5, decimal_places=2, null=True)
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
                ),
                name="amount_is_the_sum_of_its_parts",
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
        ]
        indexes = [
            models.Index(fields=["user", "-placed_at", "-id"], name="orders_of_a_user"),
            models.Index(fields=["placed_at"], name="orders_of_a_day"),
            models.Index(Folded("number"), name="orders_by_number"),
            models.Index(
                fields=["channel", "number", "email_key", "user_type"],
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
    So any sequence of splits adds up to the total (`core.money.units_value`).
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

    tax_minor = models.BigIntegerField(default=0)
    retail_minor = models.BigIntegerField(null=True)
    tax_rate = models.DecimalField(max_digits=5, decimal_places=2, default=0)

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
    created_date = models.DateTimeField(db_default=Now())
    modified_date = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "remote_id"], name="one_item_per_remote_id"),
            models.CheckConstraint(
                condition=Q(quantity__gte=1, units_closed__gte=0, units_closed__lte=F("quantity")),
                name="closed_within_quantity",
            ),
        ]
        indexes = [models.Index(Folded("sku"), name="items_by_sku")]

    def __str__(self) -> str:
        return f"{self.order_id}/{self.remote_id}"


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


class Tender(models.Model):
    """A payment of the order; refunds cannot reserve more than was captured."""

    order = models.ForeignKey(Order, models.CASCADE)
    kind = models.CharField(max_length=32)
    reference = models.CharField(max_length=255, null=True)  # noqa: DJ001 - null on the wire
    amount_minor = models.BigIntegerField()
    captured_minor = models.BigIntegerField(default=0)
    reserved_minor = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(captured_minor__gte=0, captured_minor__lte=F("amount_minor")),
                name="captured_within_the_tender",
            ),
            models.CheckConstraint(
                condition=Q(reserved_minor__gte=0, reserved_minor__lte=F("captured_minor")),
                name="reserved_within_the_captured",
            ),
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
