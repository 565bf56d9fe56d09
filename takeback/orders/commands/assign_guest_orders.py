"""Assigns the guest orders of an e-mail address to the account of its owner."""

from datetime import datetime

from takeback.accounts.models import User
from takeback.addresses.models import Address
from takeback.core.db.change_time import ChangeTime
from takeback.core.ids import OrderId
from takeback.orders.locks import lock_orders
from takeback.orders.models import Order


def assign_guest_orders(channel_id: int, email: str, user_id: int, *, now: datetime) -> None:
    """Make the guest orders of an address orders of this customer; `email` is an `email_key`.

    Call it in a transaction that holds the channel's lock, so that no guest order is added. The
    guest customers stay, because other channels' systems know their ids. Only the customer of an
    order changes, so the trigger that adds up finalized orders does not run (decision 0001). From
    now on the orders need the sign-in: a guest's look-up no longer returns them.
    """
    orders = Order.objects.filter(channel_id=channel_id, email_key=email, user_type=User.GUEST)
    order_ids = [OrderId(pk) for pk in orders.values_list("pk", flat=True)]
    lock_orders(order_ids)
    mine = Order.objects.filter(pk__in=order_ids)
    for column in ("shipping_address_id", "billing_address_id"):
        copies = Address.objects.filter(pk__in=mine.values(column), is_copy=True)
        copies.update(user_id=user_id)
    mine.update(user_id=user_id, user_type=User.REGISTERED, modified_date=ChangeTime())
