"""Random sales and returns, paid back by the real functions, and an oracle that knows none of them.

The oracle counts unit by unit: a list of what each unit of an item is worth, from exact fractions.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import NamedTuple

from takeback.accounts.customer_input import CustomerIn
from takeback.addresses.address_input import AddressIn
from takeback.orders.allocation import allocate as allocate_order
from takeback.orders.order_input import DiscountIn, ItemIn, OrderIn
from takeback.refunds.allocation import (
    DueItem,
    PaymentBalance,
    PaymentOrder,
    RefundLeg,
    allocate,
    due_of_order,
    due_of_units,
    due_total,
    rounding_due,
    shipping_due,
    shipping_tax,
    with_forced_amount,
    with_rounding,
)

PLACED = datetime(2026, 3, 10, tzinfo=UTC)
ADDRESS = AddressIn(
    first_name="A", last_name="R", phone_number="0", line="1", country="tr", city="x"
)
CUSTOMER = CustomerIn(email="guest@example.com")
KINDS = ("credit_card", "loyalty_money", "funds_transfer", "gift_card")
RATES = tuple(map(Decimal, ("0", "1", "8.875", "9", "18", "20", "25")))
# Prices in minor units: of currencies with no, two and three decimals.
PRICES = (40, 2_500, 90_000)


class Item(NamedTuple):
    """An item with what was allocated to it when the order arrived."""

    pk: int
    quantity: int
    goods_minor: int
    discount_minor: int
    tax_minor: int
    shipping_minor: int
    fee_minor: int
    interest_minor: int
    tax_rate: Decimal


class Sale(NamedTuple):
    """An order that arrived and was charged."""

    items: Sequence[Item]
    payments: Sequence[PaymentBalance]
    shipping: int
    shipping_rate: Decimal
    rounding: int
    charge: int


class Plan(NamedTuple):
    """Units that go back together, by position of their items, and the terms of their refund."""

    units: Sequence[tuple[int, int]]
    is_cargo_refund: bool = False
    # A share of what was calculated, in percent, that is paid instead.
    forced_percent: int | None = None


class Payout(NamedTuple):
    """What a plan gave back."""

    due: Sequence[DueItem]
    legs: Sequence[RefundLeg]


def arrived(order: OrderIn, payments: Sequence[tuple[str, int]], rate: Decimal) -> Sale:
    """The order as it is stored; payments have a kind and a weight, and are charged in full."""
    amounts = allocate_order(order)
    charge = amounts.amount + amounts.interest
    weights = sum(weight for _, weight in payments)
    shares = [charge * weight // weights for _, weight in payments]
    shares[0] += charge - sum(shares)
    return Sale(
        [
            Item(number, item.quantity, *values, item.tax_rate or Decimal(0))
            for number, (item, values) in enumerate(zip(order.items, amounts.items, strict=True))
        ],
        [
            PaymentBalance(number, kind, share, kind != "funds_transfer")
            for number, ((kind, _), share) in enumerate(zip(payments, shares, strict=True), 1)
        ],
        order.shipping_minor or 0,
        rate,
        amounts.rounding,
        charge,
    )


def order_of(items: Sequence[ItemIn], **fields: object) -> OrderIn:
    """An order of these items."""
    values: dict[str, object] = {
        "number": "1",
        "currency": "eur",
        "placed_at": PLACED,
        "customer": CUSTOMER,
        "shipping_address": ADDRESS,
    }
    return OrderIn(items=list(items), **values | fields)  # type: ignore[arg-type]  # a table of values


def item_of(number: int, price: int, units: int, rate: Decimal) -> ItemIn:
    """An item of some units for a price."""
    return ItemIn(
        remote_id=str(number),
        sku="s",
        product={},
        goods_minor=price,
        quantity=units,
        tax_rate=rate,
    )


def random_sale(dice: Random) -> Sale:
    """An order of one to four items with every component, charged by one to three payments."""
    top = dice.choice(PRICES)
    items = [
        item_of(
            number,
            dice.randrange(top) if dice.random() < 0.95 else 0,
            dice.choice((1, 1, 1, 2, 3, 5)),
            dice.choice(RATES),
        )
        for number in range(dice.choice((1, 2, 2, 3, 4)))
    ]
    goods = sum(item.goods_minor for item in items)
    off = dice.choice((0, 0, goods // 10, goods // 3, goods))
    fields: dict[str, object] = {
        "discounts": [DiscountIn(name="Coupon", amount_minor=off)] if off else [],
        "shipping_minor": dice.choice((0, 0, top // 7 + 1, 599)),
        "fee_minor": dice.choice((0, 0, top // 50 + 1)),
        "interest_minor": dice.choice((0, 0, 0, goods // 30)),
    }
    order = order_of(items, **fields)
    if not off and dice.random() < 0.1:
        _round(order, dice)
    kinds = dice.sample(KINDS, dice.choice((1, 1, 2, 3)))
    payments = [(kind, dice.randrange(1, 9)) for kind in kinds]
    return arrived(order, payments, dice.choice(RATES))


def _round(order: OrderIn, dice: Random) -> None:
    """Let the amount differ from the sum of the parts, if every unit is worth as much."""
    if min(item.goods_minor // item.quantity for item in order.items) > 0:
        parts = sum(item.goods_minor for item in order.items)
        parts += (order.shipping_minor or 0) + (order.fee_minor or 0)
        order.amount_minor, order.may_round = parts + dice.choice((-1, 1)), True


def random_plans(sale: Sale, dice: Random) -> list[Plan]:
    """All units of a sale, some together and some alone, in any order."""
    chunks: list[tuple[int, int]] = []
    for number, item in enumerate(sale.items):
        left = item.quantity
        while left:
            units = dice.randint(1, left)
            chunks.append((number, units))
            left -= units
    dice.shuffle(chunks)
    plans: list[Plan] = []
    while chunks:
        size = dice.randint(1, len(chunks))
        taken, chunks = chunks[:size], chunks[size:]
        forced = dice.randrange(0, 101) if dice.random() < 0.04 else None
        plans.append(Plan(taken, dice.random() < 0.2, forced))
    return plans


def paid_back(sale: Sale, plans: Sequence[Plan]) -> Iterator[Payout]:
    """Pays the plans back one after the other, as the commands do it."""
    used = [0] * len(sale.items)
    balances = list(sale.payments)
    shipped = shipped_tax = 0
    last = plans[-1]
    for plan in plans:
        due, of_units = [], 0
        for number, units in plan.units:
            part = due_of_units(sale.items[number], used[number], units)
            used[number] += units
            of_units += part.shipping
            due.append(part._replace(shipping=0))
        amount = due_total(due)
        room = sum([balance.left for balance in balances]) - amount
        rounding = sale.rounding if plan is last else 0
        shipping = shipping_due(
            sale.shipping,
            others=shipped,
            of_units=of_units if plan.is_cargo_refund else 0,
            is_last=plan is last,
            room=room - min(0, rounding),
        )
        if rounding:
            rounding = rounding_due(rounding, amount=amount, room=room - shipping)
            due = with_rounding(due, rounding)
        if shipping:
            rate = sale.shipping_rate
            tax = shipping_tax(shipping, rate, others=shipped, others_tax=shipped_tax)
            shipped, shipped_tax = shipped + shipping, shipped_tax + tax
            due.append(due_of_order(shipping=shipping, tax=tax, tax_rate=rate))
        if plan.forced_percent is not None:
            due = with_forced_amount(due, due_total(due) * plan.forced_percent // 100)
        legs = allocate(due, balances, PaymentOrder.LOYALTY_FIRST)
        for leg in legs:
            balance = balances[leg.payment - 1]
            balances[leg.payment - 1] = balance._replace(left=balance.left - leg.amount)
        yield Payout(due, legs)


def values_of_units(total: int, quantity: int) -> list[int]:
    """What each unit is worth: the exact share `total / quantity`, up for the first units.

    The remainder goes to the first units, one minor unit each.
    """
    if quantity == 1:
        return [total]
    return [(total + quantity - 1 - number) // quantity for number in range(quantity)]


def expected_amounts(sale: Sale, plans: Sequence[Plan]) -> list[int]:
    """What each plan has to give back, counted unit by unit."""
    worth, shipping = [], []
    for item in sale.items:
        columns = [
            values_of_units(total, item.quantity)
            for total in (item.goods_minor, item.discount_minor, item.fee_minor,
                          item.interest_minor)
        ]  # fmt: skip
        units_of = zip(*columns, strict=True)
        worth.append([goods - off + fee + more for goods, off, fee, more in units_of])
        shipping.append(values_of_units(item.shipping_minor, item.quantity))
    open_shipping, amounts = sale.shipping, []
    for number, plan in enumerate(plans):
        amount, of_units = 0, 0
        for position, units in plan.units:
            amount += sum(worth[position][:units])
            of_units += sum(shipping[position][:units])
            del worth[position][:units], shipping[position][:units]
        is_last = number == len(plans) - 1
        sent = open_shipping if is_last else of_units * plan.is_cargo_refund
        open_shipping -= sent
        amount += sent + sale.rounding * is_last
        if plan.forced_percent is not None:
            amount = amount * plan.forced_percent // 100
        amounts.append(amount)
    return amounts
