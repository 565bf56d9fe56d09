"""Orders of a system that is no longer in use, with that system's values."""

from django.conf import settings
from django.db import models


class OldOrder(models.Model):
    """An old order; status and payment are text from the old system."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    number = models.CharField(max_length=128)
    user_email = models.CharField(max_length=254)
    status = models.CharField(max_length=64)
    created_date = models.DateTimeField()
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    discount_minor = models.BigIntegerField(default=0)
    payment_type = models.CharField(max_length=64)
    bank = models.CharField(max_length=64)
    installment_count = models.IntegerField(default=1)
    tracking_number = models.CharField(max_length=64)
    shipping_company = models.CharField(max_length=64, null=True)  # noqa: DJ001 - null on the wire
    shipping_address = models.CharField(max_length=512)
    billing_address = models.CharField(max_length=512)
    extra_field = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "number"], name="one_old_order_per_number"),
        ]
        indexes = [
            models.Index(fields=["user", "-created_date", "-id"], name="old_orders_of_a_user")
        ]

    def __str__(self) -> str:
        return self.number


class OldOrderItem(models.Model):
    old_order = models.ForeignKey(OldOrder, models.CASCADE)
    product = models.CharField(max_length=256, blank=True)
    sku = models.CharField(max_length=128, blank=True)
    quantity = models.IntegerField(default=1)
    price_minor = models.BigIntegerField()
    image_url = models.CharField(max_length=1024, null=True)  # noqa: DJ001 - null on the wire
    extra_field = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(quantity__gte=1), name="old_quantity_at_least_one"
            )
        ]

    def __str__(self) -> str:
        return self.product
