"""Loyalty accounts and their entries."""

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from takeback.accounts.models import Channel, User
from takeback.loyalty.transaction_types import TransactionType
from takeback.orders.models import Order, Payment


class LoyaltyAccount(models.Model):
    """A customer's points of a channel, in minor units of a currency.

    Without a user it belongs to the guest with this e-mail address, and to the customer who
    registers the address later. An owner may have several accounts of a currency; refunds credit
    the primary one. A trigger adds each entry to the balance.
    """

    channel = models.ForeignKey(Channel, models.PROTECT)
    number = models.UUIDField(unique=True, default=uuid.uuid4)
    user = models.ForeignKey(User, models.PROTECT, null=True)
    user_email = models.CharField(max_length=254)
    email_key = models.CharField(max_length=254)
    currency = models.CharField(max_length=3)
    balance_minor = models.BigIntegerField(default=0)
    # Whether the balance may be negative.
    debit_allowed = models.BooleanField(default=False)
    is_primary = models.BooleanField(default=True)
    created_date = models.DateTimeField(db_default=Now())
    modified_date = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "user", "currency"],
                condition=Q(is_primary=True, user__isnull=False),
                name="one_primary_account_per_customer",
            ),
            models.UniqueConstraint(
                fields=["channel", "email_key", "currency"],
                condition=Q(is_primary=True, user__isnull=True),
                name="one_primary_account_per_guest",
            ),
            models.CheckConstraint(
                condition=Q(balance_minor__gte=0) | Q(debit_allowed=True),
                name="balance_not_negative",
            ),
        ]
        indexes = [
            models.Index(fields=["channel", "email_key"], name="loyalty_accounts_by_email"),
        ]

    def __str__(self) -> str:
        return str(self.number)


class LoyaltyEntry(models.Model):
    """A change of a balance. The table is append-only; the balance is the sum of the entries."""

    account = models.ForeignKey(LoyaltyAccount, models.PROTECT)
    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    transaction_type = models.CharField(max_length=32)
    amount_minor = models.BigIntegerField()
    # The balance after it.
    balance_minor = models.BigIntegerField()
    order = models.ForeignKey(Order, models.PROTECT, null=True)
    # The payment whose money a refund gives back as points.
    payment = models.ForeignKey(Payment, models.PROTECT, null=True)
    # What caused it, once for good in all accounts: a refund's key, or a plan's.
    key = models.CharField(max_length=64, null=True)  # noqa: DJ001 - unique when known
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["key"],
                condition=Q(key__isnull=False),
                name="one_loyalty_entry_per_key",
            ),
            models.CheckConstraint(condition=~Q(amount_minor=0), name="entry_not_zero"),
            models.CheckConstraint(
                condition=Q(transaction_type__in=[kind.value for kind in TransactionType]),
                name="known_transaction_type",
            ),
        ]

    def __str__(self) -> str:
        return str(self.uuid)
