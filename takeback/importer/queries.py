"""What matching cancellations needs to know of the orders that are in."""

from collections.abc import Collection
from typing import NamedTuple

from takeback.accounts.customer_input import CustomerIn
from takeback.accounts.models import User
from takeback.archive.models import OldOrder
from takeback.cancellations.models import CancellationRequest
from takeback.core.normalize import email_key
from takeback.importer.matching import SoldLine
from takeback.orders.models import OrderItem

CustomerKey = tuple[str, str]


def user_ids(channel_id: int, customers: Collection[CustomerIn]) -> dict[CustomerKey, int]:
    """The ids of those customers whom the channel has, by `CustomerIn.key`."""
    people = User.objects.filter(channel_id=channel_id, is_staff=False)
    codes = {customer.channel_code for customer in customers if customer.channel_code}
    keys = {email_key(customer.email) for customer in customers if not customer.channel_code}
    by_key = people.filter(email_key__in=keys).order_by("id")
    found: dict[CustomerKey, int] = {
        (kind, key): user_id
        for kind, key, user_id in by_key.values_list("user_type", "email_key", "id")
    }
    by_code = people.filter(channel_code__in=codes).values_list("channel_code", "id")
    return found | {("code", str(code)): user_id for code, user_id in by_code}


def sold_lines(user_ids: Collection[int], skus: Collection[str]) -> list[SoldLine]:
    """Every line of these customers with these products; locked, so call it in a transaction."""
    lines = (
        OrderItem.objects.select_for_update(of=("self",))
        .filter(order__user__in=list(user_ids), sku__in=skus)
        .order_by("id")
    )
    return [
        SoldLine(item_id, user_id, sku, currency, placed_at, quantity, quantity - used, worth)
        for item_id, user_id, sku, currency, placed_at, quantity, used, worth in lines.values_list(
            "id",
            "order__user_id",
            "sku",
            "order__currency",
            "order__placed_at",
            "quantity",
            "units_closed",
            "goods_minor",
        )
    ]


def recorded_units(user_ids: Collection[int], remote_ids: Collection[str]) -> dict[str, list[int]]:
    """The quantities of requests that these customers have from outside, by remote id."""
    # SQLite would look up every line of every customer once per remote id: they are sorted here.
    requests = CancellationRequest.objects.filter(
        order_item__order__user__in=list(user_ids), remote_id__isnull=False
    )
    found: dict[str, list[int]] = {}
    for remote_id, quantity in requests.values_list("remote_id", "quantity"):
        if remote_id in remote_ids:
            found.setdefault(str(remote_id), []).append(quantity)
    return found


class OldOrderKey(NamedTuple):
    """An old order by its number, and in which currency its amounts are."""

    order_id: int
    currency: str


def old_order_keys(channel_id: int, numbers: Collection[str]) -> dict[str, list[OldOrderKey]]:
    """The channel's old orders with these numbers; several customers may have the same one."""
    orders = OldOrder.objects.filter(user__channel_id=channel_id, number__in=numbers)
    found: dict[str, list[OldOrderKey]] = {}
    for number, order_id, currency in orders.values_list("number", "id", "currency"):
        found.setdefault(number, []).append(OldOrderKey(order_id, currency))
    return found
