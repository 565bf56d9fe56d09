"""Imports orders: a batch is atomic, and importing an unchanged order again is a no-op."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction

from takeback.accounts.channel_conf import conf_of
from takeback.accounts.customers import (
    create_customers_of_one_order,
    get_or_create_customers,
    import_passwords,
)
from takeback.accounts.models import Channel
from takeback.accounts.policy import ShopPolicy, shop_policy
from takeback.addresses.address_book import snapshot_addresses
from takeback.addresses.address_input import AddressIn
from takeback.addresses.places import PlaceCache
from takeback.core.db.bulk import reserve_ids
from takeback.core.db.change_time import ChangeTime
from takeback.core.errors import Problem
from takeback.core.ids import ItemId, OrderId
from takeback.orders import order_rows
from takeback.orders.allocation import InconsistentOrder, allocate
from takeback.orders.commands.insert_parts import insert_parts, insert_rows_of
from takeback.orders.commands.store_snapshots import Snapshots
from takeback.orders.commands.update_order import ReceivedOrder, update_orders
from takeback.orders.locks import lock_orders
from takeback.orders.merge import refused_in_new_order
from takeback.orders.models import Order, OrderItem
from takeback.orders.order_input import OrderIn
from takeback.orders.order_rows import OrderDraft
from takeback.orders.trade_in_offers import offered_minor, publish_offer

CREATED, UPDATED, UNCHANGED, REFUSED = "created", "updated", "unchanged", "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result for one order.

    When it is refused, `refused` holds the problems by the paths of their fields, or `reason`
    says why its amounts contradict each other. `skipped` are the paths of received fields that
    changed nothing, because what is stored is newer or stays as it was.
    """

    number: str
    result: str
    order_id: OrderId | None = None
    reason: str | None = None
    refused: Mapping[str, Problem] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()


def ingest_order(channel_id: int, order: OrderIn, *, source: str, now: datetime) -> Outcome:
    return ingest_orders(channel_id, [order], source=source, now=now)[0]


def ingest_orders(
    channel_id: int,
    orders: Sequence[OrderIn],
    *,
    source: str,
    now: datetime,
    snapshots: Snapshots | None = None,
) -> list[Outcome]:
    """Import a batch in one transaction; an inconsistent order is refused, the others are written.

    An order that is stored already is merged with the received one (`merge`).
    """
    drafts, outcomes = _drafts(orders, now)
    snapshots, policy = snapshots or Snapshots(), shop_policy(channel_id)
    with transaction.atomic():
        # One import per channel at a time: two would add the same customers twice.
        locked = Channel.objects.select_for_update(no_key=True).annotate(changed_at=ChangeTime())
        channel = locked.get(pk=channel_id)
        rows = Order.objects.filter(
            channel_id=channel_id, number__in=[order.number for order in orders]
        )
        stored = {
            number: (OrderId(order_id), fingerprint)
            for number, order_id, fingerprint in rows.values_list("number", "id", "fingerprint")
        }
        new = [draft for number, draft in drafts.items() if number not in stored]
        _assign_customers(channel, new)
        times = (now, channel.changed_at)
        _insert(channel_id, new, snapshots, policy, source=source, times=times)
        for draft in new:
            outcomes[draft.order.number] = Outcome(draft.order.number, CREATED, draft.order_id)
        received = [order for order in orders if order.number in stored]
        outcomes |= _update(stored, received, snapshots, policy, source=source, now=now)
        import_passwords(
            channel_id,
            [order.customer for order in orders if outcomes[order.number].result != REFUSED],
            identifier=conf_of(channel.conf).customer_identifier,
        )
    snapshots.evict()
    return [outcomes[order.number] for order in orders]


def _drafts(
    orders: Sequence[OrderIn], now: datetime
) -> tuple[dict[str, OrderDraft], dict[str, Outcome]]:
    """The orders that can be added, by number, and the outcomes of the others."""
    drafts: dict[str, OrderDraft] = {}
    refused: dict[str, Outcome] = {}
    for order in orders:
        number = order.number
        if problems := refused_in_new_order(order, now):
            refused[number] = Outcome(number, REFUSED, refused=problems)
            continue
        try:
            drafts[number] = OrderDraft(order, allocate(order), order_rows.fingerprint(order))
        except InconsistentOrder as error:
            refused[number] = _contradiction(number, error)
    return drafts, refused


def _contradiction(number: str, error: InconsistentOrder) -> Outcome:
    """The refusal of amounts that contradict each other, by its field if it concerns one."""
    if error.problem is not None and error.problem.field:
        return Outcome(number, REFUSED, refused={error.problem.field: error.problem})
    return Outcome(number, REFUSED, reason=str(error))


def _update(
    stored: Mapping[str, tuple[OrderId, str]],
    received: Sequence[OrderIn],
    snapshots: Snapshots,
    policy: ShopPolicy,
    *,
    source: str,
    now: datetime,
) -> dict[str, Outcome]:
    """Merge the received orders whose fingerprint has changed; returns the outcomes of all."""
    outcomes = {
        order.number: Outcome(order.number, UNCHANGED, stored[order.number][0])
        for order in received
    }
    changed: dict[OrderId, ReceivedOrder] = {}
    for order in received:
        order_id, fingerprint = stored[order.number]
        if fingerprint != (own := order_rows.fingerprint(order)):
            changed[order_id] = ReceivedOrder(order, own)
    lock_orders(changed)
    results = update_orders(changed, source=source, snapshots=snapshots, policy=policy, now=now)
    for order_id, result in results.items():
        number = changed[order_id].order.number
        done = UPDATED if result.is_changed else UNCHANGED
        outcomes[number] = Outcome(
            number,
            REFUSED if result.refused else done,
            order_id,
            refused=result.refused,
            skipped=result.skipped,
        )
    return outcomes


def _insert(
    channel_id: int,
    drafts: Sequence[OrderDraft],
    snapshots: Snapshots,
    policy: ShopPolicy,
    *,
    source: str,
    times: tuple[datetime, datetime],
) -> None:
    """Insert the parts first: the row of a finalized order makes a trigger add them up.

    `times` are the time of arrival and the time of the change.
    """
    now, changed_at = times
    if not drafts:
        return
    snapshots.load([draft.order for draft in drafts])
    _assign_ids(drafts)
    _snapshot_addresses(drafts)
    insert_parts(drafts, snapshots.id_of, source=source, now=now)
    rows = [
        order_rows.order_row(
            draft, snapshots.id_of, policy, channel_id=channel_id, source=source, now=now
        )
        for draft in drafts
    ]
    for number, row in enumerate(rows):
        # Distinct times let systems follow a large batch in pages.
        row["modified_date"] = changed_at + timedelta(microseconds=number)
    insert_rows_of(Order, rows)
    for draft in drafts:
        for item_id, item in zip(draft.item_ids, draft.order.items, strict=True):
            offered = offered_minor(item.attributes, draft.order.currency, policy.trade_in_key)
            publish_offer(item_id, offered, None, now)


def _assign_customers(channel: Channel, drafts: Sequence[OrderDraft]) -> None:
    """Find the customers by what identifies them in this channel, or create them."""
    if not drafts:
        return
    identifier = conf_of(channel.conf).customer_identifier
    unknown = [draft for draft in drafts if draft.order.customer.is_of_one_order]
    known = [draft for draft in drafts if not draft.order.customer.is_of_one_order]
    customers = [draft.order.customer for draft in known]
    customer_ids = get_or_create_customers(channel.pk, customers, identifier=identifier)
    for draft in known:
        draft.user_id = customer_ids[draft.order.customer.key(identifier)]
    guests = [draft.order.customer for draft in unknown]
    new_ids = create_customers_of_one_order(channel.pk, guests)
    for draft, user_id in zip(unknown, new_ids, strict=True):
        draft.user_id = user_id


def _assign_ids(drafts: Sequence[OrderDraft]) -> None:
    order_ids = iter(reserve_ids(Order, len(drafts)))
    item_ids = iter(reserve_ids(OrderItem, sum(len(draft.order.items) for draft in drafts)))
    for draft in drafts:
        draft.order_id = OrderId(next(order_ids))
        draft.item_ids = [ItemId(next(item_ids)) for _ in draft.order.items]


def _snapshot_addresses(drafts: Sequence[OrderDraft]) -> None:
    """Copy the shipping and billing addresses; equal ones share a copy."""
    addresses: list[tuple[int, AddressIn]] = []
    for draft in drafts:
        addresses += ((draft.user_id, address) for address in _distinct_addresses(draft.order))
    ids = iter(snapshot_addresses(addresses, PlaceCache()))
    for draft in drafts:
        copies = [next(ids) for _ in _distinct_addresses(draft.order)]
        draft.shipping_address_id, draft.billing_address_id = copies[0], copies[-1]


def _distinct_addresses(order: OrderIn) -> list[AddressIn]:
    shipping, billing = order.shipping_address, order.billing_address
    return [shipping] if billing is None or billing == shipping else [shipping, billing]
