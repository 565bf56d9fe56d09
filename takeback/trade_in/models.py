"""Answers to trade-in offers; the offer itself stands in its line's attributes."""

from django.db import models
from django.db.models import Q

from takeback.core.actor import ActorKind
from takeback.orders.models import OrderItem
from takeback.trade_in.statuses import Decision


class TradeIn(models.Model):
    """What the customer said to the offer of a line, and to which amount; said once."""

    order_item = models.OneToOneField(OrderItem, models.PROTECT, related_name="trade_in")
    decision = models.CharField(max_length=16)
    amount_minor = models.BigIntegerField()
    decided_at = models.DateTimeField()
    decided_by = models.CharField(max_length=16)
    """`customer` when signed in, `guest` when only the mailed link said who it was."""

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
