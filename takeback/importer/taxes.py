"""Adds the taxes that a file states to the items and the shipping of an order."""

from typing import NamedTuple

from takeback.core.money import split
from takeback.orders.order_input import ItemIn, OrderIn

NET, DETECT = "net", "detect"


class StatedTaxes(NamedTuple):
    """Taxes in minor units; None: the file does not state them.

    `order` is the tax of the whole order, with that of the shipping; `items` has one for each item.
    """

    order: int | None
    shipping: int | None
    items: list[int | None]


def add_taxes(order: OrderIn, stated: StatedTaxes, prices: str) -> None:
    """Set the taxes of the items. Those on top of net prices become part of the amounts.

    A tax of the whole order is split among its items by what was paid for each. If the file states
    both, the rest of the order's tax is the tax of its shipping.
    """
    taxes, shipping_tax = _taxes(order, stated)
    is_net = prices == NET or (prices == DETECT and _is_net(order, sum(taxes) + shipping_tax))
    for item, tax in zip(order.items, taxes, strict=True):
        item.tax_minor = tax
        item.goods_minor += tax if is_net else 0
    if is_net and shipping_tax:
        order.shipping_minor = (order.shipping_minor or 0) + shipping_tax


def _taxes(order: OrderIn, stated: StatedTaxes) -> tuple[list[int], int]:
    """The tax of each item, and that of the shipping."""
    shipping_tax = stated.shipping or 0
    if any(tax is not None for tax in stated.items):
        taxes = [tax or 0 for tax in stated.items]
        rest = (stated.order or 0) - sum(taxes) - shipping_tax
        return taxes, shipping_tax + (rest if rest > 0 and order.shipping_minor else 0)
    rest = max(0, (stated.order or 0) - shipping_tax)
    return split(rest, [_paid(item) for item in order.items]), shipping_tax


def _paid(item: ItemIn) -> int:
    return max(0, item.goods_minor - (item.discount_minor or 0))


def _is_net(order: OrderIn, taxes: int) -> bool:
    """Whether the order's amount is its parts with their taxes rather than its parts alone."""
    difference = (order.amount_minor or 0) - parts_total(order)
    return abs(difference - taxes) < abs(difference)


def parts_total(order: OrderIn) -> int:
    """The sum of the order's parts, in minor units."""
    discount = order.discount_minor
    if discount is None:
        discount = sum(item.discount_minor or 0 for item in order.items)
    goods = sum(item.goods_minor for item in order.items)
    return goods - discount + (order.shipping_minor or 0) + (order.fee_minor or 0)
