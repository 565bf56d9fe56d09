"""Updates orders that are received again, by the one merge rule."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from takeback.accounts.policy import ShopPolicy
from takeback.addresses.address_book import snapshot_addresses
from takeback.addresses.places import PlaceCache
from takeback.core.db.bulk import reserve_ids
from takeback.core.db.change_time import ChangeTime
from takeback.core.errors import Problem
from takeback.core.ids import ItemId, OrderId
from takeback.orders.addition import Addition
from takeback.orders.commands.insert_parts import insert_parts
from takeback.orders.commands.record_payments import write_payments
from takeback.orders.commands.split_item import with_quantity
from takeback.orders.commands.store_snapshots import Snapshots
from takeback.orders.merge import Changes, Refusal, StoredItem, StoredOrder, match_items, merge
from takeback.orders.models import LoyaltyTransaction, Order, OrderItem
from takeback.orders.order_input import OrderIn
from takeback.orders.order_rows import IMPORT, OrderDraft
from takeback.orders.stored_orders import stored_orders
from takeback.orders.trade_in_offers import offered_minor, publish_offer, with_decision


class ReceivedOrder(NamedTuple):
    """An order that is stored already, and the fingerprint of what was received now."""

    order: OrderIn
    fingerprint: str


@dataclass(frozen=True, slots=True)
class UpdateResult:
    """Whether an order has changed; the paths of skipped fields, or of refused ones."""

    is_changed: bool = False
    skipped: tuple[str, ...] = ()
    refused: Mapping[str, Problem] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Context:
    """What the updates of a batch share."""

    source: str
    snapshots: Snapshots
    policy: ShopPolicy
    now: datetime


def update_orders(
    received: Mapping[OrderId, ReceivedOrder],
    *,
    source: str,
    snapshots: Snapshots,
    policy: ShopPolicy,
    now: datetime,
) -> dict[OrderId, UpdateResult]:
    """Merge the received orders into the stored ones; the caller holds their locks."""
    if not received:
        return {}
    stored = stored_orders(received)
    context = _Context(source, snapshots, policy, now)
    return {
        order_id: _update(stored[order_id], order, context) for order_id, order in received.items()
    }


def _update(stored: StoredOrder, received: ReceivedOrder, context: _Context) -> UpdateResult:
    by_sku = context.source == IMPORT
    changes = merge(stored, received.order, by_sku=by_sku, now=context.now)
    if isinstance(changes, Refusal):
        return UpdateResult(refused=changes.fields)
    matches = match_items(stored.items, received.order.items, by_sku=by_sku)
    is_changed = _update_items(stored, changes, context)
    if changes.addition or changes.payments.amounts_change:
        _update_amounts(stored, changes, matches, context)
    else:
        write_payments(stored.id, stored.currency, changes.payments)
    _insert_loyalty(stored, received.order, changes)
    is_changed |= bool(
        changes.order
        or changes.addition
        or changes.payments
        or changes.loyalty
        or changes.addresses
    )
    _update_row(stored, received, changes, is_changed=is_changed)
    return UpdateResult(is_changed, tuple(changes.skipped))


def _update_items(stored: StoredOrder, changes: Changes, context: _Context) -> bool:
    """Write the changed rows; returns whether there are any."""
    is_changed = False
    for item in stored.items:
        for part in item.parts:
            values = changes.parts.get(part.id, {})
            if "attributes" in values:
                values = _with_own_attributes(stored, item, part.id, values, context)
            if values:
                is_changed = True
                rows = OrderItem.objects.filter(pk=part.id)
                rows.update(**values, modified_date=context.now)
    return is_changed


def _with_own_attributes(
    stored: StoredOrder, item: StoredItem, part_id: int, values: dict[str, Any], context: _Context
) -> dict[str, Any]:
    """The values with attributes that keep a trade-in decision and the row's own quantity.

    Publishes a new offer. Parts repeat the attributes of the original item: only that one has
    an offer.
    """
    policy = context.policy
    part = next(part for part in item.parts if part.id == part_id)
    before, received = part.values["attributes"], values["attributes"]
    attributes = with_decision(received, before, policy.trade_in_key)
    if len(item.parts) > 1:
        attributes = with_quantity(attributes, part.totals.quantity, policy.item_quantity_key)
    if part is item.parts[0]:
        publish_offer(
            ItemId(part.id),
            offered_minor(received, stored.currency, policy.trade_in_key),
            offered_minor(before, stored.currency, policy.trade_in_key),
            context.now,
        )
    if attributes == before:
        return {name: value for name, value in values.items() if name != "attributes"}
    return values | {"attributes": attributes}


def _update_amounts(
    stored: StoredOrder,
    changes: Changes,
    matches: list[StoredItem | None],
    context: _Context,
) -> None:
    """Write the addition and the payments; the database verifies the new sums of the order."""
    orders = Order.objects.filter(pk=stored.id)
    orders.update(is_finalized=False)
    sums: dict[str, int] = {}
    if changes.addition:
        _insert_addition(stored, changes.addition, matches, context)
        sums = _sums_with(stored, changes.addition)
    write_payments(stored.id, stored.currency, changes.payments)
    orders.update(**sums, is_finalized=True)


def _insert_addition(
    stored: StoredOrder,
    addition: Addition,
    matches: list[StoredItem | None],
    context: _Context,
) -> None:
    """Insert the added rows; added units become a part of their item."""
    origins = [matches[position] for position in addition.positions]
    draft = OrderDraft(_with_free_ids(stored, addition.order, origins), addition.allocation, "")
    draft.order_id = OrderId(stored.id)
    draft.item_ids = [ItemId(pk) for pk in reserve_ids(OrderItem, len(origins))]
    context.snapshots.load([draft.order])
    insert_parts([draft], context.snapshots.id_of, source=context.source, now=context.now)
    key = context.policy.item_quantity_key
    for item_id, item, origin in zip(draft.item_ids, draft.order.items, origins, strict=True):
        if origin:
            OrderItem.objects.filter(pk=item_id).update(
                split_from_id=origin.parts[0].id,
                attributes=with_quantity(item.attributes, item.quantity, key),
            )


def _sums_with(stored: StoredOrder, addition: Addition) -> dict[str, int]:
    """The sums of the order with those of the addition, by column."""
    amounts, totals = addition.allocation, stored.totals
    return {
        "goods_minor": sum(item.totals.goods for item in stored.items) + amounts.goods,
        "discount_minor": totals.discount + amounts.discount,
        "shipping_minor": totals.shipping + (addition.order.shipping_minor or 0),
        "fee_minor": totals.fee + (addition.order.fee_minor or 0),
        "interest_minor": totals.interest + amounts.interest,
        "amount_minor": totals.amount + amounts.amount,
    }


def _with_free_ids(
    stored: StoredOrder, order: OrderIn, origins: list[StoredItem | None]
) -> OrderIn:
    """The added items under remote ids that the stored order does not use."""
    used = {row.values["remote_id"] for item in stored.items for row in item.parts}
    order = copy(order)
    order.items = [copy(item) for item in order.items]
    for item, origin in zip(order.items, origins, strict=True):
        base, number = (origin.remote_id, 1) if origin else (item.remote_id, 2)
        name = f"{base}/1" if origin else base
        while name in used:
            number += 1
            name = f"{base}/{number}" if origin else f"{base}-{number}"
        item.remote_id = name
        used.add(name)
    return order


def _insert_loyalty(stored: StoredOrder, order: OrderIn, changes: Changes) -> None:
    LoyaltyTransaction.objects.bulk_create(
        LoyaltyTransaction(
            uuid=row.uuid,
            order_id=stored.id,
            transaction_type=row.transaction_type,
            amount_minor=row.amount_minor,
            user_email=order.customer.email,
            reference=row.reference,
        )
        for row in changes.loyalty
    )


def _update_row(
    stored: StoredOrder, received: ReceivedOrder, changes: Changes, *, is_changed: bool
) -> None:
    """Write the order's own values.

    A fingerprint says that receiving the same again has no effect and skips nothing.
    """
    values = dict(changes.order)
    for column, address in changes.addresses.items():
        user_id = stored.values["user_id"]
        (address_id,) = snapshot_addresses([(user_id, address)], PlaceCache())
        values[f"{column}_id"] = address_id
    values["fingerprint"] = "" if changes.skipped else received.fingerprint
    if is_changed:
        values["modified_date"] = ChangeTime()
    Order.objects.filter(pk=stored.id).update(**values)
