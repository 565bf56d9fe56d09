"""Matches cancellations with the earlier items of the same customer."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from takeback.importer.rows import Reversal


@dataclass(slots=True)
class SoldItem:
    """An item of an earlier order, and the number of its units that are left."""

    item_id: int
    user_id: int
    sku: str
    currency: str
    placed_at: datetime
    quantity: int
    left: int
    amount_minor: int


class SoldItems:
    """Items by customer, SKU and currency; matching takes their units."""

    def __init__(self, items: Iterable[SoldItem]) -> None:
        self._items: dict[tuple[int, str, str], list[SoldItem]] = defaultdict(list)
        for item in items:
            self._items[item.user_id, item.sku, item.currency].append(item)

    def take(self, user_id: int | None, reversal: Reversal) -> list[tuple[int, int]]:
        """Item ids with the units that the cancellation takes; fewer than it asks for if need be.

        Items of the same unit price come first, then the newest. An item that was bought after
        the cancellation is never taken, nor more units of an item than it has left.
        """
        if user_id is None:
            return []
        items = self._items.get((user_id, reversal.sku, reversal.currency), ())
        earlier = [item for item in items if item.left and item.placed_at <= reversal.at]
        earlier.sort(key=lambda item: (item.placed_at, item.item_id), reverse=True)
        earlier.sort(key=lambda item: not has_same_price(item, reversal))
        taken, missing = [], reversal.units
        for item in earlier:
            units = min(missing, item.left)
            if units:
                item.left -= units
                missing -= units
                taken.append((item.item_id, units))
        return taken


def has_same_price(item: SoldItem, reversal: Reversal) -> bool:
    """Whether both can have the same price per unit: each amount is rounded."""
    difference = abs(item.amount_minor * reversal.units - reversal.amount_minor * item.quantity)
    return 2 * difference <= item.quantity + reversal.units
