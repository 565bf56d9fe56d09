"""Removes personal data from orders; amounts, items and statuses stay."""

from collections.abc import Collection, Mapping
from typing import Final

from takeback.core.db.change_time import ChangeTime
from takeback.orders.models import LoyaltyTransaction, Order

_PERSONAL_DETAILS: Final = ("card", "basket", "cancellation_info")


def anonymize_orders(order_ids: Collection[int], emails: Mapping[int, str]) -> None:
    """Give these orders the anonymous e-mail addresses of their users, within a transaction.

    Systems that follow the orders receive them once more. The caller holds their locks.
    """
    orders = Order.objects.filter(pk__in=order_ids)
    for pk, user_id, details in orders.values_list("pk", "user_id", "details"):
        email = emails[user_id]
        Order.objects.filter(pk=pk).update(
            user_email=email,
            email_key=email,
            bin_number=None,
            gift_box_note=None,
            notes=None,
            remote_addr=None,
            extra_field=None,
            details={k: value for k, value in details.items() if k not in _PERSONAL_DETAILS},
            modified_date=ChangeTime(),
        )
    LoyaltyTransaction.objects.filter(order__in=order_ids).update(user_email=None)
