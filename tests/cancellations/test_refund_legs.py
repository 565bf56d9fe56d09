"""Where a plan's money goes: back to its payments, to a bank account, or to loyalty points."""

from decimal import Decimal
from typing import Any

import pytest

from takeback.bank_accounts.bank_account import BankAccount
from takeback.cancellations.commands.confirm_bank_account import confirm_bank_account
from takeback.cancellations.commands.edit import Edit, edit_case
from takeback.cancellations.commands.transition import approve, confirm
from takeback.cancellations.refund_legs import (
    Destination,
    ItemPayment,
    due_by_payments,
    legs_by_destination,
)
from takeback.cancellations.statuses import Kind
from takeback.core.ids import CaseId
from takeback.orders.models import OrderItem, Payment
from takeback.orders.order_input import PaymentIn
from takeback.refunds.allocation import DueItem, PaymentBalance, due_total
from takeback.refunds.commands.retry import send_again
from takeback.refunds.models import Refund
from takeback.refunds.statuses import Means
from tests.cancellations.factories import CUSTOMER, LATER, SCOPE, STAFF, open_case, order_items
from tests.cancellations.refunds import planned, report

ACCOUNT = BankAccount("TR330006100519786457841326", "Ayla Ray")
OTHER_ACCOUNT = BankAccount("DE89370400440532013000", "Bea Ray")
CARD, POINTS, CASH = "credit_card", "loyalty_money", "funds_transfer"

changes_rows = pytest.mark.allow_repeated_queries("a test sends several commands")


def due(item: int | None, goods: int, **fields: int) -> DueItem:
    values = {"units": 1, "discount": 0, "shipping": 0, "fee": 0, "interest": 0} | fields
    return DueItem(order_item=item, goods=goods, adjustment=0, tax=0, tax_rate=Decimal(0), **values)


def balance(payment: int, kind: str, left: int) -> PaymentBalance:
    return PaymentBalance(payment, kind, left, can_refund=kind != CASH)


def legs(
    items: list[DueItem], destinations: dict[int, Destination], *balances: PaymentBalance
) -> list[tuple[int, str, int, list[int | None]]]:
    """Payment, means, amount and items of each leg; its parts add up to the amount."""
    rows = legs_by_destination(items, destinations, balances)
    for leg in rows:
        assert due_total(leg.parts) == leg.amount
        assert len({part.order_item for part in leg.parts}) == len(leg.parts)
    return [
        (leg.payment, leg.means.value, leg.amount, [part.order_item for part in leg.parts])
        for leg in rows
    ]


CARD_ONLY, IN_POINTS = Destination(), Destination(as_loyalty=True)
FIRST_BANK, SECOND_BANK = Destination(account="a"), Destination(account="b")


class TestDestinations:
    def test_cases_with_one_destination_share_a_refund(self) -> None:
        rows = legs(
            [due(1, 100), due(2, 200)], {1: CARD_ONLY, 2: CARD_ONLY}, balance(1, CARD, 1000)
        )
        assert rows == [(1, "original", 300, [1, 2])]

    def test_card_is_refunded_once_whatever_accounts_were_entered(self) -> None:
        rows = legs(
            [due(1, 100), due(2, 200)], {1: FIRST_BANK, 2: CARD_ONLY}, balance(1, CARD, 1000)
        )
        assert rows == [(1, "original", 300, [2, 1])]

    def test_each_bank_account_gets_a_refund_of_its_own(self) -> None:
        rows = legs(
            [due(1, 100), due(2, 200), due(3, 50)],
            {1: SECOND_BANK, 2: FIRST_BANK, 3: SECOND_BANK},
            balance(1, CASH, 1000),
        )
        assert rows == [(1, "bank_transfer", 200, [2]), (1, "bank_transfer", 150, [1, 3])]

    def test_cash_without_an_account_is_left_to_a_person(self) -> None:
        rows = legs([due(1, 100)], {1: CARD_ONLY}, balance(1, CASH, 1000))
        assert rows == [(1, "manual", 100, [1])]

    def test_points_on_request_come_first_and_leave_the_card_to_others(self) -> None:
        rows = legs(
            [due(1, 100), due(2, 200)],
            {1: CARD_ONLY, 2: IN_POINTS},
            balance(1, POINTS, 200),
            balance(2, CARD, 100),
        )
        assert rows == [(1, "loyalty", 200, [2]), (2, "original", 100, [1])]

    def test_what_belongs_to_the_order_goes_with_the_last_destination(self) -> None:
        rows = legs(
            [due(1, 100), due(2, 200), due(None, 0, shipping=30)],
            {1: FIRST_BANK, 2: SECOND_BANK},
            balance(1, CASH, 1000),
        )
        assert rows == [(1, "bank_transfer", 100, [1]), (1, "bank_transfer", 230, [2, None])]

    def test_item_is_divided_between_two_payments(self) -> None:
        rows = legs(
            [due(1, 100), due(2, 200)],
            {1: CARD_ONLY, 2: CARD_ONLY},
            balance(1, CARD, 150),
            balance(2, CARD, 150),
        )
        assert rows == [(1, "original", 150, [1, 2]), (2, "original", 150, [2])]

    def test_nothing_due_needs_no_refund(self) -> None:
        assert legs([], {}, balance(1, CARD, 10)) == []
        assert legs([due(1, 0)], {1: CARD_ONLY}, balance(1, CARD, 10)) == []


class TestPayments:
    def test_amounts_of_payments_add_up(self) -> None:
        rows = due_by_payments(
            [due(1, 1000), due(2, 2000)],
            [ItemPayment(1250, frozenset({1, 2})), ItemPayment(1700, frozenset({1}))],
        )
        assert [(row.order_item, row.units, due_total([row])) for row in rows] == [
            (1, 1, 2117),
            (2, 1, 833),
        ]

    def test_equal_payments_are_two(self) -> None:
        payment = ItemPayment(400, frozenset({1}))
        [row] = due_by_payments([due(1, 1000)], [payment, payment])
        assert (row.units, row.goods, row.adjustment) == (1, 1000, -200)

    def test_first_payment_contains_what_belongs_to_the_order(self) -> None:
        rows = due_by_payments(
            [due(1, 1000), due(None, 0, shipping=100)], [ItemPayment(1100, frozenset({1}))]
        )
        assert [(row.order_item, due_total([row])) for row in rows] == [(1, 1000), (None, 100)]

    def test_payment_for_nothing_due_pays_nothing(self) -> None:
        assert due_by_payments([], [ItemPayment(0, frozenset({1}))]) == []


def paid_in_cash(*goods: int, kind: str = CASH, captured: bool = True) -> list[OrderItem]:
    """Items of an order that was paid in cash or by transfer."""
    total = sum(goods)
    payment = PaymentIn(kind=kind, amount_minor=total, captured_minor=total * captured)
    prices = [{"goods_minor": minor} for minor in goods]
    return order_items(*prices, payments=[payment], payment_type=kind)


def second_persons() -> list[bool]:
    return [refund.needs_second_person for refund in Refund.objects.order_by("pk")]


def approved(case: CaseId) -> None:
    approve(case, SCOPE, actor=STAFF, now=LATER)


@changes_rows
@pytest.mark.django_db
class TestBankAccounts:
    def test_confirmed_account_gets_a_transfer(self) -> None:
        case = open_case(paid_in_cash(1000)[0], bank_account=ACCOUNT, is_account_trusted=True)
        approved(case)

        assert planned() == [(CASH, "bank_transfer", 1000, "planned")]
        assert second_persons() == [False]

    def test_unconfirmed_account_gets_no_transfer(self) -> None:
        item = paid_in_cash(1000)[0]
        approved(open_case(item, bank_account=ACCOUNT, is_account_trusted=False))

        assert planned() == [(CASH, "manual", 1000, "planned")]
        assert second_persons() == [True]

    def test_account_confirmed_before_the_approval_gets_a_transfer(self) -> None:
        case = open_case(paid_in_cash(1000)[0], bank_account=ACCOUNT, is_account_trusted=False)
        confirm_bank_account(case, actor=CUSTOMER, now=LATER)
        approved(case)

        assert planned() == [(CASH, "bank_transfer", 1000, "planned")]

    def test_changed_account_needs_a_second_person(self) -> None:
        case = open_case(paid_in_cash(1000)[0], bank_account=ACCOUNT, is_account_trusted=True)
        edit_case(
            case,
            SCOPE,
            Edit(bank_account=OTHER_ACCOUNT),
            actor=STAFF,
            now=LATER,
            is_account_trusted=True,
        )
        approved(case)

        assert planned() == [(CASH, "bank_transfer", 1000, "planned")]
        assert second_persons() == [True]

    def test_accounts_of_two_cases_get_two_transfers(self) -> None:
        first, second = paid_in_cash(1000, 2000)
        cases = [
            open_case(first, bank_account=ACCOUNT, is_account_trusted=True),
            open_case(second, bank_account=OTHER_ACCOUNT, is_account_trusted=True),
        ]
        for case in cases:
            confirm(case, SCOPE, actor=STAFF, now=LATER)
        for case in cases:
            approved(case)

        assert sorted(planned()) == [
            (CASH, "bank_transfer", 1000, "planned"),
            (CASH, "bank_transfer", 2000, "planned"),
        ]

    def test_points_on_request_replace_the_transfer(self) -> None:
        approved(open_case(paid_in_cash(1000)[0], refund_to_loyalty=True))

        assert planned() == [(CASH, "loyalty", 1000, "planned")]

    def test_card_order_with_an_account_is_refunded_to_the_card(self) -> None:
        item = order_items({"goods_minor": 1000})[0]
        approved(open_case(item, bank_account=ACCOUNT, is_account_trusted=True))

        assert planned() == [(CARD, "original", 1000, "planned")]
        assert second_persons() == [False]


@changes_rows
@pytest.mark.django_db
class TestCashOnDelivery:
    def items(self, *statuses: int, **fields: Any) -> list[OrderItem]:
        """Items of 10.00 each in an order that is paid on delivery."""
        items = [{"status": status} for status in statuses]
        return order_items(*items, payment_type="pay_on_delivery", **fields)

    def refund(self, item: OrderItem, kind: Kind) -> None:
        approved(open_case(item, kind=kind, bank_account=ACCOUNT, is_account_trusted=True))

    def captured(self) -> list[int]:
        return list(Payment.objects.values_list("captured_minor", flat=True))

    def test_cancelling_before_the_delivery_pays_nothing(self) -> None:
        self.refund(self.items(400)[0], Kind.CANCEL)

        assert (planned(), self.captured()) == ([], [0])

    def test_returning_delivered_goods_pays_what_was_collected(self) -> None:
        self.refund(self.items(550)[0], Kind.RETURN)

        assert planned() == [("pay_on_delivery", "bank_transfer", 1000, "planned")]
        assert self.captured() == [1000]

    def test_goods_that_were_not_handed_over_were_not_paid(self) -> None:
        self.refund(self.items(500)[0], Kind.RETURN)

        assert (planned(), self.captured()) == ([], [0])

    def test_part_of_an_order_that_was_delivered_was_paid(self) -> None:
        delivered, _, _ = self.items(550, 500, 400)
        self.refund(delivered, Kind.RETURN)

        assert planned() == [("pay_on_delivery", "bank_transfer", 1000, "planned")]
        assert self.captured() == [1000]

    def test_item_that_waits_for_its_case_was_delivered_before(self) -> None:
        first, second = self.items(550, 550)
        confirm(open_case(second, kind=Kind.RETURN, bank_account=ACCOUNT), SCOPE,
                actor=STAFF, now=LATER)  # fmt: skip
        self.refund(first, Kind.RETURN)

        assert self.captured() == [2000]

    def test_reported_capture_is_not_lowered(self) -> None:
        payment = PaymentIn(kind="pay_on_delivery", amount_minor=2000, captured_minor=1500)
        items = self.items(550, 500, payments=[payment])
        self.refund(items[0], Kind.RETURN)

        assert self.captured() == [1500]

    @pytest.mark.parametrize("kind", [CASH, "redirection"])
    def test_other_payments_are_captured_when_they_are_reported(self, kind: str) -> None:
        item = paid_in_cash(1000, kind=kind, captured=False)[0]
        OrderItem.objects.update(status=550)
        self.refund(item, Kind.RETURN)

        assert (planned(), self.captured()) == ([], [0])


def test_means_are_those_of_the_capability_of_a_payment() -> None:
    [leg] = legs_by_destination(
        [due(1, 100)], {1: FIRST_BANK}, [PaymentBalance(1, "gpay", 100, can_refund=False)]
    )
    assert leg.means is Means.BANK_TRANSFER


@pytest.mark.django_db
@changes_rows
def test_money_of_a_failed_refund_is_not_given_to_another_plan() -> None:
    payments = [
        PaymentIn(kind=CARD, amount_minor=1000, captured_minor=1000),
        PaymentIn(kind="gift_card", amount_minor=1000, captured_minor=1000),
    ]
    first, second = order_items({"goods_minor": 1000}, {"goods_minor": 1000}, payments=payments)
    approve(open_case(first), SCOPE, actor=STAFF, now=LATER)
    report(Refund.objects.get(), "failed")

    approve(open_case(second), SCOPE, actor=STAFF, now=LATER)
    send_again(Refund.objects.get(status="failed").pk, actor=STAFF, now=LATER)

    assert planned() == [
        (CARD, "original", 1000, "failed"),
        ("gift_card", "original", 1000, "planned"),
        (CARD, "original", 1000, "planned"),
    ]
