"""The units of an item that a new cancellation or return can still name."""

from typing import Protocol

from takeback.orders.statuses import ENDED


class ItemUnits(Protocol):
    """The status and the units of an item."""

    @property
    def status(self) -> int: ...
    @property
    def quantity(self) -> int: ...
    @property
    def units_closed(self) -> int: ...
    @property
    def refunded_elsewhere_quantity(self) -> int: ...


def units_left(item: ItemUnits, in_live_cases: int = 0) -> int:
    """The units that are not cancelled, returned or refunded elsewhere, and in no live case.

    `in_live_cases` is the number of units that live cases name. An item that has ended has no
    units left.
    """
    if item.status in ENDED:
        return 0
    gone = item.units_closed + item.refunded_elsewhere_quantity + in_live_cases
    return max(0, item.quantity - gone)
