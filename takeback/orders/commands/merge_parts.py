"""Merges parts that were split off an item into it again: the reverse of `split_item`."""

from datetime import datetime

from django.db.models import QuerySet

from takeback.core.db.change_time import ChangeTime
from takeback.core.money import units_value
from takeback.orders.commands.split_item import AMOUNTS, with_quantity
from takeback.orders.models import BenefitApplicant, Order, OrderItem
from takeback.orders.statuses import SET_BY_CASES

_COUNTS = ("quantity", "units_closed", "refunded_elsewhere_quantity")
_OWN = {
    *("id", "remote_id", "split_from", "attributes", "deferred_status"),
    *("created_date", "modified_date", *_COUNTS, *AMOUNTS),
}
"""The columns in which a part may differ from its item."""
_SHARED = [field.attname for field in OrderItem._meta.fields if field.name not in _OWN]


def can_merge(item: OrderItem, part: OrderItem, key: str) -> bool:
    """Whether a part differs from its item in its units and their amounts only.

    No case decides on their status, they have the same shipment, and every unit keeps its value.
    `key` is that of the quantity in their attributes.
    """
    return (
        item.status not in SET_BY_CASES
        and all(getattr(item, name) == getattr(part, name) for name in _SHARED)
        and with_quantity(item.attributes, 0, key) == with_quantity(part.attributes, 0, key)
        and all(_units_keep_their_value(item, part, column) for column in AMOUNTS)
    )


def _units_keep_their_value(item: OrderItem, part: OrderItem, column: str) -> bool:
    """Whether the closed units of both are worth the same once the item has all units.

    The first units of an item carry the larger values. That holds for all units only if their
    values differ by one minor unit at most.
    """
    totals = [getattr(row, column) for row in (item, part)]
    if None in totals:
        return totals == [None, None]
    quantities, closed = (item.quantity, part.quantity), (item.units_closed, part.units_closed)
    values = [
        rounded
        for total, quantity in zip(totals, quantities, strict=True)
        for rounded in (total // quantity, -(-total // quantity))
    ]
    used = [
        units_value(total, quantity, 0, count)
        for total, quantity, count in zip(totals, quantities, closed, strict=True)
    ]
    merged = units_value(sum(totals), sum(quantities), 0, sum(closed))
    return max(values) - min(values) <= 1 and merged == sum(used)


def merge_part(item: OrderItem, part: OrderItem, key: str, now: datetime) -> None:
    """Add the units and amounts of a part that `can_merge` to its item, and delete the part.

    The caller holds the order's lock, has read the items under it, and has moved what refers to
    the part. The database verifies the sums of the order again.
    """
    orders = Order.objects.filter(pk=item.order_id)
    orders.update(is_finalized=False)
    _merge_discount_shares(item, part)
    for column in (*_COUNTS, *AMOUNTS):
        if getattr(item, column) is not None:
            setattr(item, column, getattr(item, column) + getattr(part, column))
    item.attributes = with_quantity(item.attributes, item.quantity, key)
    item.modified_date = now
    part.delete()
    item.save(update_fields=["attributes", "modified_date", *_COUNTS, *AMOUNTS])
    orders.update(is_finalized=True, modified_date=ChangeTime())


def _merge_discount_shares(item: OrderItem, part: OrderItem) -> None:
    """Add the part's share of each discount to that of its item."""
    shares = {share.discount_item_id: share for share in _shares(item)}
    for share in _shares(part):
        own = shares.setdefault(share.discount_item_id, share)
        if own is share:
            own.order_item_id = item.pk
        else:
            own.amount_minor += share.amount_minor
    BenefitApplicant.objects.bulk_update(shares.values(), ["order_item", "amount_minor"])


def _shares(item: OrderItem) -> "QuerySet[BenefitApplicant]":
    return BenefitApplicant.objects.filter(order_item=item).order_by("pk")
