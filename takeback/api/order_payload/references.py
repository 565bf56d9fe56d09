"""What an order may name by number instead of telling it: people and addresses of its channel."""

from collections.abc import Collection
from uuid import UUID

from takeback.accounts.customer_input import CustomerIn
from takeback.accounts.models import User
from takeback.addresses.address_input import COPIED, AddressIn
from takeback.addresses.models import Address
from takeback.orders.models import LoyaltyTransaction


def customer(channel_id: int, user_id: int) -> CustomerIn | None:
    """A customer of this channel; another's is as unknown as nobody."""
    user = User.objects.filter(pk=user_id, channel_id=channel_id, is_staff=False).first()
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


def address(channel_id: int, address_id: int) -> AddressIn | None:
    """An address of a customer of this channel, to be frozen anew."""
    found = Address.objects.select_related("country", "city", "township", "district")
    kept = found.filter(pk=address_id, user__channel_id=channel_id, is_active=True).first()
    if kept is None:
        return None
    return AddressIn(
        country=kept.country.code,
        country_name=kept.country.name,
        city=kept.city.name,
        township=kept.township.name if kept.township else None,
        district=kept.district.name if kept.district else None,
        **{name: getattr(kept, name) for name in COPIED},
    )


def taken_points(uuids: Collection[UUID], *, channel_id: int, number: str) -> set[UUID]:
    """Which of these movements of points belong to some other order already."""
    kept = LoyaltyTransaction.objects.filter(uuid__in=uuids)
    others = kept.exclude(order__channel_id=channel_id, order__number=number)
    return set(others.values_list("uuid", flat=True))
