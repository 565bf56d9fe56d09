"""Answers that join the rows of several rooms."""

from collections import defaultdict
from collections.abc import Sequence
from operator import attrgetter

from msgspec import Raw

from takeback.api.renderer import encode
from takeback.cancellations.queries import by_item, cases_of_orders
from takeback.core.db.compiled_query import fetch_together
from takeback.orders.order_rows import ITEM_SNAPSHOTS
from takeback.orders.queries import ExtraRow, ItemRow, OrderRow, items_of, order_extras
from takeback.storefront import orders_documents, snapshot_cache
from takeback.storefront.document_context import DocumentContext

_snapshot_ids = attrgetter(*(f"{kind}_id" for kind in ITEM_SNAPSHOTS))


def orders(rows: Sequence[OrderRow], view: DocumentContext) -> list[Raw]:
    """Orders with all that hangs on them, encoded: three queries, however many there are.

    Each is encoded before the next is made, so that they take turns in the same memory.
    """
    if not rows:
        return []
    ids = [row.id for row in rows]
    told, asked = fetch_together(
        (items_of, {"order_ids": ids}), (cases_of_orders, {"order_ids": ids})
    )
    items: dict[int, list[ItemRow]] = defaultdict(list)
    named: set[int | None] = {each for row in rows for each in (row.payment_option_id, row.bank_id)}
    for item in told:
        items[item.order_id].append(item)
        named.update(_snapshot_ids(item))
    wanted = {each for each in named if each}
    known = snapshot_cache.known(wanted, view.dialect)
    more, fresh = order_extras(order_ids=ids, snapshot_ids=[*(wanted - known.keys())])
    snapshots = {None: None} | known | snapshot_cache.learn(fresh, view.dialect)
    extras: dict[int, list[ExtraRow]] = defaultdict(list)
    for extra in sorted(more, key=lambda row: row.id):
        extras[extra.order_id].append(extra)
    cases = by_item(asked)
    return [
        Raw(
            encode(
                orders_documents.order(row, items[row.id], cases, extras[row.id], snapshots, view)
            )
        )
        for row in rows
    ]
