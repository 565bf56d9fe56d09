"""What is told of lines and orders that are here: parcels, invoices, statuses."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models, transaction

from takeback.core import errors as core_errors
from takeback.core.db.bulk import json_text, update_rows
from takeback.core.errors import Refused
from takeback.orders import errors
from takeback.orders.commands.roll_up import roll_up_status
from takeback.orders.commands.split_item import with_quantity
from takeback.orders.commands.update_order import STAYS
from takeback.orders.locks import lock_orders_of
from takeback.orders.models import Order, OrderItem
from takeback.orders.statuses import ENDED, Status, can_follow, cancel_status_can_follow
from takeback.orders.trade_in_offers import offered_minor, publish_offer

Told = Mapping[str, Any]
"""New values by column. `extra_field` is merged into what is there, `attributes` and
`attributes_kwargs` take its place."""


@transaction.atomic
def update_items(channel_ids: Collection[int], told: Mapping[int, Told], *, now: datetime) -> None:
    """Take over what is told of these lines, by id; all of it, or nothing.

    Their orders follow. What is told of a line that waits for the end of its case holds when that
    is refused after all, as when its order is told again. That a line waits for it or has ended
    is not told but decided. `Refused` holds the `order_item` whose status cannot be, and is
    NOT_FOUND when a line is none of these channels'.
    """
    lock_orders_of(sorted(told))
    found = OrderItem.objects.filter(pk__in=told, order__channel_id__in=channel_ids)
    lines = list(found.select_related("order").order_by("pk"))
    if len(lines) < len(told):
        raise Refused(core_errors.NOT_FOUND)
    changes = {line: columns for line in lines if (columns := _take_over(line, told[line.pk], now))}
    if not changes:
        return
    _write(list(changes), sorted(set().union(*changes.values())))
    orders = {line.order_id for line in changes}
    Order.objects.filter(pk__in=orders).update(modified_date=now)
    roll_up_status(orders, now)


@transaction.atomic
def mark_as_sent(
    channel_ids: Collection[int], order_id: int, *, is_send: bool, now: datetime
) -> None:
    """Note whether the shop's own system has been told of an order."""
    orders = Order.objects.filter(pk=order_id, channel_id__in=channel_ids).exclude(is_send=is_send)
    orders.update(is_send=is_send, modified_date=now)


def _take_over(line: OrderItem, told: Told, now: datetime) -> set[str]:
    """Change the object; the columns that were not so before."""
    wanted = {name: value for name, value in told.items() if name != "attributes_kwargs"}
    wanted |= _statuses(line, told)
    if "extra_field" in wanted:
        wanted["extra_field"] = (line.extra_field or {}) | wanted["extra_field"]
    if "attributes" in wanted:
        wanted["attributes"] = _attributes(line, wanted["attributes"], now)
    if "attributes_kwargs" in told:
        wanted["details"] = line.details | {"attributes_kwargs": told["attributes_kwargs"]}
    changed = {name for name, value in wanted.items() if getattr(line, name) != value}
    for name in changed:
        setattr(line, name, wanted[name])
    line.modified_date = now
    return changed


def _statuses(line: OrderItem, told: Told) -> dict[str, int]:
    """The line's status from now on, and what it is to be when its case is refused."""
    cancel_status = told.get("cancel_status", line.cancel_status)
    if not cancel_status_can_follow(line.cancel_status, cancel_status):
        raise Refused(errors.CANCEL_STATUS_GOES_BACK, order_item=line.pk)
    status = told.get("status", line.status)
    if status == line.status:
        return {}
    waits = line.status == Status.CANCELLATION_WAITING
    if status in STAYS or line.status in ENDED:
        raise Refused(errors.STATUS_IS_DECIDED, order_item=line.pk, status=status)
    if not can_follow((waits and line.deferred_status) or line.status, status):
        raise Refused(errors.STATUS_GOES_BACK, order_item=line.pk, status=status)
    if waits:
        return {"status": line.status, "deferred_status": status}
    return {"status": status}


def _attributes(line: OrderItem, told: dict[str, Any], now: datetime) -> dict[str, Any]:
    """As told; but how many units a line stands for is fixed, and an offer is announced."""
    currency = line.order.currency
    before = offered_minor(line.attributes, currency)
    publish_offer(line.pk, offered_minor(told, currency), before, now)
    key = settings.ORDER_ITEM_QUANTITY_KEY
    merged = {key: line.quantity} if key in line.attributes else {}
    return with_quantity(told | merged, line.quantity)


def _write(lines: Sequence[OrderItem], columns: Sequence[str]) -> None:
    """All lines at once, whatever is told of each."""
    names = [*columns, "modified_date"]
    documents = {
        field.name for field in OrderItem._meta.fields if isinstance(field, models.JSONField)
    }
    rows = [
        [json_text(value) if name in documents else value for name, value in _values(line, names)]
        for line in lines
    ]
    update_rows(OrderItem, names, [line.pk for line in lines], rows)


def _values(line: OrderItem, names: Sequence[str]) -> list[tuple[str, Any]]:
    return [(name, getattr(line, name)) for name in names]
