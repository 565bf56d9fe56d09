"""Imports orders: a batch is atomic, and importing an unchanged order again is a no-op."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models, transaction

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
from takeback.core.db.bulk import insert_rows, reserve_ids
from takeback.core.db.change_time import ChangeTime
from takeback.core.ids import ItemId, OrderId
from takeback.orders import order_rows
from takeback.orders.allocation import InconsistentOrder, allocate
from takeback.orders.commands.update_order import update_order
from takeback.orders.locks import lock_orders
from takeback.orders.models import (
    BenefitApplicant,
    DiscountItem,
    LoyaltyTransaction,
    Order,
    OrderItem,
    Snapshot,
    Tender,
)
from takeback.orders.order_input import Document, OrderIn
from takeback.orders.order_rows import OrderDraft, Row
from takeback.orders.trade_in_offers import offered_minor, publish_offer

CREATED, UPDATED, UNCHANGED, REFUSED = "created", "updated", "unchanged", "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result for one order; `reason` is set when it is refused."""

    number: str
    result: str
    order_id: OrderId | None = None
    reason: str | None = None


class Snapshots:
    """The ids of snapshots by content, cached over the batches of one import.

    Snapshots never change and are never deleted, so cached ids stay valid after the commit. Use
    a new cache after a transaction fails.
    """

    MAX_ENTRIES = 50_000

    def __init__(self) -> None:
        self._ids: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._digests: dict[int, str] = {}

    def load(self, orders: Sequence[OrderIn]) -> None:
        """Make sure that every snapshot of these orders has an id."""
        self._digests.clear()
        missing: dict[tuple[str, str], Document] = {}
        for order in orders:
            for kind, document in order_rows.snapshot_documents(order):
                key = (kind, self._digest(document))
                if key not in self._ids:
                    missing[key] = document
        if missing:
            Snapshot.objects.bulk_create(
                (Snapshot(kind=k, digest=d, document=doc) for (k, d), doc in missing.items()),
                ignore_conflicts=True,
            )
            rows = Snapshot.objects.filter(digest__in=[digest for _, digest in missing])
            for kind, digest, snapshot_id in rows.values_list("kind", "digest", "id"):
                self._ids[kind, digest] = snapshot_id

    def id_of(self, kind: str, document: Document | None) -> int | None:
        """The id of a loaded snapshot; None without a document."""
        return None if document is None else self._ids[kind, self._digest(document)]

    def evict(self) -> None:
        """Remove the oldest entries above the maximum."""
        while len(self._ids) > self.MAX_ENTRIES:
            self._ids.popitem(last=False)

    def _digest(self, document: Document) -> str:
        digest = self._digests.get(id(document))
        if digest is None:
            digest = self._digests[id(document)] = order_rows.digest(document)
        return digest


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

    An order that exists and is unchanged stays as it is. A changed one updates its mutable fields
    (status, tracking, invoices); its items and amounts are fixed by the first import.
    """
    drafts, outcomes = _drafts(orders)
    snapshots, policy = snapshots or Snapshots(), shop_policy(channel_id)
    with transaction.atomic():
        # One import per channel at a time: two would add the same customers twice.
        locked = Channel.objects.select_for_update(no_key=True).annotate(changed_at=ChangeTime())
        channel = locked.get(pk=channel_id)
        rows = Order.objects.filter(channel_id=channel_id, number__in=list(drafts))
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
        outcomes |= _update(stored, drafts, policy, now)
        accepted = [draft for number, draft in drafts.items() if outcomes[number].result != REFUSED]
        import_passwords(
            channel_id,
            [draft.order.customer for draft in accepted],
            identifier=conf_of(channel.conf).customer_identifier,
        )
    snapshots.evict()
    return [outcomes[order.number] for order in orders]


def _drafts(orders: Sequence[OrderIn]) -> tuple[dict[str, OrderDraft], dict[str, Outcome]]:
    """The consistent orders by number, and the outcomes of the others."""
    drafts: dict[str, OrderDraft] = {}
    refused: dict[str, Outcome] = {}
    for order in orders:
        try:
            drafts[order.number] = OrderDraft(order, allocate(order), order_rows.fingerprint(order))
        except InconsistentOrder as error:
            refused[order.number] = Outcome(order.number, REFUSED, reason=str(error))
    return {number: draft for number, draft in drafts.items() if number not in refused}, refused


def _update(
    stored: Mapping[str, tuple[OrderId, str]],
    drafts: Mapping[str, OrderDraft],
    policy: ShopPolicy,
    now: datetime,
) -> dict[str, Outcome]:
    """Update the stored orders whose fingerprint has changed; returns the outcomes of all."""
    outcomes = {
        number: Outcome(number, UNCHANGED, order_id) for number, (order_id, _) in stored.items()
    }
    changed = {
        number: order_id
        for number, (order_id, fingerprint) in stored.items()
        if fingerprint != drafts[number].fingerprint
    }
    lock_orders(changed.values())
    for number, order_id in changed.items():
        if update_order(order_id, drafts[number], policy, now=now):
            outcomes[number] = Outcome(number, UPDATED, order_id)
        else:
            reason = "an order's items and amounts cannot change after its first import"
            outcomes[number] = Outcome(number, REFUSED, order_id, reason)
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
    _insert_items(drafts, snapshots, now)
    _insert_discounts(drafts, now)
    _insert_payments(drafts, now)
    rows = [
        order_rows.order_row(draft, snapshots.id_of, channel_id=channel_id, source=source, now=now)
        for draft in drafts
    ]
    for number, row in enumerate(rows):
        # Distinct times let systems follow a large batch in pages.
        row["modified_date"] = changed_at + timedelta(microseconds=number)
    _insert_rows(Order, rows)
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


def _insert_items(drafts: Sequence[OrderDraft], snapshots: Snapshots, now: datetime) -> None:
    rows = [
        order_rows.item_row(
            item, amounts, snapshots.id_of, item_id=item_id, order_id=draft.order_id, now=now
        )
        for draft in drafts
        for item, amounts, item_id in zip(
            draft.order.items, draft.allocation.items, draft.item_ids, strict=True
        )
    ]
    _insert_rows(OrderItem, rows)


def _insert_discounts(drafts: Sequence[OrderDraft], now: datetime) -> None:
    count = sum(len(draft.allocation.discounts) for draft in drafts)
    ids = iter(reserve_ids(DiscountItem, count) if count else ())
    discounts: list[Row] = []
    shares: list[Row] = []
    for draft in drafts:
        amounts = draft.allocation
        for discount, item_shares in zip(amounts.discounts, amounts.shares, strict=True):
            discount_id = next(ids)
            discounts.append(
                {
                    "id": discount_id,
                    "order_id": draft.order_id,
                    "name": discount.name,
                    "amount_minor": discount.amount_minor,
                    "created_date": now,
                }
            )
            shares += (
                {
                    "discount_item_id": discount_id,
                    "order_item_id": item_id,
                    "amount_minor": share,
                    "created_date": now,
                    "modified_date": now,
                }
                for item_id, share in zip(draft.item_ids, item_shares, strict=True)
                if share
            )
    _insert_rows(DiscountItem, discounts)
    _insert_rows(BenefitApplicant, shares)


def _insert_payments(drafts: Sequence[OrderDraft], now: datetime) -> None:
    tenders: list[Row] = [
        {
            "order_id": draft.order_id,
            "kind": tender.kind,
            "reference": tender.reference,
            "amount_minor": tender.amount_minor,
            "captured_minor": tender.captured_minor,
            "reserved_minor": 0,
        }
        for draft in drafts
        for tender in draft.allocation.tenders
    ]
    transactions: list[Row] = [
        {
            "uuid": loyalty.uuid,
            "order_id": draft.order_id,
            "transaction_type": loyalty.transaction_type,
            "amount_minor": loyalty.amount_minor,
            "user_email": draft.order.customer.email,
            "reference": loyalty.reference,
            "created_date": now,
        }
        for draft in drafts
        for loyalty in draft.order.loyalty
    ]
    _insert_rows(Tender, tenders)
    _insert_rows(LoyaltyTransaction, transactions)


def _insert_rows(model: type[models.Model], rows: Sequence[Row]) -> None:
    """Insert rows that have the same columns."""
    if rows:
        insert_rows(model, list(rows[0]), [list(row.values()) for row in rows])
