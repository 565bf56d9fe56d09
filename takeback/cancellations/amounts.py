"""The refundable amounts of a case."""

from typing import NamedTuple

from takeback.cancellations.models import CancellationRequest
from takeback.core.money import MinorUnits, units_value
from takeback.orders.models import OrderItem


class RefundableAmounts(NamedTuple):
    """Parts of an item's amounts, in minor units."""

    # Less the discount, plus the interest.
    goods: MinorUnits
    discount: MinorUnits
    shipping: MinorUnits


def refundable_amounts(case: CancellationRequest) -> RefundableAmounts:
    """The amounts of a case's units, which follow the units that were used before."""
    return amounts_of_units(case.order_item, units_before(case), case.quantity)


def units_before(case: CancellationRequest) -> int:
    """The units of a case's item that were used before its own.

    Used units are closed or refunded by another system. Once a case has ended, its own units are
    among the closed ones.
    """
    item = case.order_item
    return max(0, min(item.units_used, item.quantity - case.quantity))


def amounts_of_units(item: OrderItem, used: int, count: int) -> RefundableAmounts:
    """The amounts of the next `count` units of an item after `used` units."""
    goods, discount, interest, shipping = (
        units_value(total, item.quantity, used, count)
        for total in (
            item.goods_minor,
            item.discount_minor,
            item.interest_minor,
            item.shipping_minor,
        )
    )
    return RefundableAmounts(
        goods=MinorUnits(goods - discount + interest),
        discount=MinorUnits(discount),
        shipping=MinorUnits(shipping),
    )
