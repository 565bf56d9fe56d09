"""Checks that the amounts of orders still add up, in case triggers were bypassed."""

from collections.abc import Iterator

from django.db import connection

from takeback.orders.models import Order
from takeback.orders.triggers import SUMS_DIFFER

RANGE_SIZE = 5_000
_UNEQUAL = f"""
SELECT o.number FROM orders_order o
 WHERE o.id BETWEEN %s AND %s AND o.is_finalized AND ({SUMS_DIFFER.format(new="o")})
 ORDER BY o.id
"""  # noqa: S608 - our own text, no input


def unbalanced_orders(first_id: int, last_id: int) -> list[str]:
    """The numbers of finalized orders in this range of ids whose parts do not add up."""
    with connection.cursor() as cursor:
        cursor.execute(_UNEQUAL, [first_id, last_id])
        return [str(number) for (number,) in cursor.fetchall()]


def id_ranges(newest: int | None = None) -> Iterator[tuple[int, int]]:
    """Ranges of ids, a few thousand each, that cover the `newest` orders, or all."""
    ids = Order.objects.order_by("-id").values_list("id", flat=True)
    last = ids.first()
    if last is None:
        return
    first = ids.last() if newest is None else list(ids[:newest])[-1]
    assert first is not None
    for start in range(first, last + 1, RANGE_SIZE):
        yield start, min(start + RANGE_SIZE - 1, last)
