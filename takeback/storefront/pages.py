"""Answers that join the rows of several rooms."""

from collections import defaultdict
from collections.abc import Sequence

from takeback.cancellations.queries import cases_of_orders
from takeback.orders.queries import ExtraRow, ItemRow, OrderRow, extras_of, items_of
from takeback.storefront import order_documents, shapes
from takeback.storefront.view import View


def orders(rows: Sequence[OrderRow], view: View) -> list[shapes.Order]:
    """Orders with all that hangs on them: three queries, however many there are."""
    if not rows:
        return []
    ids = [row.id for row in rows]
    items: dict[int, list[ItemRow]] = defaultdict(list)
    for item in items_of(order_ids=ids):
        items[item.order_id].append(item)
    extras: dict[int, list[ExtraRow]] = defaultdict(list)
    for extra in sorted(extras_of(order_ids=ids), key=lambda row: row.id):
        extras[extra.order_id].append(extra)
    cases = cases_of_orders(ids)
    return [order_documents.order(row, items[row.id], cases, extras[row.id], view) for row in rows]
