"""Bookings of refunds: their order, their place in the chain, and what is refused."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.transaction import TransactionManagementError

from takeback.cancellations.commands.anonymize_customer import close_account
from takeback.orders.models import Order, Payment
from takeback.refunds.commands.book import book, book_found
from takeback.refunds.ledger import START, Cause, next_hash
from takeback.refunds.models import LedgerEntry, LedgerHead, Refund, RefundPart
from takeback.refunds.statuses import Means, Status
from tests import factories
from tests.factories import NOW
from tests.refunds.ledgers import (
    RATE,
    booked,
    charge_back,
    create_account,
    create_payment,
    find,
    move,
    part,
    plan_refund,
    refund_in,
    row_of,
    rows_of,
)
from tests.rigs.races import WON, Clients

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("several bookings in one test"),
]


@pytest.fixture
def payment() -> Payment:
    """A captured payment of 100.00."""
    return create_payment()


def _book(cause: Cause, refund: Refund, parts: list[RefundPart] | None = None) -> int:
    rows = list(RefundPart.objects.filter(refund=refund)) if parts is None else parts
    with transaction.atomic():
        return book(cause, refund, rows, now=NOW)


def test_life_of_a_refund_is_booked_step_by_step(payment: Payment) -> None:
    account = create_account()
    parts = (part(discount_minor=200), part(goods_minor=0, shipping_minor=50))
    refund = plan_refund(payment, *parts, account=account, invoice="R-1")
    move(refund, Status.SENDING, Status.PENDING, Status.CONFIRMED)
    move(refund, Status.RETURNED, now=NOW + timedelta(days=9))

    owed, paid = f"owed:{payment.pk}", f"paid:{factories.SHOP}:card"
    assert booked(payment.order) == [
        (1, "plan", "returns:goods", 1000),
        (1, "plan", "returns:discount", -200),
        (1, "plan", "returns:shipping", 50),
        (1, "plan", owed, -850),
        (2, "confirm", owed, 850),
        (2, "confirm", paid, -850),
        (3, "return", owed, -850),
        (3, "return", paid, 850),
    ]
    rows = rows_of(payment.order)
    assert {row.refund_invoice_number for row in rows} == {"R-1"}
    assert {(row.refund_id, row.payment_id, row.tax_rate, row.currency) for row in rows} == {
        (refund.pk, payment.pk, RATE, "try")
    }
    assert [row.at for row in rows] == [NOW] * 6 + [NOW + timedelta(days=9)] * 2


def test_cancelled_refund_is_owed_no_longer(payment: Payment) -> None:
    refund_in(Status.CANCELLED, payment)
    assert booked(payment.order) == [
        (1, "plan", "returns:goods", 1000),
        (1, "plan", f"owed:{payment.pk}", -1000),
        (2, "cancel", "returns:goods", -1000),
        (2, "cancel", f"owed:{payment.pk}", 1000),
    ]


@pytest.mark.parametrize("status", [Status.FAILED, Status.RETURNED])
def test_replacement_takes_over_what_is_owed(payment: Payment, status: Status) -> None:
    first = refund_in(status, payment, invoice="R-1")
    other = plan_refund(payment, replaces=first, means=Means.BANK_TRANSFER.value)
    move(other, Status.SENDING, Status.CONFIRMED)

    taken_over, paid = rows_of(payment.order)[-4:-2], rows_of(payment.order)[-2:]
    assert [(row.cause, row.refund_id, row.amount_minor) for row in taken_over] == [
        ("plan", first.pk, 1000),
        ("plan", other.pk, -1000),
    ]
    assert [(row.cause, row.account_code) for row in paid] == [
        ("confirm", f"owed:{payment.pk}"),
        ("confirm", "paid:bank_transfer"),
    ]
    assert {row.refund_invoice_number for row in (*taken_over, *paid)} == {"R-1"}


def test_replacement_of_a_cancelled_refund_is_planned_again(payment: Payment) -> None:
    first = refund_in(Status.CANCELLED, payment)
    plan_refund(payment, replaces=first)
    assert booked(payment.order)[-2:] == [
        (3, "plan", "returns:goods", 1000),
        (3, "plan", f"owed:{payment.pk}", -1000),
    ]


def test_facts_from_outside_are_booked_and_taken_back(payment: Payment) -> None:
    find(payment, 300)
    charge_back(payment, 200)
    find(payment, -100)
    assert booked(payment.order) == [
        (1, "found", "found", 300),
        (1, "found", "paid:original", -300),
        (2, "charge_back", "charge_backs", 200),
        (2, "charge_back", "paid:original", -200),
        (3, "found", "found", -100),
        (3, "found", "paid:original", 100),
    ]


def test_account_of_a_fact_is_the_reporting_one_then_the_payments_then_that_of_its_kind(
    payment: Payment,
) -> None:
    serving = create_account("serving", payment_kinds=["card"])
    create_account("inactive", payment_kinds=["card"], is_active=False)
    find(payment, 1)
    payment.account = "named"
    find(payment, 2)
    with transaction.atomic():
        book_found(payment, 3, NOW, account=create_account("reporting"))
    codes = [code for *_, code, amount in booked(payment.order) if amount < 0]
    shop = factories.SHOP
    assert codes == [f"paid:{shop}:serving", f"paid:{shop}:named", f"paid:{shop}:reporting"]
    assert serving.payment_kinds == ["card"]


def test_bookings_of_an_order_form_one_chain_without_gaps(payment: Payment) -> None:
    refund_in(Status.CONFIRMED, payment)
    refund_in(Status.CANCELLED, payment, part(goods_minor=1), part(tax_rate=0))
    other = create_payment("2")
    plan_refund(other)
    find(payment, 5)

    rows = rows_of(payment.order)
    assert [(row.seq, row.side) for row in rows] == [
        *((1, 1), (1, 2), (2, 1), (2, 2)),
        *((3, 1), (3, 2), (3, 3), (3, 4), (4, 1), (4, 2), (4, 3), (4, 4)),
        *((5, 1), (5, 2)),
    ]
    last = START
    for row in rows:
        last = next_hash(last, row_of(row))
        assert row.hash == last
    heads = LedgerHead.objects.order_by("pk").values_list("order_id", "seq", "hash")
    assert list(heads) == [
        (payment.order_id, 5, rows[-1].hash),
        (other.order_id, 1, rows_of(other.order)[-1].hash),
    ]


REFUSED: list[tuple[Status, Cause, str]] = [
    (Status.PLANNED, Cause.PLAN, "it is booked as plan already"),
    (Status.CONFIRMED, Cause.CONFIRM, "it is booked as confirm already"),
    (Status.RETURNED, Cause.RETURN, "it is booked as return already"),
    (Status.CANCELLED, Cause.CANCEL, "it is booked as cancel already"),
    (Status.PLANNED, Cause.RETURN, "return is booked after confirm"),
]


@pytest.mark.parametrize(("status", "cause", "reason"), REFUSED)
def test_booking_out_of_order_is_refused(
    payment: Payment, status: Status, cause: Cause, reason: str
) -> None:
    refund = refund_in(status, payment)
    before = booked(payment.order)
    with pytest.raises(ValueError, match=f"refund {refund.pk}: {reason}"):
        _book(cause, refund)
    assert booked(payment.order) == before


def test_refund_that_was_not_planned_cannot_be_confirmed(payment: Payment) -> None:
    refund = Refund.objects.create(
        order=payment.order, plan_id=1, payment=payment, means="manual", amount_minor=5
    )
    with pytest.raises(ValueError, match="confirm is booked after plan"):
        _book(Cause.CONFIRM, refund)


def test_parts_must_add_up_to_the_refund(payment: Payment) -> None:
    with pytest.raises(ValueError, match="its parts do not add up to its amount"):
        plan_refund(payment, part(), amount_minor=1001)
    assert LedgerEntry.objects.count() == Refund.objects.count() == 0


@pytest.mark.parametrize(
    ("status", "other", "reason"),
    [
        (Status.PENDING, {}, "it replaces a refund that is pending"),
        (Status.CONFIRMED, {}, "it replaces a refund that is confirmed"),
        (Status.FAILED, {"goods_minor": 999}, "it replaces a refund of another amount"),
    ],
)
def test_replacement_of_money_that_is_not_owed_is_refused(
    payment: Payment, status: Status, other: dict[str, Any], reason: str
) -> None:
    first = refund_in(status, payment)
    with pytest.raises(ValueError, match=reason):
        plan_refund(payment, part(**other), replaces=first)


def test_fact_without_an_amount_is_refused(payment: Payment) -> None:
    with transaction.atomic(), pytest.raises(ValueError, match="a booking needs an amount"):
        book_found(payment, 0, NOW)


def test_erasing_a_person_changes_no_row() -> None:
    customer = factories.create_customer()
    payment = create_payment(customer=customer)
    refund_in(Status.CONFIRMED, payment, account=create_account(), invoice="R-1")
    before = list(LedgerEntry.objects.order_by("pk").values())

    close_account(customer.pk, now=NOW)

    assert list(LedgerEntry.objects.order_by("pk").values()) == before
    assert customer.email not in str(before)
    assert Order.objects.get().user_id == customer.pk


@pytest.mark.django_db(transaction=True)
def test_booking_needs_a_transaction(payment: Payment) -> None:
    refund = plan_refund(payment)
    with pytest.raises(TransactionManagementError):
        book(Cause.CANCEL, refund, list(RefundPart.objects.all()), now=NOW)


@pytest.mark.django_db(transaction=True)
def test_simultaneous_bookings_of_an_order_are_numbered_without_gaps(payment: Payment) -> None:
    def find_one() -> None:
        find(Payment.objects.get(pk=payment.pk), 1)

    with Clients(4) as clients:
        for _ in range(5):
            assert clients.race([find_one] * 4) == {WON: 4}
    numbers = LedgerEntry.objects.filter(side=1).order_by("pk").values_list("seq", flat=True)
    assert list(numbers) == list(range(1, 21))
    assert LedgerHead.objects.get().seq == 20
