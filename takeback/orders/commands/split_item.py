"""Splits units off an item into an item of their own, so that a case can decide on them alone."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from copy import copy
from datetime import datetime
from itertools import chain, count
from typing import Any

from takeback.accounts.policy import shop_policy
from takeback.core.db.change_time import ChangeTime
from takeback.core.money import split, units_value
from takeback.orders.allocation import AMOUNT_COLUMNS
from takeback.orders.models import BenefitApplicant, Order, OrderItem

AMOUNTS = (*AMOUNT_COLUMNS, "retail_minor")
"""The columns that are split between the units of an item."""
_REMOTE_ID_MAX = 128


def split_items(
    requested: Sequence[tuple[OrderItem, int]], *, now: datetime
) -> dict[int, OrderItem]:
    """Split the next units off each item; returns the new items by the ids of the old ones.

    A new item holds exactly the amounts of its units, the old one the rest: an item's first
    units carry the larger amounts, and keep them. The caller holds the locks of the orders and
    has read the items under them. The database refuses units that are closed or do not exist.
    """
    if not requested:
        return {}
    items = [item for item, _ in requested]
    orders = Order.objects.filter(pk__in={item.order_id for item in items})
    parts = _parts(requested, now)
    orders.update(is_finalized=False)
    OrderItem.objects.bulk_create(parts.values())
    _split_discount_shares(parts)
    OrderItem.objects.bulk_update(items, ["quantity", "attributes", "modified_date", *AMOUNTS])
    # Finalizing makes the database verify the sums again.
    orders.update(is_finalized=True, modified_date=ChangeTime())
    return parts


def with_quantity(attributes: dict[str, Any], quantity: int, key: str) -> dict[str, Any]:
    """The attributes of an item; those of a merged item hold its quantity under `key`."""
    return attributes | {key: quantity} if key in attributes else attributes


def _parts(requested: Sequence[tuple[OrderItem, int]], now: datetime) -> dict[int, OrderItem]:
    """The new items, not yet written; reduces the old ones."""
    siblings = OrderItem.objects.filter(order_id__in={item.order_id for item, _ in requested})
    rows = list(siblings.values_list("pk", "order_id", "remote_id", "order__channel_id"))
    remote_ids = {pk: remote_id for pk, _, remote_id, _ in rows}
    used = {(order_id, remote_id) for _, order_id, remote_id, _ in rows}
    channels = {order_id: channel_id for _, order_id, _, channel_id in rows}
    keys = {channel: shop_policy(channel).item_quantity_key for channel in channels.values()}
    parts = {}
    for item, units in requested:
        origin = item.split_from_id or item.pk
        candidates = (_numbered(remote_ids[origin], number) for number in count(1))
        part = parts[item.pk] = _split_off(item, units, keys[channels[item.order_id]], now)
        part.remote_id = next(name for name in candidates if (item.order_id, name) not in used)
        part.split_from_id = origin
        used.add((item.order_id, part.remote_id))
    return parts


def _split_off(item: OrderItem, units: int, key: str, now: datetime) -> OrderItem:
    part = copy(item)
    part.pk = None
    for column in AMOUNTS:
        total = getattr(item, column)
        if total is not None:
            amount = units_value(total, item.quantity, item.units_used, units)
            setattr(part, column, amount)
            setattr(item, column, total - amount)
    item.quantity, part.quantity = item.quantity - units, units
    part.units_closed = part.refunded_elsewhere_quantity = 0
    part.attributes = with_quantity(item.attributes, units, key)
    item.attributes = with_quantity(item.attributes, item.quantity, key)
    part.created_date = part.modified_date = item.modified_date = now
    return part


def _numbered(remote_id: str, number: int) -> str:
    """The remote id with a number, shortened to the length of the column."""
    ending = f"/{number}"
    return remote_id[: _REMOTE_ID_MAX - len(ending)] + ending


def _split_discount_shares(parts: Mapping[int, OrderItem]) -> None:
    """Move each discount's share in proportion to the part's share of the item's discount."""
    shares: dict[int, list[BenefitApplicant]] = defaultdict(list)
    for share in BenefitApplicant.objects.filter(order_item_id__in=parts).order_by("pk"):
        shares[share.order_item_id].append(share)
    moved = []
    for item_id, item_shares in shares.items():
        part = parts[item_id]
        amounts = split(part.discount_minor, [share.amount_minor for share in item_shares])
        for share, amount in zip(item_shares, amounts, strict=True):
            moved.append(
                BenefitApplicant(
                    discount_item_id=share.discount_item_id,
                    order_item_id=part.pk,
                    amount_minor=amount,
                    created_date=part.created_date,
                    modified_date=part.created_date,
                )
            )
            share.amount_minor -= amount
    BenefitApplicant.objects.bulk_create(moved)
    BenefitApplicant.objects.bulk_update(chain.from_iterable(shares.values()), ["amount_minor"])
