"""The amounts of every item: allocated once, when the order arrives, by largest remainder."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from takeback.core.errors import Problem
from takeback.core.money import show, split
from takeback.orders import errors
from takeback.orders.order_input import (
    ITEMS_MAX,
    ROUNDING_MAX,
    UNKNOWN_KIND,
    DiscountIn,
    ItemIn,
    OrderIn,
    PaymentIn,
)
from takeback.orders.refunded_elsewhere import fields_above_charge
from takeback.orders.statuses import Status

PAID_LATER = frozenset({"pay_on_delivery"})
"""Payment types that collect the money when the goods are handed over."""

CARDS = frozenset({"credit_card", "saved_card", "masterpass"})
"""Payment types that charge a card."""

_RATE_UNITS = 100_000
"""100 percent, in thousandths of a percent."""


class InconsistentOrder(ValueError):
    """The amounts of the order contradict each other; the text names the contradiction.

    `problem` is the refusal of a field that has a refusal of its own.
    """

    problem: Problem | None = None


class ExcessiveRefund(InconsistentOrder):
    """More money or units are refunded than the order has."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.field}: {problem.message}")
        self.problem = problem


class ItemAmounts(NamedTuple):
    """The components of an item, in minor units for all its units together."""

    goods: int
    discount: int
    tax: int
    shipping: int
    fee: int
    interest: int


AMOUNT_COLUMNS = tuple(f"{component}_minor" for component in ItemAmounts._fields)
"""The columns of `OrderItem` that hold these amounts."""


@dataclass(slots=True)
class Allocation:
    """An order's amounts; `shares[d][i]` is the part of discount d that item i receives."""

    items: list[ItemAmounts]
    discounts: list[DiscountIn]
    shares: list[list[int]]
    payments: list[PaymentIn]
    goods: int
    discount: int
    amount: int
    rounding: int
    interest: int


def allocate(order: OrderIn) -> Allocation:
    """Allocate the order's amounts to its items. Raises InconsistentOrder."""
    items = order.items
    if not items:
        raise InconsistentOrder("an order needs at least one item")
    if len(items) > ITEMS_MAX:
        raise InconsistentOrder(f"an order has at most {ITEMS_MAX:,} items")
    goods = [item.goods_minor for item in items]
    if min(goods) < 0:
        raise InconsistentOrder("the price of an item is negative")
    discounts, shares = _discounts(order)
    discounted = [sum(column) for column in zip(*shares, strict=True)] or [0] * len(items)
    if any(off > price for off, price in zip(discounted, goods, strict=True)):
        raise InconsistentOrder("the discounts of an item exceed its price")
    shipping_minor, fee_minor = order.shipping_minor or 0, order.fee_minor or 0
    parts = sum(goods) - sum(discounted) + shipping_minor + fee_minor
    rounding = _rounding(order, parts, discounted)
    amount = parts + rounding
    interest = _interest(order, goods)
    taxes = [
        _tax(item, price - off) for item, price, off in zip(items, goods, discounted, strict=True)
    ]
    shipping, fee = split(shipping_minor, goods), split(fee_minor, goods)
    columns = zip(goods, discounted, taxes, shipping, fee, interest, strict=True)
    _ensure_refunds_fit(order, amount + sum(interest))
    return Allocation(
        items=[ItemAmounts(*column) for column in columns],
        discounts=discounts,
        shares=shares,
        payments=_payments(order, amount + sum(interest)),
        goods=sum(goods),
        discount=sum(discounted),
        amount=amount,
        rounding=rounding,
        interest=sum(interest),
    )


def _ensure_refunds_fit(order: OrderIn, charged: int) -> None:
    """`ExcessiveRefund` if other systems refunded more than the charge, or than an item's units."""
    over_limit = fields_above_charge(
        stated=order.refunded_elsewhere_minor,
        shop_total=order.refunded_total_minor,
        ours=0,
        charged=charged,
    )
    for field, most in over_limit.items():
        text = f"{show(most, order.currency)} {order.currency.upper()}"
        problem = errors.REFUND_ABOVE_CHARGE.with_values(max=text)
        raise ExcessiveRefund(replace(problem, field=field))
    for position, item in enumerate(order.items):
        if (item.refunded_elsewhere_quantity or 0) > item.quantity:
            problem = errors.UNITS_ABOVE_QUANTITY.with_values(max=item.quantity)
            field = f"order_item.{position}.{problem.field}"
            raise ExcessiveRefund(replace(problem, field=field))


def _discounts(order: OrderIn) -> tuple[list[DiscountIn], list[list[int]]]:
    """The discounts, and the share that each item receives of each."""
    per_item = [item.discount_minor for item in order.items]
    sum_of_items = sum(off or 0 for off in per_item) if any(per_item) else None
    discounts, total = list(order.discounts), order.discount_minor
    if total is None:
        total = sum(d.amount_minor for d in discounts) if discounts else (sum_of_items or 0)
    if not discounts and total:
        discounts = [DiscountIn(name="", amount_minor=total)]
    if sum(discount.amount_minor for discount in discounts) != total:
        raise InconsistentOrder("the discounts do not add up to the order's discount")
    if sum_of_items is None:
        return discounts, [_share_by_price(discount, order.items) for discount in discounts]
    if sum_of_items != total:
        raise InconsistentOrder("the items' discounts do not add up to the order's discount")
    left = [off or 0 for off in per_item]
    return discounts, [_share_of_remainder(discount, order.items, left) for discount in discounts]


def _applies(discount: DiscountIn, items: Sequence[ItemIn]) -> list[bool]:
    applies = [not discount.items or item.remote_id in discount.items for item in items]
    if not any(applies):
        raise InconsistentOrder(f"discount {discount.name!r} applies to no item of the order")
    return applies


def _share_by_price(discount: DiscountIn, items: Sequence[ItemIn]) -> list[int]:
    """Shares in proportion to the prices of the items that the discount applies to."""
    applies = _applies(discount, items)
    weights = [
        item.goods_minor if has_share else 0 for item, has_share in zip(items, applies, strict=True)
    ]
    if discount.amount_minor > sum(weights):
        raise InconsistentOrder(f"discount {discount.name!r} exceeds the price of its items")
    return split(discount.amount_minor, weights) if sum(weights) else [0] * len(items)


def _share_of_remainder(
    discount: DiscountIn, items: Sequence[ItemIn], left: list[int]
) -> list[int]:
    """Shares taken from the items' own discounts; reduces `left`."""
    missing = discount.amount_minor
    shares = []
    for index, has_share in enumerate(_applies(discount, items)):
        share = min(missing, left[index]) if has_share else 0
        left[index] -= share
        missing -= share
        shares.append(share)
    if missing:
        raise InconsistentOrder(f"discount {discount.name!r} exceeds the items' own discounts")
    return shares


def _rounding(order: OrderIn, parts: int, discounted: Sequence[int]) -> int:
    """The difference between the stated amount and the parts. Raises InconsistentOrder.

    A negative difference is deducted from the order's last unit, whichever it will be: every unit
    that has a price must be worth as much.
    """
    difference = 0 if order.amount_minor is None else order.amount_minor - parts
    if not difference:
        return 0
    if order.may_round and abs(difference) <= min(len(order.items), ROUNDING_MAX):
        totals = [
            (item.goods_minor - off, item.quantity)
            for item, off in zip(order.items, discounted, strict=True)
        ]
        if all(total // quantity >= -difference for total, quantity in totals if total):
            return difference
    raise InconsistentOrder(
        f"the parts add up to {_shown(parts, order)}, but the order's amount is "
        f"{_shown(order.amount_minor or 0, order)}"
    )


def _shown(minor: int, order: OrderIn) -> str:
    return f"{show(minor, order.currency)} {order.currency.upper()}"


def _interest(order: OrderIn, goods: list[int]) -> list[int]:
    if not any(item.interest_minor for item in order.items):
        return split(order.interest_minor or 0, goods)
    shares = [item.interest_minor or 0 for item in order.items]
    if order.interest_minor and sum(shares) != order.interest_minor:
        raise InconsistentOrder("the items' interest does not add up to the order's interest")
    return shares


def _tax(item: ItemIn, paid: int) -> int:
    """The tax included in the price, rounded half up; a rate has at most three decimals."""
    if item.tax_minor is not None:
        return item.tax_minor
    rate = int((item.tax_rate or 0) * 1000)
    return (2 * paid * rate + _RATE_UNITS + rate) // (2 * (_RATE_UNITS + rate)) if rate else 0


def _payments(order: OrderIn, due: int) -> list[PaymentIn]:
    """The payments; by default one payment of the amount due, captured unless it is paid later."""
    if order.payments:
        if sum(payment.amount_minor for payment in order.payments) != due:
            raise InconsistentOrder("the payments do not add up to the order's amount")
        return [with_captured(payment, order) for payment in order.payments]
    kind = order.payment_type or UNKNOWN_KIND
    return [with_captured(PaymentIn(kind=kind, amount_minor=due), order)]


def with_captured(payment: PaymentIn, order: OrderIn) -> PaymentIn:
    """A new payment; unless its sender says what was captured, all is, or nothing if it is open."""
    if payment.captured_minor is not None:
        return payment
    kind = order.payment_type if payment.kind == UNKNOWN_KIND else payment.kind
    is_open = kind in PAID_LATER or _waits_for_payment(order)
    return replace(payment, captured_minor=0 if is_open else payment.amount_minor)


def _waits_for_payment(order: OrderIn) -> bool:
    return order.status == Status.PAYMENT_WAITING or all(
        order.status_of_item(item) == Status.PAYMENT_WAITING for item in order.items
    )
