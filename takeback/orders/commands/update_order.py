"""An order told again: it may move on, but what its lines are worth stays."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from takeback.orders import order_rows
from takeback.orders.commands.split_item import with_quantity
from takeback.orders.models import Order, OrderItem
from takeback.orders.order_rows import OrderDraft
from takeback.orders.statuses import ENDED, Status, rolled_up_status
from takeback.orders.trade_in_offers import offered_minor, publish_offer

STAYS = ENDED | {Status.CANCELLATION_WAITING}
"""What has ended here, or waits to, is not undone from outside."""


def update_order(order_id: int, draft: OrderDraft, *, now: datetime) -> bool:
    """Take over what may change; False for an order whose lines or amounts are others.

    The caller holds the order's lock.
    """
    kept = _lines_as_told(order_id)
    told = {item.remote_id: (item, line) for item, line in _lines(draft)}
    if {key: _fixed_part(items) for key, items in kept.items()} != {
        key: (item.quantity, *line) for key, (item, line) in told.items()
    }:
        return False
    for key, items in kept.items():
        _move_lines_on(items, told[key][0], draft.order.currency, now)
    _move_order_on(order_id, draft, [item for items in kept.values() for item in items], now)
    return True


def _move_order_on(
    order_id: int, draft: OrderDraft, lines: Sequence[OrderItem], now: datetime
) -> None:
    order = draft.order
    stays = any(item.status in STAYS for item in lines)
    Order.objects.filter(pk=order_id).update(
        **{name: getattr(order, name) for name in order_rows.ORDER_TOLD},
        # Whoever tells it does not know of lines that stay: then the lines say how far it is.
        status=rolled_up_status([item.status for item in lines])
        if stays
        else order_rows.status_of_order(order),
        extra_field=order.extra_field,
        details=order.details,
        fingerprint=draft.mark,
        modified_date=now,
    )


def _move_lines_on(items: Sequence[OrderItem], told: Any, currency: str, now: datetime) -> None:
    # Parts that were set apart carry the same attributes; the offer is the first one's.
    before = offered_minor(items[0].attributes, currency)
    for item in items:
        _move_on(item, told, now)
    publish_offer(items[0].pk, offered_minor(told.attributes, currency), before, now)


def _lines(draft: OrderDraft) -> Iterator[tuple[Any, Any]]:
    return zip(draft.order.items, draft.worth.lines, strict=True)


def _lines_as_told(order_id: int) -> dict[str, list[OrderItem]]:
    """The order's lines by the name they came under; parts that were set apart are with theirs."""
    items = OrderItem.objects.filter(order_id=order_id).order_by("pk")
    found: dict[int, list[OrderItem]] = {}
    for item in items:
        found.setdefault(item.split_from_id or item.pk, []).append(item)
    return {parts[0].remote_id: parts for parts in found.values()}


_fixed = attrgetter(
    "quantity",
    "goods_minor",
    "discount_minor",
    "tax_minor",
    "shipping_minor",
    "fee_minor",
    "interest_minor",
)


def _fixed_part(parts: Sequence[OrderItem]) -> tuple[int, ...]:
    return tuple(map(sum, zip(*map(_fixed, parts), strict=True)))


def _move_on(item: OrderItem, told: Any, now: datetime) -> None:
    """Take over what may change."""
    if item.status == Status.CANCELLATION_WAITING:
        if told.status != item.status:
            item.deferred_status = told.status
    elif item.status not in ENDED:
        item.status = told.status
    OrderItem.objects.filter(pk=item.pk).update(
        **{name: getattr(told, name) for name in order_rows.ITEM_TOLD},
        status=item.status,
        deferred_status=item.deferred_status,
        attributes=told.attributes
        if item.quantity == told.quantity
        else with_quantity(told.attributes, item.quantity),
        extra_field=told.extra_field,
        details=told.details,
        modified_date=now,
    )
