"""What a plan gives back, by item and component; rows name public bug reports of other shops."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from takeback.cancellations.commands.transition import approve, confirm, reject
from takeback.cancellations.models import CancellationPlan
from takeback.cancellations.plans import DEFAULT_TERMS, RefundTerms, cases_of_plan, refund_total
from takeback.cancellations.refund_due import due_items, points_of_plan
from takeback.cancellations.refund_legs import refund_legs
from takeback.cancellations.statuses import Kind
from takeback.cancellations.strategy import StrategyOne
from takeback.core.ids import CaseId, PlanId
from takeback.orders.models import Order, OrderItem
from takeback.orders.order_input import LoyaltyIn, PaymentIn
from takeback.refunds.allocation import DueItem, due_total, included_tax
from takeback.refunds.models import Refund
from tests.cancellations.factories import LATER, SCOPE, STAFF, open_case, order_items
from tests.factories import NOW
from tests.refunds.payments import make_returnable

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several commands"),
]

CARGO = RefundTerms(is_cargo_refund=True)
SHIPPED: dict[str, Any] = {"status": 550, "delivered_date": NOW}


class GivesNothing(StrategyOne):
    """Withholds discounts and keeps shipping costs."""

    def refunds_discounts(self) -> bool:
        return False

    def refunds_shipping(self, kind: Kind) -> bool:
        return False


def confirmed(item: OrderItem, *, terms: RefundTerms = DEFAULT_TERMS, **fields: Any) -> CaseId:
    """A confirmed case for an item."""
    case = open_case(item, **fields)
    confirm(case, SCOPE, actor=STAFF, now=LATER, terms=terms)
    return case


def approved(item: OrderItem, *, terms: RefundTerms = DEFAULT_TERMS, **fields: Any) -> CaseId:
    """An approved case for an item."""
    case = confirmed(item, terms=terms, **fields)
    approve(case, SCOPE, actor=STAFF, now=LATER)
    return case


def plans() -> list[CancellationPlan]:
    """The plans that are not rejected, oldest first."""
    return list(CancellationPlan.objects.exclude(status="rejected").order_by("pk"))


def due_of(plan: CancellationPlan) -> list[DueItem]:
    """What a plan gives back; it always adds up to the plan's refund."""
    items = due_items(plan, cases_of_plan(PlanId(plan.pk)))
    assert due_total(items) == refund_total(plan)
    return items


def amounts() -> list[list[int]]:
    """The amounts of each plan, by item; what belongs to the order comes last."""
    return [[item.amount for item in due_of(plan)] for plan in plans()]


def legs_of(plan: CancellationPlan) -> list[tuple[str, int]]:
    """The means and amounts of a plan's refunds; providers can return the payments."""
    make_returnable()
    legs = refund_legs(plan, cases_of_plan(PlanId(plan.pk)))
    return [(leg.means.value, leg.amount) for leg in legs]


def refunds_of(plan: CancellationPlan) -> list[tuple[str, int]]:
    """The means and amounts of the refunds of an approved plan."""
    refunds = Refund.objects.filter(plan_id=plan.pk).order_by("pk")
    return list(refunds.values_list("means", "amount_minor"))


def paid_with(*payments: tuple[str, int]) -> list[PaymentIn]:
    """Captured payments of an order."""
    return [
        PaymentIn(kind=kind, amount_minor=minor, captured_minor=minor) for kind, minor in payments
    ]


def test_every_component_of_a_unit_goes_back() -> None:
    [item] = order_items(
        {"quantity": 3, "goods_minor": 1000, "tax_rate": Decimal(20)},
        discount_minor=100,
        shipping_minor=200,
        fee_minor=4,
        interest_minor=5,
    )

    confirmed(item, quantity=1)

    [unit] = due_of(plans()[0])
    expected = DueItem(unit.order_item, 1, 334, 34, 0, 2, 2, 0, 50, Decimal(20))
    assert unit == expected
    assert unit.order_item != item.pk, "the units became an item of their own"


class TestShipping:
    @pytest.fixture
    def items(self) -> list[OrderItem]:
        """Items of 10 and 20 in an order with shipping of 6 at 20 percent."""
        prices = [{"goods_minor": 1000}, {"goods_minor": 2000}]
        return order_items(*prices, shipping_minor=600, shipping_tax_rate=Decimal(20))

    def test_row_64_shipping_goes_back_with_the_last_unit(self, items: list[OrderItem]) -> None:
        for item in items:
            approved(item)

        assert amounts() == [[1000], [2000, 600]]
        assert due_of(plans()[1])[1] == DueItem(None, 0, 0, 0, 600, 0, 0, 0, 100, Decimal(20))

    def test_shipping_of_units_goes_back_on_request_and_the_rest_at_the_end(
        self, items: list[OrderItem]
    ) -> None:
        approved(items[0], terms=CARGO)
        approved(items[1])

        assert amounts() == [[1000, 200], [2000, 400]]
        taxes = [due_of(plan)[1].tax for plan in plans()]
        assert (taxes, sum(taxes)) == ([33, 67], included_tax(600, Decimal(20)))

    def test_one_plan_of_all_units_gives_back_all_shipping(self, items: list[OrderItem]) -> None:
        for item in items:
            confirmed(item)

        assert amounts() == [[1000, 2000, 600]]

    def test_shipping_waits_for_the_decision_about_other_units(
        self, items: list[OrderItem]
    ) -> None:
        first = confirmed(items[0], terms=CARGO)
        last = confirmed(items[1])
        assert amounts() == [[1000, 200], [2000]]

        approve(first, SCOPE, actor=STAFF, now=LATER)
        assert amounts() == [[1000, 200], [2000]]
        approve(last, SCOPE, actor=STAFF, now=LATER)

        assert amounts() == [[1000, 200], [2000, 400]]

    def test_shipping_stays_when_a_unit_is_kept_after_all(self, items: list[OrderItem]) -> None:
        first = confirmed(items[0])
        approved(items[1], terms=RefundTerms(refund_invoice_number="R-1"))
        reject(first, SCOPE, actor=STAFF, now=LATER)

        assert amounts() == [[2000]]

    def test_rest_of_shipping_is_limited_by_refunds_made_elsewhere(
        self, items: list[OrderItem]
    ) -> None:
        Order.objects.update(refunded_elsewhere_minor=250)

        for item in items:
            approved(item)

        assert amounts() == [[1000], [2000, 350]]

    def test_row_63_free_shipping_is_not_given_back(self) -> None:
        [item] = order_items({"goods_minor": 1000}, shipping_minor=0)

        approved(item, terms=CARGO)

        assert amounts() == [[1000]]

    def test_row_64_returns_of_two_invoices_give_back_the_shipping_once(self) -> None:
        rows = [
            {"goods_minor": 1000, "invoice_number": "A", **SHIPPED},
            {"goods_minor": 1000, "invoice_number": "B", **SHIPPED},
        ]
        for item in order_items(*rows, shipping_minor=601, shipping_tax_rate=Decimal(9)):
            approved(item, kind=Kind.RETURN, terms=CARGO)

        assert amounts() == [[1000, 301], [1000, 300]]
        taxes = [due_of(plan)[1].tax for plan in plans()]
        assert sum(taxes) == included_tax(601, Decimal(9))


class TestPayments:
    def test_row_59_one_of_two_units_on_two_payments_goes_back_once(self) -> None:
        payments = paid_with(("credit_card", 6000), ("gift_card", 4000))
        [item] = order_items({"goods_minor": 10000, "quantity": 2}, payments=payments)
        make_returnable()

        approved(item, quantity=1)

        assert refunds_of(plans()[0]) == [("original", 5000)]
        approved(OrderItem.objects.order_by("pk")[0])
        assert [refund_total(plan) for plan in plans()] == [5000, 5000]
        assert refunds_of(plans()[1]) == [("original", 1000), ("original", 4000)]

    def test_row_59_an_order_with_a_coupon_gives_back_what_was_charged(self) -> None:
        items = order_items({"goods_minor": 6000}, {"goods_minor": 5000}, discount_minor=1000)

        for item in items:
            confirmed(item)

        assert amounts() == [[5455, 4545]]
        assert legs_of(plans()[0]) == [("original", 10000)]

    def test_row_59_a_coupon_for_everything_needs_no_payment(self) -> None:
        [item] = order_items({"goods_minor": 1000}, discount_minor=1000)

        approved(item)

        assert amounts() == [[]]
        assert legs_of(plans()[0]) == []

    def test_row_67_points_go_back_as_points_and_the_rest_as_it_was_paid(self) -> None:
        payments = paid_with(("credit_card", 700), ("loyalty_money", 300))
        [item] = order_items({"goods_minor": 1000}, payments=payments)
        make_returnable()

        approved(item)

        assert refunds_of(plans()[0]) == [("loyalty", 300), ("original", 700)]

    def test_cases_of_one_plan_can_have_different_destinations(self) -> None:
        first, second = order_items({"goods_minor": 1000}, {"goods_minor": 500})

        confirmed(first)
        confirmed(second, refund_to_loyalty=True)

        assert legs_of(plans()[0]) == [("loyalty", 500), ("original", 1000)]

    @pytest.mark.parametrize("payment_type", ["credit_card", "pay_on_delivery"])
    def test_money_that_was_not_captured_does_not_go_back(self, payment_type: str) -> None:
        payments = [PaymentIn(kind=payment_type, amount_minor=1000, captured_minor=0)]
        [item] = order_items({"goods_minor": 1000}, payments=payments, payment_type=payment_type)

        approved(item)

        assert [(plan.status, refund_total(plan)) for plan in plans()] == [("completed", 0)]
        assert amounts() == [[]]


class TestFees:
    def test_fee_goes_back_by_units(self) -> None:
        [item] = order_items({"goods_minor": 1000, "quantity": 3}, fee_minor=100)

        approved(item, quantity=1)

        assert [part.fee for part in due_of(plans()[0])] == [34]

    @pytest.mark.parametrize(
        ("kind", "expected"), [(Kind.CANCEL, [1000, 150]), (Kind.RETURN, [1000, 0])]
    )
    def test_fee_for_cash_on_delivery_goes_back_with_a_cancellation(
        self, kind: Kind, expected: list[int]
    ) -> None:
        fields = SHIPPED if kind is Kind.RETURN else {}
        payments = paid_with(("credit_card", 1150))
        [item] = order_items(
            {"goods_minor": 1000, **fields},
            fee_minor=150,
            payments=payments,
            payment_type="pay_on_delivery",
        )

        approved(item, kind=kind)

        assert [[part.goods, part.fee] for part in due_of(plans()[0])] == [expected]


class TestForcedAmounts:
    def test_row_68_forced_amount_keeps_the_share_of_the_tax(self) -> None:
        item = order_items({"goods_minor": 2180, "tax_rate": Decimal(9)})[0]

        approved(item, terms=RefundTerms(forced_refund_minor=2000))

        [part] = due_of(plans()[0])
        assert (part.goods, part.adjustment, part.amount, part.tax) == (2180, -180, 2000, 165)

    def test_forced_amount_covers_shipping_and_rounding(self) -> None:
        items = order_items(
            {"goods_minor": 50},
            {"goods_minor": 49},
            shipping_minor=10,
            amount_minor=110,
            may_round=True,
        )
        approved(items[0])
        approved(items[1], terms=RefundTerms(forced_refund_minor=30))

        assert [refund_total(plan) for plan in plans()] == [50, 30]
        assert amounts() == [[50], [25, 5]]

    def test_row_65_amounts_of_a_plan_survive_another_strategy(self, settings: Any) -> None:
        items = order_items({"goods_minor": 1000}, discount_minor=100, shipping_minor=600)
        approved(items[0])
        settings.CANCELLATION_STRATEGY = f"{__name__}.GivesNothing"

        assert [sum(plan) for plan in amounts()] == [1500]


def test_row_61_thirds_go_back_to_the_last_minor_unit() -> None:
    [item] = order_items({"goods_minor": 399, "quantity": 3}, discount_minor=1)

    for _ in range(3):
        live = OrderItem.objects.filter(status=item.status).order_by("pk")[0]
        approved(live, quantity=1)

    assert amounts() == [[132], [133], [133]]


def test_row_66_a_return_of_one_of_three_discounted_units() -> None:
    [item] = order_items({"goods_minor": 435, "quantity": 3, **SHIPPED}, discount_minor=135)

    approved(item, quantity=1, kind=Kind.RETURN)

    assert amounts() == [[100]]


class TestPoints:
    def earned(self, *prices: dict[str, Any], points: int = 100) -> list[OrderItem]:
        """Items of an order that earned points, and spent others."""
        loyalty = [
            LoyaltyIn(uuid=UUID(int=1), amount_minor=points),
            LoyaltyIn(uuid=UUID(int=2), amount_minor=-50),
        ]
        return order_items(*prices, loyalty=loyalty)

    def points(self) -> list[int]:
        return [points_of_plan(plan, cases_of_plan(PlanId(plan.pk))) for plan in plans()]

    def test_row_67_earned_points_go_back_with_their_goods(self) -> None:
        first, second = self.earned({"goods_minor": 1000}, {"goods_minor": 2000})
        approved(first)
        assert self.points() == [33]

        OrderItem.objects.filter(pk=first.pk).update(status=100, units_closed=1)
        approved(second)

        assert self.points()[1] == 67

    def test_goods_that_went_back_before_count_once(self) -> None:
        [item] = self.earned({"goods_minor": 999, "quantity": 3})
        OrderItem.objects.update(refunded_elsewhere_quantity=1)

        approved(item)

        assert self.points() == [67]

    def test_order_without_points_has_none_to_return(self) -> None:
        [item] = order_items({"goods_minor": 1000})

        approved(item)

        assert self.points() == [0]


def test_due_names_the_items_of_remaining_cases_only() -> None:
    first, second = order_items({"goods_minor": 1000}, {"goods_minor": 2000})
    confirmed(first)
    case = confirmed(second)
    reject(case, SCOPE, actor=STAFF, now=LATER)

    assert [part.order_item for part in due_of(plans()[0])] == [first.pk]
