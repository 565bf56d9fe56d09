"""Refunds that other systems made: money of an order and units of an item.

Both are totals that never fall and exclude our refunds, so an old or repeated report changes
nothing. These functions are pure; amounts are minor units of the order's currency.
"""


def elsewhere_total(stored: int, *, stated: int | None, shop_total: int | None, ours: int) -> int:
    """The money that other systems refunded, after a report.

    `stated` excludes our refunds. `shop_total` is the shop's total of all refunds: only its
    excess over `ours` counts, so that our refund in the shop's feed is not deducted twice. None:
    the report does not have the amount.
    """
    excess = 0 if shop_total is None else shop_total - ours
    return max(stored, stated or 0, excess)


def elsewhere_units(stored: int, stated: int | None) -> int:
    """The units that other systems refunded, after a report; None: it does not have them."""
    return max(stored, stated or 0)
