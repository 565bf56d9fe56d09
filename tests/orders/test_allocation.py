"""Promise P8 for orders: the amounts of the items add up to the amount charged."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from takeback.orders.allocation import InconsistentOrder, ItemAmounts, allocate
from takeback.orders.order_input import DiscountIn, OrderIn, PaymentIn
from takeback.orders.statuses import Status
from tests.factories import item_input, order_input


@st.composite
def orders(draw: st.DrawFn) -> OrderIn:
    """Orders of 1 to 40 items with discounts on some of them, in 0, 2 and 3 decimals."""
    goods = draw(st.lists(st.integers(0, 10**7), min_size=1, max_size=40))
    ids = [str(number) for number in range(len(goods))]
    discounts, left = [], list(goods)
    for number in range(draw(st.integers(0, 3))):
        listed = draw(st.lists(st.sampled_from(ids), unique=True))
        # Small enough that the discounts of an item never exceed its price.
        items = listed or ids
        amount = draw(st.integers(0, min(left[int(name)] for name in items) // 4))
        discounts.append(DiscountIn(name=str(number), amount_minor=amount, items=tuple(listed)))
        for name in items:
            left[int(name)] -= amount
    return order_input(
        currency=draw(st.sampled_from(["jpy", "try", "kwd"])),
        items=[
            item_input(
                remote_id=name,
                goods_minor=price,
                quantity=draw(st.integers(1, 9)),
                tax_rate=Decimal(draw(st.integers(0, 5000))) / 100,
            )
            for name, price in zip(ids, goods, strict=True)
        ],
        discounts=discounts,
        shipping_minor=draw(st.integers(0, 10**5)),
        fee_minor=draw(st.integers(0, 10**4)),
        interest_minor=draw(st.integers(0, 10**5)),
    )


def _sum(items: list[ItemAmounts], component: str) -> int:
    return sum(getattr(amounts, component) for amounts in items)


@given(orders())
def test_each_component_of_the_items_adds_up_to_the_order(order: OrderIn) -> None:
    result = allocate(order)

    assert _sum(result.items, "goods") == result.goods
    assert _sum(result.items, "discount") == result.discount
    assert result.discount == sum(discount.amount_minor for discount in order.discounts)
    assert _sum(result.items, "shipping") == order.shipping_minor
    assert _sum(result.items, "fee") == order.fee_minor
    assert _sum(result.items, "interest") == order.interest_minor == result.interest
    assert result.amount == (
        result.goods - result.discount + (order.shipping_minor or 0) + (order.fee_minor or 0)
    )
    assert (
        sum(payment.amount_minor for payment in result.payments) == result.amount + result.interest
    )


@given(orders())
def test_discount_is_shared_in_proportion_to_item_prices(order: OrderIn) -> None:
    for discount, shares in zip(order.discounts, allocate(order).shares, strict=True):
        applies_to = discount.items or tuple(item.remote_id for item in order.items)
        prices = {item.remote_id: item.goods_minor for item in order.items}
        total = sum(prices[name] for name in applies_to)
        assert sum(shares) == discount.amount_minor
        for item, share in zip(order.items, shares, strict=True):
            exact = Fraction(0)
            if total and item.remote_id in applies_to:
                exact = Fraction(discount.amount_minor * item.goods_minor, total)
            assert abs(exact - share) < 1


@given(orders())
def test_tax_is_the_exact_part_of_the_price_rounded_half_up(order: OrderIn) -> None:
    for item, amounts in zip(order.items, allocate(order).items, strict=True):
        rate = item.tax_rate or 0
        exact = (amounts.goods - amounts.discount) * Fraction(rate) / (100 + Fraction(rate))
        assert abs(Fraction(amounts.tax) - Fraction(exact)) <= Fraction(1, 2) + Fraction(1, 10**9)


@pytest.mark.parametrize(
    ("units", "goods", "is_accepted"), [(1, 1, True), (2, 2, True), (2, 1, False), (3, 2, False)]
)
def test_each_unit_is_worth_a_negative_rounding(units: int, goods: int, is_accepted: bool) -> None:
    items = [
        item_input(remote_id="a", goods_minor=goods, quantity=units),
        item_input(remote_id="free", goods_minor=0),
    ]
    order = order_input(items=items, amount_minor=goods - 1, may_round=True)

    if is_accepted:
        assert allocate(order).rounding == -1
    else:
        with pytest.raises(InconsistentOrder, match="the parts add up to"):
            allocate(order)


def test_an_order_has_a_limit_of_items() -> None:
    items = [item_input(remote_id=str(number)) for number in range(10_001)]

    with pytest.raises(InconsistentOrder, match="an order has at most 10,000 items"):
        allocate(order_input(items=items))


def test_documented_order_is_allocated_as_documented() -> None:
    order = order_input(
        items=[
            item_input(remote_id="a", goods_minor=1187, tax_rate=Decimal(18)),
            item_input(remote_id="b", goods_minor=500),
        ],
        discounts=[DiscountIn(name="Sale", amount_minor=101)],
        shipping_minor=850,
        fee_minor=3,
        interest_minor=7,
    )

    assert allocate(order).items == [
        ItemAmounts(1187, 71, 170, 598, 2, 5),
        ItemAmounts(500, 30, 0, 252, 1, 2),
    ]


def test_discounts_of_items_take_precedence_over_proportional_shares() -> None:
    items = [
        item_input(remote_id="a", goods_minor=1000, discount_minor=300),
        item_input(remote_id="b", goods_minor=1000, discount_minor=100),
    ]

    result = allocate(order_input(items=items, discount_minor=400))

    assert [amounts.discount for amounts in result.items] == [300, 100]


PAIR = [item_input(remote_id="a"), item_input(remote_id="b")]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"items": []}, "an order needs at least one item"),
        ({"items": [item_input(goods_minor=-1)]}, "the price of an item is negative"),
        (
            {"amount_minor": 999},
            "the parts add up to 10.00 TRY, but the order's amount is 9.99 TRY",
        ),
        (
            {"discounts": [DiscountIn(name="x", amount_minor=1001)]},
            "discount 'x' exceeds the price of its items",
        ),
        (
            {"items": PAIR, "discounts": [DiscountIn(name="x", amount_minor=1001, items=("a",))]},
            "discount 'x' exceeds the price of its items",
        ),
        (
            {
                "items": PAIR,
                "discounts": [
                    DiscountIn(name="x", amount_minor=600, items=("a",)),
                    DiscountIn(name="y", amount_minor=600, items=("a",)),
                ],
            },
            "the discounts of an item exceed its price",
        ),
        (
            {"payments": [PaymentIn(kind="card", amount_minor=999, captured_minor=999)]},
            "the payments do not add up to the order's amount",
        ),
        (
            {"items": [item_input(interest_minor=5)], "interest_minor": 6},
            "the items' interest does not add up to the order's interest",
        ),
    ],
)
def test_inconsistent_order_is_refused_with_a_reason(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(InconsistentOrder) as refused:
        allocate(order_input(**fields))

    assert str(refused.value) == reason


@pytest.mark.parametrize(
    ("fields", "captured"),
    [
        ({"payment_type": "credit_card"}, 1000),
        ({"payment_type": "pay_on_delivery"}, 0),
        ({"status": Status.PAYMENT_WAITING}, 0),
    ],
)
def test_order_without_payments_is_captured_unless_it_is_paid_later(
    fields: dict[str, Any], captured: int
) -> None:
    (payment,) = allocate(order_input(**fields)).payments

    assert (payment.amount_minor, payment.captured_minor) == (1000, captured)
