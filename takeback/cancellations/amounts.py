"""What goes back for the units that a case asks for."""

from typing import NamedTuple

from takeback.cancellations.models import CancellationRequest
from takeback.core.money import units_worth


class RefundableAmounts(NamedTuple):
    """Shares of a line's amounts, in minor units."""

    goods: int
    """Less their discounts, and with their part of the interest."""
    discount: int
    shipping: int


def refundable_amounts(case: CancellationRequest) -> RefundableAmounts:
    """The shares of the units after those that were gone before.

    Of a case that has ended, its own units are among those that are gone.
    """
    line = case.order_item
    used = max(0, min(line.units_closed, line.quantity - case.quantity))
    goods, discount, interest, shipping = (
        units_worth(total, line.quantity, used, case.quantity)
        for total in (
            line.goods_minor,
            line.discount_minor,
            line.interest_minor,
            line.shipping_minor,
        )
    )
    return RefundableAmounts(goods - discount + interest, discount, shipping)
