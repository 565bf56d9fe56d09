"""Closes a customer's account and removes the personal data, unless a case is live."""

from datetime import datetime

from django.db import transaction

from takeback.accounts.own_account import anonymize_customer
from takeback.addresses.address_book import remove_book
from takeback.addresses.models import Address
from takeback.cancellations.errors import OPEN_CASES
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import LIVE
from takeback.core.errors import Refused
from takeback.core.ids import OrderId
from takeback.logistics.models import EasyReturn
from takeback.loyalty.commands.accounts import forget_owner
from takeback.orders.locks import lock_orders
from takeback.orders.models import Order


@transaction.atomic
def close_account(user_id: int, *, now: datetime) -> None:
    """Remove name, addresses, password and sessions of a customer; repeating it is a no-op.

    Orders, cases, money and histories stay with the recipients of that time: they are records
    that the law requires. Refused while a case is live, because its mails, labels and refunds
    need the customer.
    """
    orders = Order.objects.filter(user_id=user_id).values_list("pk", flat=True)
    # Opening a case takes these locks, too.
    lock_orders([OrderId(pk) for pk in orders])
    live = CancellationRequest.objects.filter(
        order_item__order__user_id=user_id, status__in=[status.value for status in LIVE]
    ).count()
    if live:
        raise Refused(OPEN_CASES.with_values(count=live), cases=live)
    pickups = EasyReturn.objects.filter(pickup_address__in=Address.objects.filter(user_id=user_id))
    remove_book(user_id, recorded=pickups.values_list("pickup_address_id", flat=True))
    forget_owner(now=now, user_id=user_id)
    anonymize_customer(user_id, now=now)
