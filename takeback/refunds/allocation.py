"""What is due for cancelled and returned units, and the payments that give it back.

Everything here is pure and counts in whole minor units. What an order's items are worth was fixed
when the order arrived; a refund takes the next units of that and recomputes nothing. So the parts
of a leg add up to its amount, all legs to the due, and all refunds of an order to its charge, for
any split in any order.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, Protocol

from takeback.core.money import split, units_value
from takeback.refunds.statuses import Means

LOYALTY_MONEY = "loyalty_money"
"""The kind of a payment that was made with loyalty points."""

_NO_RATE = Decimal(0)
_RATE_UNITS = 100_000
"""100 percent, in thousandths of a percent."""


class AllocatedItem(Protocol):
    """An item with the totals that were allocated to all its units when the order arrived."""

    @property
    def pk(self) -> int: ...
    @property
    def quantity(self) -> int: ...
    @property
    def goods_minor(self) -> int: ...
    @property
    def discount_minor(self) -> int: ...
    @property
    def shipping_minor(self) -> int: ...
    @property
    def fee_minor(self) -> int: ...
    @property
    def interest_minor(self) -> int: ...
    @property
    def tax_minor(self) -> int: ...
    @property
    def tax_rate(self) -> Decimal: ...


class DueItem(NamedTuple):
    """What goes back for some units of an item, by component, in minor units for all of them.

    Without an item it belongs to the order as a whole. The discount is deducted, and `tax` is
    included in the other components, at `tax_rate` percent. The adjustment is the order's rounding,
    or the difference between a forced amount and the calculated one.
    """

    order_item: int | None
    units: int
    goods: int
    discount: int
    shipping: int
    fee: int
    interest: int
    adjustment: int
    tax: int
    tax_rate: Decimal

    @property
    def amount(self) -> int:
        """What goes back: the sum of the components; it is never negative."""
        return (
            self.goods - self.discount + self.shipping + self.fee + self.interest + self.adjustment
        )


class PaymentBalance(NamedTuple):
    """What is left of a payment, in minor units; facts from outside can make it negative."""

    payment: int
    kind: str
    left: int
    # Whether its provider can return money the way it came.
    can_refund: bool


class PaymentOrder(StrEnum):
    """The order in which payments give money back."""

    # Points that were spent come first, then the other payments as they arrived.
    LOYALTY_FIRST = "loyalty_first"


class RefundLeg(NamedTuple):
    """Money that goes back for one payment by one means; its parts add up to its amount.

    The units of an item that several legs give back are in the first of them.
    """

    payment: int
    means: Means
    amount: int
    parts: tuple[DueItem, ...]


class NotEnoughLeft(Exception):
    """The payments have less left than is due; `missing` is the difference in minor units."""

    def __init__(self, missing: int) -> None:
        super().__init__(f"{missing} minor units are missing")
        self.missing = missing


def due_of_units(item: AllocatedItem, used: int, units: int) -> DueItem:
    """What was paid for the next `units` of an item after `used` units, all components included."""
    quantity = item.quantity
    return DueItem(
        order_item=item.pk,
        units=units,
        goods=units_value(item.goods_minor, quantity, used, units),
        discount=units_value(item.discount_minor, quantity, used, units),
        shipping=units_value(item.shipping_minor, quantity, used, units),
        fee=units_value(item.fee_minor, quantity, used, units),
        interest=units_value(item.interest_minor, quantity, used, units),
        adjustment=0,
        tax=units_value(item.tax_minor, quantity, used, units),
        tax_rate=item.tax_rate,
    )


def shipping_due(total: int, *, others: int, of_units: int, is_last: bool, room: int) -> int:
    """The shipping costs that a plan gives back of those of its order.

    `others` is what other plans give back, and `of_units` the part of the plan's units if it goes
    back at once. The last plan gives back the rest, as far as there is `room` for it: units that
    another system refunded may have taken their part of the shipping costs along.

    >>> shipping_due(600, others=0, of_units=100, is_last=False, room=900)
    100
    >>> shipping_due(600, others=100, of_units=0, is_last=True, room=900)
    500
    """
    rest = max(0, total - others)
    due = min(rest, of_units)
    return max(due, min(rest, room)) if is_last else due


def shipping_tax(shipping: int, rate: Decimal, *, others: int, others_tax: int) -> int:
    """The tax that is included in shipping costs, after those of other plans with their tax.

    It is rounded cumulatively, so that the taxes of all plans add up to that of all shipping costs.
    """
    total = included_tax(others + shipping, rate)
    return min(shipping, max(0, total - others_tax))


def rounding_due(rounding: int, *, amount: int, room: int) -> int:
    """The order's rounding difference in the plan that closes its last unit.

    There is `room` for what the order has left, and a negative difference takes no more than the
    `amount` of the plan.
    """
    return max(min(rounding, max(0, room)), -amount)


def due_of_order(*, shipping: int, tax: int, tax_rate: Decimal | None) -> DueItem:
    """The shipping costs that go back, which have a tax rate of their own."""
    return DueItem(None, 0, 0, 0, shipping, 0, 0, 0, tax, tax_rate or _NO_RATE)


def due_total(items: Iterable[DueItem]) -> int:
    """The amount of all items together."""
    return sum(item.amount for item in items)


def included_tax(amount: int, rate: Decimal) -> int:
    """The tax of `rate` percent that an amount includes, rounded half up.

    >>> included_tax(118, Decimal(18)), included_tax(100, Decimal(18)), included_tax(5, Decimal(0))
    (18, 15, 0)
    """
    thousandths = int(rate * 1000)
    return _rounded(amount * thousandths, _RATE_UNITS + thousandths)


def with_rounding(items: Sequence[DueItem], rounding: int) -> list[DueItem]:
    """The items with the rounding difference of their order, which the last able item carries.

    It is no sale and changes no tax. An item of less than a negative difference cannot carry it.
    """
    able = [index for index, item in enumerate(items) if item.amount + min(0, rounding) >= 0]
    if not able:
        return with_forced_amount(items, due_total(items) + rounding)
    carrier = items[able[-1]]
    adjusted = carrier._replace(adjustment=carrier.adjustment + rounding)
    return [*items[: able[-1]], adjusted, *items[able[-1] + 1 :]]


def with_forced_amount(items: Sequence[DueItem], forced: int) -> list[DueItem]:
    """The items for a forced total: the difference is adjusted in proportion to their amounts.

    The included tax of an item follows its amount, so that a part of the price never contains the
    tax of all of it.
    """
    if forced < 0 or not items:
        raise ValueError("a forced amount is not negative and needs items to be paid for")
    difference = forced - due_total(items)
    shares = split(difference, [item.amount for item in items])
    return [_adjusted(item, share) for item, share in zip(items, shares, strict=True)]


def _adjusted(item: DueItem, share: int) -> DueItem:
    before, after = item.amount, item.amount + share
    tax = _rounded(item.tax * after, before) if before else included_tax(after, item.tax_rate)
    return item._replace(adjustment=item.adjustment + share, tax=tax)


def allocate(
    due: Sequence[DueItem],
    payments: Sequence[PaymentBalance],
    order: PaymentOrder,
    *,
    as_loyalty: bool = False,
    to_bank: bool = False,
) -> list[RefundLeg]:
    """The legs that give back what is due: each payment as much as it has left, in this order.

    Items are taken one after the other, so that at most one is divided between two payments.
    `as_loyalty`: everything is credited as points, for the payments whose money they replace.
    `to_bank`: payments that their provider cannot return go to the shopper's bank account. Raises
    NotEnoughLeft, and allocates nothing, if the payments have less left than is due.
    """
    missing = due_total(due)
    amounts: list[tuple[PaymentBalance, int]] = []
    for balance in _in_order(payments, order):
        amount = min(missing, balance.left)
        if amount > 0:
            amounts.append((balance, amount))
            missing -= amount
    if missing > 0:
        raise NotEnoughLeft(missing)
    waiting = list(reversed(due))
    return [
        RefundLeg(
            balance.payment,
            _means(balance, as_loyalty=as_loyalty, to_bank=to_bank),
            amount,
            tuple(_take(waiting, amount)),
        )
        for balance, amount in amounts
    ]


def _in_order(payments: Sequence[PaymentBalance], order: PaymentOrder) -> list[PaymentBalance]:
    match order:
        case PaymentOrder.LOYALTY_FIRST:
            return sorted(payments, key=lambda balance: balance.kind != LOYALTY_MONEY)


def _means(balance: PaymentBalance, *, as_loyalty: bool, to_bank: bool) -> Means:
    if as_loyalty or balance.kind == LOYALTY_MONEY:
        return Means.LOYALTY
    if balance.can_refund:
        return Means.ORIGINAL
    return Means.BANK_TRANSFER if to_bank else Means.MANUAL


def _take(waiting: list[DueItem], amount: int) -> Iterator[DueItem]:
    """Parts of this amount, and removes them from the items; the next item is the last one.

    Items without an amount come along, so that a leg names all units that it closes.
    """
    while waiting and waiting[-1].amount <= amount:
        item = waiting.pop()
        amount -= item.amount
        yield item
    if amount:
        part, rest = _divide(waiting.pop(), amount)
        waiting.append(rest)
        yield part


def _divide(item: DueItem, amount: int) -> tuple[DueItem, DueItem]:
    """A part of an item that is worth less than the item, and the rest of it.

    Every component is divided in proportion, by largest remainder; the rest is what is left of
    each, so any number of divisions adds up to the item. The units stay with the first part.
    """
    goods, discount, shipping, fee, interest, adjustment = split(
        amount,
        [item.goods, -item.discount, item.shipping, item.fee, item.interest, item.adjustment],
    )
    tax = _rounded(item.tax * amount, item.amount)
    part = DueItem(
        item.order_item,
        item.units,
        goods,
        -discount,
        shipping,
        fee,
        interest,
        adjustment,
        tax,
        item.tax_rate,
    )
    rest = DueItem(
        item.order_item,
        0,
        item.goods - goods,
        item.discount + discount,
        item.shipping - shipping,
        item.fee - fee,
        item.interest - interest,
        item.adjustment - adjustment,
        item.tax - tax,
        item.tax_rate,
    )
    return part, rest


def merged_legs(legs: Iterable[RefundLeg]) -> list[RefundLeg]:
    """The legs with one for each payment and means, except for transfers to bank accounts.

    A provider may take two refunds of the same amount for one that was sent twice.
    """
    merged: list[RefundLeg] = []
    positions: dict[tuple[int, Means], int] = {}
    for leg in legs:
        position = positions.setdefault((leg.payment, leg.means), len(merged))
        if position == len(merged) or leg.means is Means.BANK_TRANSFER:
            merged.append(leg)
        else:
            first = merged[position]
            total, parts = first.amount + leg.amount, first.parts + leg.parts
            merged[position] = first._replace(amount=total, parts=parts)
    return merged


def points_to_return(earned: int, value: int, *, returned: int, now: int) -> int:
    """The part of the points earned on an order that goes back with goods worth `now`.

    `value` is what all goods of the order cost, and `returned` what went back before. Rounded down
    until the last goods, and cumulatively: all returns together take back exactly what was earned.

    >>> [points_to_return(10, 3, returned=before, now=1) for before in (0, 1, 2)]
    [3, 3, 4]
    """
    if value <= 0:
        return 0
    before, after = min(returned, value), min(returned + now, value)
    return earned * after // value - earned * before // value


def _rounded(numerator: int, denominator: int) -> int:
    """The quotient of two integers that are not negative, rounded half up."""
    return (2 * numerator + denominator) // (2 * denominator)
