"""Refunds that other systems made: money of an order and units of an item.

Both are totals that never fall and exclude our refunds, so an old or repeated report changes
nothing. These functions are pure; amounts are minor units of the order's currency.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol


class OwnRefunds(Protocol):
    """What our refunds have taken from a payment, and have reserved of it."""

    @property
    def refunded_minor(self) -> int: ...
    @property
    def reserved_minor(self) -> int: ...


def own_total(payments: Iterable[OwnRefunds]) -> int:
    """Our refunds that the shop's total may contain: a provider shows them before we know."""
    return sum(payment.refunded_minor + payment.reserved_minor for payment in payments)


def elsewhere_total(stored: int, *, stated: int | None, shop_total: int | None, ours: int) -> int:
    """The money that other systems refunded, after a report.

    `stated` excludes our refunds. `shop_total` is the shop's total of all refunds: only its
    excess over `ours` (`own_total`) counts, so that our refund in the shop's feed is not deducted
    twice. Refunds that were found at a provider are a part of this total, and are not deducted
    again (`cancellations.plans.order_money`). None: the report does not have the amount.
    """
    excess = 0 if shop_total is None else shop_total - ours
    return max(stored, stated or 0, excess)


def fields_above_charge(
    *, stated: int | None, shop_total: int | None, ours: int, charged: int
) -> dict[str, int]:
    """The fields of a report that exceed the charge, with the largest amounts that they allow."""
    limits = {
        "refunded_elsewhere_amount": (stated, max(0, charged - ours)),
        "refund_amount": (shop_total, charged),
    }
    return {
        field: most
        for field, (amount, most) in limits.items()
        if amount is not None and amount > most
    }


def elsewhere_units(stored: int, stated: int | None) -> int:
    """The units that other systems refunded, after a report; None: it does not have them."""
    return max(stored, stated or 0)


def units_left(quantity: int, closed: int, elsewhere: int) -> int:
    """The units of an item that can still be cancelled or returned.

    Never negative: another system may have refunded units that we have closed as well.
    """
    left = quantity - closed - elsewhere
    return max(0, left)


class Units(NamedTuple):
    """The units of an item or of a part that was split from it."""

    quantity: int
    closed: int
    elsewhere: int


def spread_units(parts: Sequence[Units], total: int) -> list[int]:
    """The units that other systems refunded, for each part, after a report of their total.

    Other systems do not know the parts of an item. Units are added to the parts in their order,
    as far as each has units left. The total never falls, and units beyond those left are dropped.
    """
    missing = total - sum(part.elsewhere for part in parts)
    result = []
    for part in parts:
        added = max(0, min(missing, units_left(*part)))
        missing -= added
        result.append(part.elsewhere + added)
    return result
