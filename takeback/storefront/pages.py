"""Answers that join the rows of several rooms."""

from collections import defaultdict
from collections.abc import Sequence
from operator import attrgetter

from msgspec import Raw

from takeback.cancellations.queries import by_item, requests_of_orders
from takeback.core.compiled import together
from takeback.core.http import encode
from takeback.orders.queries import ExtraRow, ItemRow, OrderRow, beside, items_of
from takeback.orders.rows import ITEM_SNAPSHOTS
from takeback.storefront import order_documents, snapshot_documents
from takeback.storefront.view import View

_snapshot_ids = attrgetter(*(f"{kind}_id" for kind in ITEM_SNAPSHOTS))


def orders(rows: Sequence[OrderRow], view: View) -> list[Raw]:
    """Orders with all that hangs on them, encoded: three queries, however many there are.

    Each is encoded before the next is made, so that they take turns in the same memory.
    """
    if not rows:
        return []
    ids = [row.id for row in rows]
    told, asked = together((items_of, {"order_ids": ids}), (requests_of_orders, {"order_ids": ids}))
    items: dict[int, list[ItemRow]] = defaultdict(list)
    named: set[int | None] = {each for row in rows for each in (row.payment_option_id, row.bank_id)}
    for item in told:
        items[item.order_id].append(item)
        named.update(_snapshot_ids(item))
    wanted = {each for each in named if each}
    known = snapshot_documents.known(wanted, view.dialect)
    more, fresh = beside(order_ids=ids, snapshot_ids=[*(wanted - known.keys())])
    snapshots = {None: None} | known | snapshot_documents.learn(fresh, view.dialect)
    extras: dict[int, list[ExtraRow]] = defaultdict(list)
    for extra in sorted(more, key=lambda row: row.id):
        extras[extra.order_id].append(extra)
    cases = by_item(asked)
    return [
        Raw(
            encode(
                order_documents.order(row, items[row.id], cases, extras[row.id], snapshots, view)
            )
        )
        for row in rows
    ]
