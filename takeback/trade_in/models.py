"""Decisions about trade-in offers; the offer itself is part of its item's attributes."""

from enum import StrEnum

from django.db import models
from django.db.models import Q

from takeback.core.actor import ActorKind
from takeback.orders.models import OrderItem


class Decision(StrEnum):
    """The customer's decision; the values are part of the contract's paths."""

    APPROVED = "approved"
    REJECTED = "rejected"


class TradeIn(models.Model):
    """The decision about an item's offer, and its amount; it is final."""

    order_item = models.OneToOneField(OrderItem, models.PROTECT, related_name="trade_in")
    decision = models.CharField(max_length=16)
    amount_minor = models.BigIntegerField()
    decided_at = models.DateTimeField()
    # `customer` with a session, `guest` with the mailed link.
    decided_by = models.CharField(max_length=16)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(decision__in=[decision.value for decision in Decision]),
                name="known_trade_in_decision",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__in=[ActorKind.CUSTOMER.value, ActorKind.GUEST.value]),
                name="trade_in_decided_by_its_customer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_item_id} {self.decision}"
