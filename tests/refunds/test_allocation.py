"""What is due, and which payments give it back; rows name public bug reports of other shops."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from takeback.refunds.allocation import (
    DueItem,
    NotEnoughLeft,
    PaymentBalance,
    PaymentOrder,
    RefundLeg,
    allocate,
    due_of_order,
    due_of_units,
    due_total,
    included_tax,
    merged_legs,
    points_to_return,
    shipping_due,
    shipping_tax,
    with_forced_amount,
    with_rounding,
)
from takeback.refunds.statuses import Means
from tests.refunds.sales import Item

RATE = Decimal(20)


def item(pk: int = 1, **amounts: Any) -> Item:
    """An item of one unit without amounts, except these."""
    names = ("goods", "discount", "tax", "shipping", "fee", "interest")
    values: dict[str, Any] = {f"{name}_minor": amounts.pop(name, 0) for name in names}
    return Item(pk=pk, quantity=amounts.pop("quantity", 1), tax_rate=RATE, **values)


def due(pk: int | None = 1, goods: int = 0, **amounts: Any) -> DueItem:
    """What is due for one unit of an item."""
    values: dict[str, Any] = dict.fromkeys(DueItem._fields, 0) | {"units": 1, "tax_rate": RATE}
    return DueItem(**values | amounts | {"order_item": pk, "goods": goods})


def balance(pk: int, left: int, kind: str = "credit_card", **fields: Any) -> PaymentBalance:
    return PaymentBalance(pk, kind, left, fields.get("can_refund", True))


def legs(
    items: Sequence[DueItem], *payments: PaymentBalance, **options: Any
) -> list[tuple[int, str, int]]:
    """The payment, means and amount of each leg."""
    rows = allocate(items, payments, PaymentOrder.LOYALTY_FIRST, **options)
    return [(leg.payment, leg.means.value, leg.amount) for leg in rows]


def paid_parts(items: Sequence[DueItem], *payments: PaymentBalance) -> list[tuple[DueItem, ...]]:
    """The parts of each leg."""
    return [leg.parts for leg in allocate(items, payments, PaymentOrder.LOYALTY_FIRST)]


def test_units_are_worth_what_was_allocated_to_them() -> None:
    bought = item(quantity=3, goods=1000, discount=100, shipping=200, fee=4, interest=5, tax=152)

    first, rest = due_of_units(bought, 0, 1), due_of_units(bought, 1, 2)

    assert first == DueItem(1, 1, 334, 34, 67, 2, 2, 0, 51, RATE)
    assert rest == DueItem(1, 2, 666, 66, 133, 2, 3, 0, 101, RATE)
    assert (first.amount, rest.amount) == (371, 738)


class TestPayments:
    def test_payments_give_back_in_the_order_of_their_arrival(self) -> None:
        items = [due(goods=1000)]

        assert legs(items, balance(1, 600), balance(2, 900)) == [
            (1, "original", 600),
            (2, "original", 400),
        ]

    def test_row_67_spent_points_go_back_before_money(self) -> None:
        points = balance(2, 300, "loyalty_money")

        assert legs([due(goods=1000)], balance(1, 900), points) == [
            (2, "loyalty", 300),
            (1, "original", 700),
        ]

    def test_row_67_points_are_not_paid_as_money_again(self) -> None:
        spent = [balance(1, 0, "loyalty_money"), balance(2, 700)]

        assert legs([due(goods=700)], *spent) == [(2, "original", 700)]

    def test_all_is_credited_as_points_on_request(self) -> None:
        payments = balance(1, 600), balance(2, 900)

        assert legs([due(goods=1000)], *payments, as_loyalty=True) == [
            (1, "loyalty", 600),
            (2, "loyalty", 400),
        ]

    @pytest.mark.parametrize(("to_bank", "means"), [(True, "bank_transfer"), (False, "manual")])
    def test_row_69_a_payment_that_cannot_be_returned_goes_another_way(
        self, *, to_bank: bool, means: str
    ) -> None:
        cash = balance(1, 1000, "pay_on_delivery", can_refund=False)
        payments = cash, balance(2, 1000)

        assert legs([due(goods=1500)], *payments, to_bank=to_bank) == [
            (1, means, 1000),
            (2, "original", 500),
        ]

    def test_payments_without_money_left_are_skipped(self) -> None:
        payments = balance(1, 0), balance(2, -50), balance(3, 100)

        assert legs([due(goods=100)], *payments) == [(3, "original", 100)]

    def test_row_60_more_than_is_left_is_refused_as_a_whole(self) -> None:
        with pytest.raises(NotEnoughLeft) as refusal:
            legs([due(goods=1000)], balance(1, 600), balance(2, 399))

        assert refusal.value.missing == 1

    def test_row_59_nothing_due_needs_no_payment(self) -> None:
        free = due(goods=1000, discount=1000)

        assert legs([free]) == []
        assert legs([]) == []


class TestDivision:
    def test_row_59_an_item_on_two_payments_is_not_doubled(self) -> None:
        bought = due(goods=7000, discount=1000, shipping=0, tax=1000, units=2)

        first, second = paid_parts([bought], balance(1, 4000, "gift_card"), balance(2, 6000))

        assert first == (DueItem(1, 2, 4667, 667, 0, 0, 0, 0, 667, RATE),)
        assert second == (DueItem(1, 0, 2333, 333, 0, 0, 0, 0, 333, RATE),)

    def test_items_are_taken_one_after_the_other(self) -> None:
        items = [due(1, 500), due(2, 300), due(3, 200)]

        first, second = paid_parts(items, balance(1, 600), balance(2, 600))

        assert [(part.order_item, part.goods, part.units) for part in first] == [
            (1, 500, 1),
            (2, 100, 1),
        ]
        assert [(part.order_item, part.goods, part.units) for part in second] == [
            (2, 200, 0),
            (3, 200, 1),
        ]

    def test_a_free_item_comes_along(self) -> None:
        items = [due(1, 500), due(2, 100, discount=100), due(3, 500)]

        first, second = paid_parts(items, balance(1, 500), balance(2, 500))

        assert [part.order_item for part in first] == [1, 2]
        assert [part.order_item for part in second] == [3]

    def test_every_component_is_divided_in_proportion(self) -> None:
        mixed = due(
            goods=1001, discount=100, shipping=50, fee=25, interest=30, adjustment=-6, tax=167
        )
        assert mixed.amount == 1000

        halves = paid_parts([mixed], balance(1, 500), balance(2, 500))

        assert halves == [
            (DueItem(1, 1, 501, 50, 25, 12, 15, -3, 84, RATE),),
            (DueItem(1, 0, 500, 50, 25, 13, 15, -3, 83, RATE),),
        ]

    @given(
        st.lists(
            st.tuples(
                st.integers(0, 10**6),
                st.integers(0, 100),
                *(st.integers(0, 2000) for _ in range(4)),
                st.integers(0, 50),
            ),
            min_size=1,
            max_size=5,
        ),
        st.lists(st.integers(-5, 10**5), max_size=4),
    )
    def test_parts_add_up_for_any_items_and_payments(
        self, rows: list[tuple[int, ...]], lefts: list[int]
    ) -> None:
        items = [
            with_forced_amount(
                [
                    due(
                        number,
                        goods,
                        discount=goods * off // 100,
                        shipping=shipping,
                        fee=fee,
                        interest=interest,
                        tax=goods // 6,
                        units=2,
                    )
                ],
                forced,
            )[0]
            if rate > 25
            else due(number, goods, discount=goods * off // 100, shipping=shipping, fee=fee)
            for number, (goods, off, shipping, fee, interest, forced, rate) in enumerate(rows)
        ]
        payments = [balance(number, left) for number, left in enumerate(lefts)]
        payments.append(balance(99, due_total(items)))

        rows_of_legs = allocate(items, payments, PaymentOrder.LOYALTY_FIRST)

        parts = [part for leg in rows_of_legs for part in leg.parts]
        assert all(due_total(leg.parts) == leg.amount > 0 for leg in rows_of_legs)
        assert sum(leg.amount for leg in rows_of_legs) == due_total(items)
        for bought in items if parts else ():
            own = [part for part in parts if part.order_item == bought.order_item]
            assert [sum(column) for column in zip(*(part[1:9] for part in own), strict=True)] == [
                *bought[1:9]
            ]
            assert all(part.amount >= 0 and part.tax >= 0 for part in own)


class TestForcedAmounts:
    def test_difference_is_shared_in_proportion(self) -> None:
        items = with_forced_amount([due(1, 1000), due(2, 500), due(3, 0)], 1000)

        assert [part.adjustment for part in items] == [-333, -167, 0]
        assert due_total(items) == 1000

    def test_more_than_is_due_is_an_adjustment_too(self) -> None:
        items = with_forced_amount([due(1, 200), due(2, 100)], 301)

        assert [part.adjustment for part in items] == [1, 0]

    def test_nothing_is_a_forced_amount(self) -> None:
        [part] = with_forced_amount([due(goods=100, tax=17)], 0)

        assert (part.amount, part.adjustment, part.tax) == (0, -100, 0)

    def test_row_68_tax_of_a_part_is_a_part_of_the_tax(self) -> None:
        sold = due(goods=2180, tax=180)._replace(tax_rate=Decimal(9))

        [part] = with_forced_amount([sold], 2000)

        assert (part.amount, part.tax) == (2000, 165)
        assert included_tax(2000, Decimal(9)) == 165

    def test_row_68_two_steps_of_299_leave_nothing(self) -> None:
        bought = item(quantity=2, goods=299, tax=50)

        first, second = due_of_units(bought, 0, 1), due_of_units(bought, 1, 1)

        assert [part.amount for part in (first, second)] == [150, 149]
        assert [part.tax for part in (first, second)] == [25, 25]

    def test_row_68_each_rate_keeps_its_tax(self) -> None:
        items = [
            due(1, 1190, tax=190)._replace(tax_rate=Decimal(19)),
            due(2, 1070, tax=70)._replace(tax_rate=Decimal(7)),
        ]

        forced = with_forced_amount(items, 1130)

        assert [(part.tax_rate, part.amount, part.tax) for part in forced] == [
            (Decimal(19), 595, 95),
            (Decimal(7), 535, 35),
        ]

    def test_goodwill_for_a_free_item_includes_its_tax(self) -> None:
        [part] = with_forced_amount([due(goods=0)], 120)

        assert (part.amount, part.tax) == (120, 20)

    @pytest.mark.parametrize(("items", "forced"), [([due(goods=1)], -1), ([], 5)])
    def test_forced_amount_needs_items_and_is_not_negative(
        self, items: list[DueItem], forced: int
    ) -> None:
        with pytest.raises(ValueError, match="forced amount"):
            with_forced_amount(items, forced)


class TestRounding:
    @pytest.mark.parametrize("rounding", [-1, 1])
    def test_last_item_carries_the_rounding_without_tax(self, rounding: int) -> None:
        items = with_rounding([due(1, 50, tax=8), due(2, 49, tax=8)], rounding)

        assert [(part.amount, part.adjustment, part.tax) for part in items] == [
            (50, 0, 8),
            (49 + rounding, rounding, 8),
        ]

    def test_free_item_cannot_carry_a_negative_rounding(self) -> None:
        items = with_rounding([due(1, 50), due(2, 0)], -1)

        assert [part.amount for part in items] == [49, 0]

    def test_items_of_less_than_the_rounding_share_it(self) -> None:
        items = with_rounding([due(1, 1), due(2, 1)], -2)

        assert [part.amount for part in items] == [0, 0]


class TestShipping:
    def test_row_64_shipping_stays_until_the_last_plan(self) -> None:
        first = shipping_due(600, others=0, of_units=0, is_last=False, room=9000)
        last = shipping_due(600, others=first, of_units=0, is_last=True, room=9000)

        assert (first, last) == (0, 600)

    def test_row_64_shipping_on_request_is_not_paid_twice(self) -> None:
        assert shipping_due(600, others=100, of_units=200, is_last=False, room=0) == 200
        assert shipping_due(600, others=600, of_units=200, is_last=True, room=9000) == 0

    def test_row_63_free_shipping_gives_nothing_back(self) -> None:
        assert shipping_due(0, others=0, of_units=0, is_last=True, room=9000) == 0

    def test_rest_of_shipping_is_limited_by_what_is_left(self) -> None:
        assert shipping_due(600, others=0, of_units=0, is_last=True, room=250) == 250
        assert shipping_due(600, others=0, of_units=0, is_last=True, room=-5) == 0

    def test_row_64_taxes_of_shipping_add_up_over_plans(self) -> None:
        shipping = taxes = 0
        for part in (101, 199, 1, 298):
            tax = shipping_tax(part, RATE, others=shipping, others_tax=taxes)
            shipping, taxes = shipping + part, taxes + tax

        assert (shipping, taxes) == (599, included_tax(599, RATE))

    def test_row_64_shipping_has_a_tax_rate_of_its_own(self) -> None:
        sent = due_of_order(shipping=600, tax=100, tax_rate=RATE)

        assert sent == DueItem(None, 0, 0, 0, 600, 0, 0, 0, 100, RATE)
        assert due_of_order(shipping=5, tax=0, tax_rate=None).tax_rate == 0


def test_row_61_the_last_of_three_thirds_goes_back_exactly() -> None:
    items = [item(pk, goods=goods) for pk, goods in enumerate((334, 333, 333), 1)]
    left, paid = 1000, []
    for bought in items:
        [leg] = allocate(
            [due_of_units(bought, 0, 1)], [balance(1, left)], PaymentOrder.LOYALTY_FIRST
        )
        left -= leg.amount
        paid.append(leg.amount)

    assert (paid, left) == ([334, 333, 333], 0)


def test_row_62_a_unit_gives_back_its_tax_in_minor_units() -> None:
    bought = item(quantity=8, goods=100, tax=13)

    taxes = [due_of_units(bought, used, 1).tax for used in range(8)]

    assert (taxes, sum(taxes)) == ([2, 2, 2, 2, 2, 1, 1, 1], 13)


def test_row_66_units_with_a_discount_give_back_what_was_paid() -> None:
    bought = item(quantity=3, goods=435, discount=135)

    amounts = [due_of_units(bought, used, 1).amount for used in range(3)]

    assert amounts == [100, 100, 100]
    assert due_of_units(bought, 0, 3).amount == 300


class TestMergedLegs:
    def test_one_refund_per_payment_and_means(self) -> None:
        first = RefundLeg(1, Means.ORIGINAL, 100, (due(1, 100),))
        second = RefundLeg(1, Means.ORIGINAL, 50, (due(2, 50),))
        points = RefundLeg(1, Means.LOYALTY, 30, (due(3, 30),))

        assert merged_legs([first, points, second]) == [
            RefundLeg(1, Means.ORIGINAL, 150, (due(1, 100), due(2, 50))),
            points,
        ]

    def test_transfers_to_accounts_stay_apart(self) -> None:
        transfers = [
            RefundLeg(1, Means.BANK_TRANSFER, 100, (due(1, 100),)),
            RefundLeg(1, Means.BANK_TRANSFER, 50, (due(2, 50),)),
        ]

        assert merged_legs(transfers) == transfers


@pytest.mark.parametrize(
    ("parts", "expected"),
    [([1, 1, 1], [33, 33, 34]), ([3], [100]), ([2, 1], [66, 34]), ([0, 3], [0, 100])],
)
def test_row_67_earned_points_go_back_once(parts: list[int], expected: list[int]) -> None:
    returned, points = 0, []
    for now in parts:
        points.append(points_to_return(100, 3, returned=returned, now=now))
        returned += now

    assert points == expected


def test_points_of_an_order_without_a_price_stay() -> None:
    assert points_to_return(100, 0, returned=0, now=0) == 0
