"""Updates of single items and orders by channels: tracking, invoices, statuses."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import models, transaction

from takeback.accounts.policy import ShopPolicy, shop_policy
from takeback.core import errors as core_errors
from takeback.core.db.bulk import json_text, update_rows
from takeback.core.db.change_time import ChangeTime
from takeback.core.errors import Refused
from takeback.core.ids import ItemId
from takeback.orders.commands.record_refunds import ensure_units_exist
from takeback.orders.commands.split_item import with_quantity
from takeback.orders.locks import lock_orders_of
from takeback.orders.merge_item import Sender, merge_part
from takeback.orders.models import Order, OrderItem
from takeback.orders.statuses import rolled_up_status
from takeback.orders.stored_orders import stored_part
from takeback.orders.trade_in_offers import offered_minor, publish_offer, with_decision
from takeback.orders.versions import ensure_version

ItemChanges = Mapping[str, Any]
"""New values by column. `extra_field` is merged into the stored one, `attributes` and
`attributes_kwargs` replace theirs."""

_JSON_COLUMNS = {
    field.name for field in OrderItem._meta.fields if isinstance(field, models.JSONField)
}


@transaction.atomic
def update_items(
    channel_ids: Collection[int],
    changes: Mapping[int, ItemChanges],
    *,
    now: datetime,
    version: int | None = None,
) -> None:
    """Update these items, by id, and the status of their orders; all of them or none.

    The status of an item with an open case is stored and applied if the case is rejected.
    Raises Refused: NOT_FOUND for an item outside the channels; PRECONDITION_FAILED for an item
    that is not at this version; for a value that cannot be applied, with the `order_item` and the
    `field` in the context.
    """
    lock_orders_of(sorted(changes))
    rows = OrderItem.objects.filter(pk__in=changes, order__channel_id__in=channel_ids)
    items = list(rows.select_related("order").order_by("pk"))
    if len(items) < len(changes):
        raise Refused(core_errors.NOT_FOUND)
    policies = {item.order.channel_id: shop_policy(item.order.channel_id) for item in items}
    columns, changed = set[str](), []
    for item in items:
        ensure_version(item.modified_date, version)
        if names := _apply(item, changes[item.pk], policies[item.order.channel_id], now):
            columns |= names
            changed.append(item)
    if changed:
        _write(changed, [*sorted(columns), "modified_date"])
        orders = {item.order_id for item in changed}
        # Receiving the order again may now skip fields: it no longer counts as unchanged.
        Order.objects.filter(pk__in=orders).update(fingerprint="", modified_date=ChangeTime())
        roll_up_status(orders, now)


def ensure_order_version(channel_ids: Collection[int], order_id: int, version: int | None) -> None:
    """Lock the order, and refuse (PRECONDITION_FAILED) if it is not at this version."""
    if version is not None:
        orders = Order.objects.filter(pk=order_id, channel_id__in=channel_ids)
        locked = orders.select_for_update(no_key=True)
        for modified_date in locked.values_list("modified_date", flat=True):
            ensure_version(modified_date, version)


@transaction.atomic
def mark_as_sent(
    channel_ids: Collection[int], order_id: int, *, is_send: bool, now: datetime
) -> None:
    """Record whether the order was sent to the shop's own system."""
    orders = Order.objects.filter(pk=order_id, channel_id__in=channel_ids).exclude(is_send=is_send)
    orders.update(is_send=is_send, modified_date=ChangeTime())


def _apply(item: OrderItem, changes: ItemChanges, policy: ShopPolicy, now: datetime) -> set[str]:
    """Change the object; returns the columns whose values differ from the stored ones."""
    received = {name: value for name, value in changes.items() if name != "attributes_kwargs"}
    if "attributes_kwargs" in changes:
        received["details"] = {"attributes_kwargs": changes["attributes_kwargs"]}
    placed_at = item.order.placed_at
    result = merge_part(stored_part(item), received, Sender.UPDATE, placed_at=placed_at, now=now)
    for name, problem in result.refused.items():
        raise Refused(problem, order_item=item.pk, field=name)
    values = result.values
    if "refunded_elsewhere_quantity" in values:
        ensure_units_exist(item, values["refunded_elsewhere_quantity"])
    if "attributes" in values:
        values["attributes"] = _attributes(item, values["attributes"], policy, now)
    changed = {name for name, value in values.items() if getattr(item, name) != value}
    for name in changed:
        setattr(item, name, values[name])
    item.modified_date = now
    return changed


def _attributes(
    item: OrderItem, attributes: dict[str, Any], policy: ShopPolicy, now: datetime
) -> dict[str, Any]:
    """The new attributes with the item's own quantity; publishes a new trade-in offer."""
    currency, key = item.order.currency, policy.item_quantity_key
    before = offered_minor(item.attributes, currency, policy.trade_in_key)
    offered = offered_minor(attributes, currency, policy.trade_in_key)
    publish_offer(ItemId(item.pk), offered, before, now)
    merged = {key: item.quantity} if key in item.attributes else {}
    decided = with_decision(attributes | merged, item.attributes, policy.trade_in_key)
    return with_quantity(decided, item.quantity, key)


def _write(items: Sequence[OrderItem], columns: Sequence[str]) -> None:
    """Write these columns of all items with one statement."""
    rows = [
        [
            json_text(getattr(item, name)) if name in _JSON_COLUMNS else getattr(item, name)
            for name in columns
        ]
        for item in items
    ]
    update_rows(OrderItem, columns, [item.pk for item in items], rows)


def roll_up_status(order_ids: Iterable[int], now: datetime) -> None:
    """Update orders to the status of their items."""
    statuses: dict[int, list[int]] = defaultdict(list)
    items = OrderItem.objects.filter(order_id__in=set(order_ids))
    for order_id, status in items.values_list("order_id", "status"):
        statuses[order_id].append(status)
    orders_by_status: dict[int, list[int]] = defaultdict(list)
    for order_id, codes in statuses.items():
        orders_by_status[rolled_up_status(codes)].append(order_id)
    for status, ids in orders_by_status.items():
        changed = Order.objects.filter(pk__in=ids).exclude(status=status)
        changed.update(status=status, modified_date=ChangeTime())
