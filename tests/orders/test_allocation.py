"""Promise P8, whole orders: what lines are worth adds up to what was charged."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from takeback.orders.allocation import DoesNotAddUp, ItemAmounts, allocate
from takeback.orders.order_input import DiscountIn, OrderIn, TenderIn
from takeback.orders.statuses import Status
from tests.factories import item_in, order_in


@st.composite
def orders(draw: st.DrawFn) -> OrderIn:
    """Orders of 1 to 40 lines with discounts on some of them, in 0, 2 and 3 decimals."""
    goods = draw(st.lists(st.integers(0, 10**7), min_size=1, max_size=40))
    ids = [str(number) for number in range(len(goods))]
    discounts, left = [], list(goods)
    for number in range(draw(st.integers(0, 3))):
        touched = draw(st.lists(st.sampled_from(ids), unique=True))
        # Small enough that no line can be discounted below nothing, whatever the others take.
        lines = touched or ids
        amount = draw(st.integers(0, min(left[int(name)] for name in lines) // 4))
        discounts.append(DiscountIn(name=str(number), amount_minor=amount, items=tuple(touched)))
        for name in lines:
            left[int(name)] -= amount
    return order_in(
        currency=draw(st.sampled_from(["jpy", "try", "kwd"])),
        items=[
            item_in(
                remote_id=name,
                goods_minor=worth,
                quantity=draw(st.integers(1, 9)),
                tax_rate=Decimal(draw(st.integers(0, 5000))) / 100,
            )
            for name, worth in zip(ids, goods, strict=True)
        ],
        discounts=discounts,
        shipping_minor=draw(st.integers(0, 10**5)),
        fee_minor=draw(st.integers(0, 10**4)),
        interest_minor=draw(st.integers(0, 10**5)),
    )


def _column(lines: list[ItemAmounts], name: str) -> int:
    return sum(getattr(line, name) for line in lines)


@given(orders())
def test_every_component_of_the_lines_adds_up_to_the_order_s(order: OrderIn) -> None:
    found = allocate(order)

    assert _column(found.lines, "goods") == found.goods
    assert _column(found.lines, "discount") == found.discount
    assert found.discount == sum(discount.amount_minor for discount in order.discounts)
    assert _column(found.lines, "shipping") == order.shipping_minor
    assert _column(found.lines, "fee") == order.fee_minor
    assert _column(found.lines, "interest") == order.interest_minor == found.interest
    assert found.amount == (found.goods - found.discount + order.shipping_minor + order.fee_minor)
    assert sum(tender.amount_minor for tender in found.tenders) == found.amount + found.interest


@given(orders())
def test_a_discount_is_shared_by_the_lines_it_touches_in_proportion(order: OrderIn) -> None:
    for discount, shares in zip(order.discounts, allocate(order).shares, strict=True):
        touched = discount.items or tuple(item.remote_id for item in order.items)
        worth = {item.remote_id: item.goods_minor for item in order.items}
        whole = sum(worth[name] for name in touched)
        assert sum(shares) == discount.amount_minor
        for item, share in zip(order.items, shares, strict=True):
            exact = Fraction(0)
            if whole and item.remote_id in touched:
                exact = Fraction(discount.amount_minor * item.goods_minor, whole)
            assert abs(exact - share) < 1


@given(orders())
def test_the_tax_in_a_price_is_its_exact_part_half_up(order: OrderIn) -> None:
    for item, line in zip(order.items, allocate(order).lines, strict=True):
        exact = (line.goods - line.discount) * item.tax_rate / (100 + item.tax_rate)
        assert abs(Fraction(line.tax) - Fraction(exact)) <= Fraction(1, 2) + Fraction(1, 10**9)


def lines(**fields: Any) -> list[ItemAmounts]:
    """What the lines of an order are worth."""
    return allocate(order_in(**fields)).lines


def test_the_documented_order_is_shared_as_expected() -> None:
    found = lines(
        items=[
            item_in(remote_id="a", goods_minor=1187, tax_rate=Decimal(18)),
            item_in(remote_id="b", goods_minor=500),
        ],
        discounts=[DiscountIn(name="Sale", amount_minor=101)],
        shipping_minor=850,
        fee_minor=3,
        interest_minor=7,
    )

    assert found == [ItemAmounts(1187, 71, 170, 598, 2, 5), ItemAmounts(500, 30, 0, 252, 1, 2)]


def test_lines_that_say_what_they_were_discounted_by_are_believed() -> None:
    items = [
        item_in(remote_id="a", goods_minor=1000, discount_minor=300),
        item_in(remote_id="b", goods_minor=1000, discount_minor=100),
    ]

    found = allocate(order_in(items=items, discount_minor=400))

    assert [line.discount for line in found.lines] == [300, 100]


PAIR = [item_in(remote_id="a"), item_in(remote_id="b")]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"items": []}, "an order needs at least one line"),
        ({"items": [item_in(goods_minor=-1)]}, "a line is worth less than nothing"),
        ({"amount_minor": 999}, "the parts add up to 1000, the order says 999"),
        (
            {"discounts": [DiscountIn(name="x", amount_minor=1001)]},
            "discount 'x' is larger than the lines it touches",
        ),
        (
            {"items": PAIR, "discounts": [DiscountIn(name="x", amount_minor=1001, items=("a",))]},
            "discount 'x' is larger than the lines it touches",
        ),
        (
            {
                "items": PAIR,
                "discounts": [
                    DiscountIn(name="x", amount_minor=600, items=("a",)),
                    DiscountIn(name="y", amount_minor=600, items=("a",)),
                ],
            },
            "a line is discounted by more than it is worth",
        ),
        (
            {"tenders": [TenderIn(kind="card", amount_minor=999, captured_minor=999)]},
            "the payments do not add up to the order's amount",
        ),
        (
            {"items": [item_in(interest_minor=5)], "interest_minor": 6},
            "the lines' interest does not add up to the order's interest",
        ),
    ],
)
def test_parts_that_contradict_each_other_are_refused_with_the_reason(
    fields: dict[str, Any], reason: str
) -> None:
    with pytest.raises(DoesNotAddUp) as refused:
        allocate(order_in(**fields))

    assert str(refused.value) == reason


@pytest.mark.parametrize(
    ("fields", "captured"),
    [
        ({"payment_type": "credit_card"}, 1000),
        ({"payment_type": "pay_on_delivery"}, 0),
        ({"status": Status.PAYMENT_WAITING}, 0),
    ],
)
def test_an_order_without_payments_is_paid_at_once_unless_it_waits_for_money(
    fields: dict[str, Any], captured: int
) -> None:
    (tender,) = allocate(order_in(**fields)).tenders

    assert (tender.amount_minor, tender.captured_minor) == (1000, captured)
