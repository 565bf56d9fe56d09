"""Updates an order that is imported again: its mutable fields change, its amounts do not."""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter

from takeback.accounts.policy import ShopPolicy
from takeback.core.db.change_time import ChangeTime
from takeback.core.ids import ItemId, OrderId
from takeback.orders import order_rows
from takeback.orders.allocation import AMOUNT_COLUMNS
from takeback.orders.commands.split_item import with_quantity
from takeback.orders.models import Order, OrderItem
from takeback.orders.order_input import ItemIn
from takeback.orders.order_rows import OrderDraft
from takeback.orders.statuses import SET_BY_CASES, Status, rolled_up_status
from takeback.orders.trade_in_offers import offered_minor, publish_offer, with_decision

_quantity_and_amounts = attrgetter("quantity", *AMOUNT_COLUMNS)


def update_order(
    order_id: OrderId, draft: OrderDraft, policy: ShopPolicy, *, now: datetime
) -> bool:
    """Update the mutable fields; returns False if items or amounts differ from the stored ones.

    The caller holds the order's lock.
    """
    order = draft.order
    parts_by_remote_id = _parts_by_remote_id(order_id)
    stored = {remote_id: _totals(parts) for remote_id, parts in parts_by_remote_id.items()}
    received = {
        item.remote_id: (item.quantity, *amounts)
        for item, amounts in zip(order.items, draft.allocation.items, strict=True)
    }
    if stored != received:
        return False
    items = {item.remote_id: item for item in order.items}
    for remote_id, parts in parts_by_remote_id.items():
        _update_item(parts, items[remote_id], order.currency, policy, now)
    # Cases that hold an item are unknown to the sender: then the items decide on the status.
    statuses = [part.status for parts in parts_by_remote_id.values() for part in parts]
    has_case = not SET_BY_CASES.isdisjoint(statuses)
    Order.objects.filter(pk=order_id).update(
        **order_rows.mutable_order_values(order),
        status=rolled_up_status(statuses) if has_case else order_rows.status_of_order(order),
        extra_field=order.extra_field,
        details=order.details,
        fingerprint=draft.fingerprint,
        modified_date=ChangeTime(),
    )
    return True


def _parts_by_remote_id(order_id: OrderId) -> dict[str, list[OrderItem]]:
    """The order's items by their original remote ids, each with the parts split from it."""
    parts: dict[int, list[OrderItem]] = {}
    for item in OrderItem.objects.filter(order_id=order_id).order_by("pk"):
        parts.setdefault(item.split_from_id or item.pk, []).append(item)
    return {group[0].remote_id: group for group in parts.values()}


def _totals(parts: Sequence[OrderItem]) -> tuple[int, ...]:
    """The quantity and the amounts of an item and its parts together."""
    return tuple(map(sum, zip(*map(_quantity_and_amounts, parts), strict=True)))


def _update_item(
    parts: Sequence[OrderItem], item: ItemIn, currency: str, policy: ShopPolicy, now: datetime
) -> None:
    before = offered_minor(parts[0].attributes, currency, policy.trade_in_key)
    for part in parts:
        if part.status == Status.CANCELLATION_WAITING and item.status != part.status:
            part.deferred_status = item.status
        if part.status not in SET_BY_CASES:
            part.status = item.status
        attributes = with_decision(item.attributes, part.attributes, policy.trade_in_key)
        if part.quantity != item.quantity:
            attributes = with_quantity(attributes, part.quantity, policy.item_quantity_key)
        OrderItem.objects.filter(pk=part.pk).update(
            **order_rows.mutable_item_values(item),
            status=part.status,
            deferred_status=part.deferred_status,
            attributes=attributes,
            extra_field=item.extra_field,
            details=item.details,
            modified_date=now,
        )
    # Parts repeat the attributes of the original item: only that one has an offer.
    offered = offered_minor(item.attributes, currency, policy.trade_in_key)
    publish_offer(ItemId(parts[0].pk), offered, before, now)
