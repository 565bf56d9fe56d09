"""Which earlier lines a cancellation undoes, decided from values alone."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from takeback.importer.rows import Reversal


@dataclass(slots=True)
class SoldLine:
    """A line of an earlier order, and how many of its units are left."""

    item_id: int
    user_id: int
    sku: str
    currency: str
    placed_at: datetime
    quantity: int
    left: int
    worth: int


class SoldLines:
    """Lines by customer, product and currency; matching uses their units up."""

    def __init__(self, lines: Iterable[SoldLine]) -> None:
        self._lines: dict[tuple[int, str, str], list[SoldLine]] = defaultdict(list)
        for line in lines:
            self._lines[line.user_id, line.sku, line.currency].append(line)

    def take(self, user_id: int | None, reversal: Reversal) -> list[tuple[int, int]]:
        """Item ids with the units that the cancellation takes, perhaps fewer than it says.

        Lines of the same unit price come first, then the newest; never one that was bought
        after the cancellation, and never more units than are left.
        """
        if user_id is None:
            return []
        lines = self._lines.get((user_id, reversal.sku, reversal.currency), ())
        earlier = [line for line in lines if line.left and line.placed_at <= reversal.at]
        earlier.sort(key=lambda line: (line.placed_at, line.item_id), reverse=True)
        earlier.sort(key=lambda line: not is_same_price(line, reversal))
        taken, missing = [], reversal.units
        for line in earlier:
            units = min(missing, line.left)
            if units:
                line.left -= units
                missing -= units
                taken.append((line.item_id, units))
        return taken


def is_same_price(line: SoldLine, reversal: Reversal) -> bool:
    """Whether both can have the same price per unit, each amount being rounded."""
    difference = abs(line.worth * reversal.units - reversal.worth * line.quantity)
    return 2 * difference <= line.quantity + reversal.units
