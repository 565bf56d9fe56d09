"""Customers, addresses and loyalty transactions that a payload refers to by id."""

from collections.abc import Collection
from uuid import UUID

from takeback.accounts.customer_input import CustomerIn
from takeback.accounts.models import User
from takeback.accounts.queries import customers_of
from takeback.addresses.address_book import as_input
from takeback.addresses.address_input import AddressIn
from takeback.addresses.models import Address
from takeback.orders.models import LoyaltyTransaction


def find_customer(channel_id: int, user_id: int) -> CustomerIn | None:
    """A customer of this channel; None for one of another channel."""
    user = customers_of(channel_id).filter(pk=user_id).first()
    if user is None:
        return None
    return CustomerIn(
        email=user.email,
        user_type=user.user_type,
        channel_code=user.channel_code,
        first_name=user.first_name,
        last_name=user.last_name,
        phone=user.phone,
        language_code=user.language_code,
    )


def find_address(channel_id: int, address_id: int) -> AddressIn | None:
    """An active address of a customer of this channel, as input for a copy."""
    addresses = Address.objects.select_related("country", "city", "township", "district")
    rows = addresses.filter(pk=address_id, user__channel_id=channel_id, is_active=True)
    address = rows.exclude(user__user_type=User.PENDING).first()
    return as_input(address) if address else None


def has_transactions_of_others(uuids: Collection[UUID], *, channel_id: int, number: str) -> bool:
    transactions = LoyaltyTransaction.objects.filter(uuid__in=uuids)
    return transactions.exclude(order__channel_id=channel_id, order__number=number).exists()
