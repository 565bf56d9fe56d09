"""Takes back the points that an order had earned, in proportion to the money given back."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet, Sum

from takeback.core.ids import OrderId
from takeback.loyalty.commands.accounts import existing_primary_account
from takeback.loyalty.commands.entries import add_entry, entry_of_key
from takeback.loyalty.models import LoyaltyEntry
from takeback.loyalty.transaction_types import TransactionType
from takeback.orders.models import LoyaltyTransaction, Order


def earned_points_due(earned_minor: int, refunded_minor: int, charged_minor: int) -> int:
    """The points that are due back in total, rounded in favour of the customer.

    The total is computed from totals, so that the parts of any sequence of refunds add up to it.

    >>> earned_points_due(100, 1000, 3000), earned_points_due(100, 3000, 3000)
    (33, 100)
    """
    if charged_minor <= 0:
        return 0
    return earned_minor * max(min(refunded_minor, charged_minor), 0) // charged_minor


@transaction.atomic
def adjust_earned_points(order_id: OrderId, *, refunded_minor: int, key: str, now: datetime) -> int:
    """Take back what is due of the points that an order earned; returns the points taken now.

    `refunded_minor` is all money of the order that was given back so far. If it has fallen, because
    a refund came back, points are given again and the result is negative. A balance does not become
    negative unless its account allows it: what is missing is taken back with a later refund of the
    order, or never. Called under the order's lock; a repeated key does nothing.
    """
    order = Order.objects.get(pk=order_id)
    earned = _sum(LoyaltyTransaction.objects.filter(order_id=order_id, amount_minor__gt=0))
    taken = -_sum(
        LoyaltyEntry.objects.filter(
            order_id=order_id, transaction_type=TransactionType.CANCEL.value
        )
    )
    charged = order.amount_minor + order.interest_minor
    missing = earned_points_due(earned, refunded_minor, charged) - taken
    if not missing or entry_of_key(key):
        return 0
    account = existing_primary_account(order, order.currency)
    if account is None:
        return 0
    if missing > 0 and not account.debit_allowed:
        missing = min(missing, max(account.balance_minor, 0))
    if missing:
        add_entry(account, -missing, TransactionType.CANCEL, now=now, key=key, order_id=order_id)
    return missing


def _sum(rows: "QuerySet[Any]") -> int:
    total = rows.aggregate(total=Sum("amount_minor"))["total"]
    return int(total or 0)
