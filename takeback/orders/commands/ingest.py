"""Orders coming in: whole or not at all, once however often they are told."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from takeback.accounts.customers import get_or_create_customers
from takeback.accounts.models import Channel
from takeback.addresses.address_input import AddressIn
from takeback.addresses.places import Places
from takeback.addresses.snapshots import snapshot_addresses
from takeback.core.db.bulk import insert_rows, reserve_ids
from takeback.orders import order_rows
from takeback.orders.allocation import DoesNotAddUp, allocate
from takeback.orders.commands.update_order import update_order
from takeback.orders.models import (
    BenefitApplicant,
    DiscountItem,
    LoyaltyTransaction,
    Order,
    OrderItem,
    Snapshot,
    Tender,
)
from takeback.orders.order_input import OrderIn
from takeback.orders.order_rows import OrderDraft
from takeback.orders.trade_in_offers import offered_minor, publish_offer

CREATED, UPDATED, UNCHANGED, REFUSED = "created", "updated", "unchanged", "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one order; `reason` only when it was refused."""

    number: str
    result: str
    order_id: int | None = None
    reason: str | None = None


class Snapshots:
    """Ids of snapshots by content, remembered over many batches of one import.

    Snapshots never change and are never deleted, so what was committed once stays true;
    what a batch adds is remembered only after it was written.
    """

    MOST = 50_000

    def __init__(self) -> None:
        self._ids: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._digests: dict[int, str] = {}

    def learn(self, orders: Sequence[OrderIn]) -> None:
        """Make sure that every snapshot of these orders has an id."""
        self._digests.clear()
        wanted: dict[tuple[str, str], dict[str, Any]] = {}
        for order in orders:
            for kind, document in order_rows.snapshots(order):
                key = (kind, self._digest(document))
                if key not in self._ids:
                    wanted[key] = document
        if wanted:
            Snapshot.objects.bulk_create(
                (Snapshot(kind=k, digest=d, document=doc) for (k, d), doc in wanted.items()),
                ignore_conflicts=True,
            )
            digests = [digest for _, digest in wanted]
            found = Snapshot.objects.filter(digest__in=digests)
            for kind, digest, snapshot_id in found.values_list("kind", "digest", "id"):
                self._ids[kind, digest] = snapshot_id

    def id_of(self, kind: str, document: dict[str, Any] | None) -> int | None:
        """The id of a snapshot that was learnt."""
        return None if document is None else self._ids[kind, self._digest(document)]

    def forget_surplus(self) -> None:
        """Stay small over a long import."""
        while len(self._ids) > self.MOST:
            self._ids.popitem(last=False)

    def _digest(self, document: dict[str, Any]) -> str:
        known = self._digests.get(id(document))
        if known is None:
            known = self._digests[id(document)] = order_rows.digest(document)
        return known


def ingest_order(channel_id: int, order: OrderIn, *, source: str, now: datetime) -> Outcome:
    """Take in one order."""
    return ingest_orders(channel_id, [order], source=source, now=now)[0]


def ingest_orders(
    channel_id: int,
    orders: Sequence[OrderIn],
    *,
    source: str,
    now: datetime,
    snapshots: Snapshots | None = None,
) -> list[Outcome]:
    """Take in a batch, in one transaction; an order that contradicts itself is left out whole.

    An order told again without a change is left alone. A changed one may move on (status,
    parcels, invoices), but what its lines are worth is fixed by its first arrival.
    """
    drafts, refused = _drafts(orders)
    snapshots = snapshots or Snapshots()
    with transaction.atomic():
        # One import per channel at a time: two of them would add the same customers twice.
        Channel.objects.select_for_update(no_key=True).get(pk=channel_id)
        known = {
            number: (order_id, mark)
            for number, order_id, mark in Order.objects.filter(
                channel_id=channel_id, number__in=list(drafts)
            ).values_list("number", "id", "fingerprint")
        }
        fresh = [draft for number, draft in drafts.items() if number not in known]
        _insert(channel_id, fresh, snapshots, source=source, now=now)
        outcomes = refused | {
            draft.order.number: Outcome(draft.order.number, CREATED, draft.order_id)
            for draft in fresh
        }
        _lock([key for number, (key, mark) in known.items() if mark != drafts[number].mark])
        for number, (order_id, mark) in known.items():
            outcomes[number] = _told_again(order_id, mark, drafts[number], now)
    snapshots.forget_surplus()
    return [outcomes[order.number] for order in orders]


def _drafts(orders: Sequence[OrderIn]) -> tuple[dict[str, OrderDraft], dict[str, Outcome]]:
    drafts: dict[str, OrderDraft] = {}
    refused: dict[str, Outcome] = {}
    for order in orders:
        try:
            drafts[order.number] = OrderDraft(order, allocate(order), order_rows.fingerprint(order))
        except DoesNotAddUp as error:
            refused[order.number] = Outcome(order.number, REFUSED, reason=str(error))
    return {number: draft for number, draft in drafts.items() if number not in refused}, refused


def _insert(
    channel_id: int,
    drafts: Sequence[OrderDraft],
    snapshots: Snapshots,
    *,
    source: str,
    now: datetime,
) -> None:
    """Lines first, orders last: the order's row is sealed and its trigger adds the lines up."""
    if not drafts:
        return
    snapshots.learn([draft.order for draft in drafts])
    people = get_or_create_customers(channel_id, [draft.order.customer for draft in drafts])
    for draft, order_id in zip(drafts, reserve_ids(Order, len(drafts)), strict=True):
        draft.order_id = order_id
        draft.user_id = people[draft.order.customer.key()]
    _freeze_addresses(drafts)
    item_ids = _insert_items(drafts, snapshots, now)
    _insert_extras(drafts, iter(item_ids), now)
    insert_rows(
        Order,
        (*order_rows.ORDER_COLUMNS, "channel_id", "source", "created_date", "modified_date"),
        (
            (*order_rows.order_row(draft, snapshots.id_of), channel_id, source, now, now)
            for draft in drafts
        ),
    )
    told = ((draft.order.currency, item) for draft in drafts for item in draft.order.items)
    for item_id, (currency, item) in zip(item_ids, told, strict=True):
        publish_offer(item_id, offered_minor(item.attributes, currency), None, now)


def _insert_items(drafts: Sequence[OrderDraft], snapshots: Snapshots, now: datetime) -> list[int]:
    ids = list(reserve_ids(OrderItem, sum(len(draft.order.items) for draft in drafts)))
    taken = iter(ids)
    insert_rows(
        OrderItem,
        order_rows.ITEM_COLUMNS,
        (
            row
            for draft in drafts
            for row in order_rows.item_rows(
                draft.order,
                draft.worth,
                snapshots.id_of,
                order_id=draft.order_id,
                item_ids=taken,
                now=now,
            )
        ),
    )
    return ids


def _freeze_addresses(drafts: Sequence[OrderDraft]) -> None:
    """Shipping and billing copies; one copy serves both when they are the same."""
    told: list[tuple[int, AddressIn]] = []
    for draft in drafts:
        told += ((draft.user_id, address) for address in _different_addresses(draft.order))
    ids = iter(snapshot_addresses(told, Places()))
    for draft in drafts:
        kept = [next(ids) for _ in _different_addresses(draft.order)]
        draft.shipping_address_id, draft.billing_address_id = kept[0], kept[-1]


def _different_addresses(order: OrderIn) -> list[AddressIn]:
    shipping, billing = order.shipping_address, order.billing_address
    return [shipping] if billing is None or billing == shipping else [shipping, billing]


def _insert_extras(drafts: Sequence[OrderDraft], item_ids: Iterator[int], now: datetime) -> None:
    """Discounts with their shares, payments and points."""
    discount_rows, share_rows, tender_rows, loyalty_rows = [], [], [], []
    count = sum(len(draft.worth.discounts) for draft in drafts)
    discount_ids = iter(reserve_ids(DiscountItem, count) if count else ())
    for draft in drafts:
        lines = [next(item_ids) for _ in draft.order.items]
        for discount, shares in zip(draft.worth.discounts, draft.worth.shares, strict=True):
            number = next(discount_ids)
            discount_rows.append(
                (number, draft.order_id, discount.name, discount.amount_minor, now)
            )
            share_rows += [
                (number, line, share, now, now)
                for line, share in zip(lines, shares, strict=True)
                if share
            ]
        tender_rows += [
            (draft.order_id, t.kind, t.reference, t.amount_minor, t.captured_minor, 0)
            for t in draft.worth.tenders
        ]
        email = draft.order.customer.email
        loyalty_rows += [
            (p.uuid, draft.order_id, p.transaction_type, p.amount_minor, email, p.reference, now)
            for p in draft.order.loyalty
        ]
    for model, columns, found in (
        (DiscountItem, _DISCOUNT_COLUMNS, discount_rows),
        (BenefitApplicant, _SHARE_COLUMNS, share_rows),
        (Tender, _TENDER_COLUMNS, tender_rows),
        (LoyaltyTransaction, _LOYALTY_COLUMNS, loyalty_rows),
    ):
        if found:
            insert_rows(model, columns, found)


_DISCOUNT_COLUMNS = ("id", "order_id", "name", "amount_minor", "created_date")
_SHARE_COLUMNS = (
    "discount_item_id",
    "order_item_id",
    "amount_minor",
    "created_date",
    "modified_date",
)
_TENDER_COLUMNS = (
    "order_id",
    "kind",
    "reference",
    "amount_minor",
    "captured_minor",
    "reserved_minor",
)
_LOYALTY_COLUMNS = (
    "uuid",
    "order_id",
    "transaction_type",
    "amount_minor",
    "user_email",
    "reference",
    "created_date",
)


def _lock(order_ids: Sequence[int]) -> None:
    """Nobody decides on a case of these orders while they change (`queries.lock_orders_of`)."""
    found = Order.objects.filter(pk__in=order_ids).order_by("pk")
    list(found.select_for_update(no_key=True).values_list("pk"))


def _told_again(order_id: int, mark: str, draft: OrderDraft, now: datetime) -> Outcome:
    """An order that we know: unchanged, moved on, or contradicting what it was worth."""
    number = draft.order.number
    if mark == draft.mark:
        return Outcome(number, UNCHANGED, order_id)
    if update_order(order_id, draft, now=now):
        return Outcome(number, UPDATED, order_id)
    reason = "an order's lines and amounts are fixed once it has arrived"
    return Outcome(number, REFUSED, order_id, reason)
