"""Any order, paid back in any split and order, gives back exactly its charge (promise P8).

Plain loops over seeds: the oracle of `sales` counts unit by unit and knows none of our functions.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import permutations, product
from random import Random

import pytest

from takeback.refunds.allocation import DueItem, due_total, included_tax
from tests.conftest import CI, LONG
from tests.refunds.sales import (
    Payout,
    Plan,
    Sale,
    arrived,
    expected_amounts,
    item_of,
    order_of,
    paid_back,
    random_plans,
    random_sale,
    values_of_units,
)

ORDERS = 1_000_000 if LONG else 200_000 if CI else 400
"""A seed replays its order."""
CHUNKS = 4


def differences(sale: Sale, plans: list[Plan]) -> list[str]:
    """What is wrong with the refunds of a sale of which everything goes back."""
    wrong: list[str] = []
    expected = expected_amounts(sale, plans)
    paid = dict.fromkeys((balance.payment for balance in sale.payments), 0)
    taxes = total = 0
    is_forced = False
    payouts = paid_back(sale, plans)
    for number, (plan, amount, payout) in enumerate(zip(plans, expected, payouts, strict=True)):
        wrong += [f"plan {number}: {text}" for text in _of_payout(payout, amount)]
        is_forced = is_forced or plan.forced_percent is not None
        for leg in payout.legs:
            paid[leg.payment] += leg.amount
            total += leg.amount
        taxes += sum(item.tax for item in payout.due)
    if total != sum(expected):
        wrong.append(f"{total} paid of {sum(expected)}")
    captured = {balance.payment: balance.left for balance in sale.payments}
    if is_forced:
        wrong += [f"payment {pk}" for pk, amount in paid.items() if amount > captured[pk]]
        return wrong
    if total != sale.charge or paid != captured:
        wrong.append(f"{paid} paid of {captured}")
    shipping_tax = included_tax(sale.shipping, sale.shipping_rate)
    if taxes != sum(item.tax_minor for item in sale.items) + shipping_tax:
        wrong.append(f"taxes of {taxes}")
    return wrong


def _of_payout(payout: Payout, expected: int) -> list[str]:
    """What is wrong with the legs of one plan."""
    due, legs = payout
    wrong = [] if due_total(due) == expected else [f"{due_total(due)} due instead of {expected}"]
    parts: list[DueItem] = []
    for leg in legs:
        parts += leg.parts
        if leg.amount <= 0 or due_total(leg.parts) != leg.amount:
            wrong.append(f"the parts do not add up to {leg}")
    if any(part.amount < 0 or part.goods < 0 or part.tax < 0 for part in parts):
        wrong.append("a part is negative")
    if sum([leg.amount for leg in legs]) != expected:
        wrong.append("the legs do not add up to the due")
    if legs and _columns(due) != _columns(parts):
        wrong.append("the components of the legs do not add up to those of the due")
    return wrong


def _columns(items: Sequence[DueItem]) -> list[int]:
    """The sums of units, components and tax."""
    return [sum(column) for column in list(zip(*items, strict=True))[1:-1]]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_any_split_of_any_order_gives_back_exactly_the_charge(chunk: int) -> None:
    wrong = {}
    for seed in range(chunk, ORDERS, CHUNKS):
        dice = Random(seed)
        sale = random_sale(dice)
        if texts := differences(sale, random_plans(sale, dice)):
            wrong[seed] = texts
    assert wrong == {}


UNITS = (3, 2)
"""The units of the items of a small sale."""
SMALL_SALES = [
    arrived(
        order_of(
            [
                item_of(number, price, units, Decimal(rate))
                for number, (price, units, rate) in enumerate(
                    zip(prices, UNITS, (20, 9), strict=True)
                )
            ],
            discount_minor=off,
            shipping_minor=shipping,
            fee_minor=1,
        ),
        payments,
        Decimal(20),
    )
    for prices, off, shipping, payments in product(
        [(100, 1), (1000, 299), (10, 10)],
        [0, 5],
        [0, 2, 101],
        [[("credit_card", 1)], [("gift_card", 2), ("loyalty_money", 1), ("credit_card", 4)]],
    )
]


def cut(units: Sequence[tuple[int, int]]) -> Iterator[list[Plan]]:
    """The units in this order, in every division into plans."""
    for cuts in product((False, True), repeat=len(units) - 1):
        groups = [[units[0]]]
        for unit, is_cut in zip(units[1:], cuts, strict=True):
            if is_cut:
                groups.append([])
            groups[-1].append(unit)
        yield [Plan(group) for group in groups]


@pytest.mark.parametrize("number", range(0, len(SMALL_SALES), 1 if CI else 5))
def test_every_order_and_division_of_the_units_gives_back_the_charge(number: int) -> None:
    sale = SMALL_SALES[number]
    units = [(position, 1) for position, count in enumerate(UNITS) for _ in range(count)]
    orders = sorted(set(permutations(units)))
    assert len(orders) == 10

    failures = [
        (plans, wrong)
        for order in orders
        for plans in cut(order)
        if (wrong := differences(sale, plans))
    ]

    assert failures == []


@pytest.mark.parametrize("total", [0, 1, 7, 100, 1000, 999_999_999_999])
@pytest.mark.parametrize("quantity", [1, 2, 3, 7, 13])
def test_oracle_gives_each_unit_its_exact_share_rounded(total: int, quantity: int) -> None:
    share = Fraction(total, quantity)
    values = values_of_units(total, quantity)

    assert sum(values) == total
    assert all(abs(value - share) < 1 for value in values)
    assert values == sorted(values, reverse=True)


def test_oracle_notices_a_difference_of_one_minor_unit() -> None:
    sale = SMALL_SALES[-1]
    plans = [Plan([(0, 3)]), Plan([(1, 2)])]
    dearer = sale.items[0]._replace(goods_minor=sale.items[0].goods_minor + 1)

    assert differences(sale, plans) == []
    assert differences(sale._replace(charge=sale.charge - 1), plans) != []
    assert differences(sale._replace(items=[dearer, sale.items[1]]), plans) != []
