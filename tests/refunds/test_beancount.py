"""The ledger in beancount's format: bean-check agrees, and finds planted errors."""

import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from beancount import loader
from beancount.ops import validation
from django.db.models import F

from takeback.orders.models import Payment
from takeback.refunds.beancount import Period, account_name, write_ledger
from takeback.refunds.models import LedgerEntry, LedgerHead
from takeback.refunds.statuses import Status
from tests.factories import NOW
from tests.refunds.ledgers import (
    charge_back,
    create_account,
    create_full_ledger,
    create_payment,
    find,
    move,
    part,
    plan_refund,
    refund_in,
    rehash,
)
from tests.rigs.ledger import without_triggers

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("several refunds in one test"),
]
BEAN_CHECK = Path(sys.executable).parent / "bean-check"
DAY = timedelta(days=1)

BeanCheck = Callable[[str], tuple[int, str]]


def exported(first: date | None = None, last: date | None = None, zone: str = "UTC") -> str:
    """The exported text."""
    written: list[str] = []
    write_ledger(written.append, Period(first, last, ZoneInfo(zone)))
    return "".join(written)


def complaints(text: str) -> list[str]:
    """What beancount has against a text, as `bean-check` prints it."""
    _, errors, _ = loader.load_string(text, extra_validations=validation.HARDCORE_VALIDATIONS)
    return [error.message for error in errors]


@pytest.fixture
def bean_check(tmp_path: Path) -> Callable[[str], tuple[int, str]]:
    """Runs the program itself; returns its exit code and what it prints."""

    def check(text: str) -> tuple[int, str]:
        file = tmp_path / "ledger.beancount"
        file.write_text(text)
        result = subprocess.run(
            [BEAN_CHECK, file], capture_output=True, text=True, check=False, timeout=60
        )
        return result.returncode, result.stdout + result.stderr

    return check


def test_bean_check_confirms_a_ledger_of_all_statuses(bean_check: BeanCheck) -> None:
    create_full_ledger()
    text = exported()
    assert bean_check(text) == (0, "")
    assert text.count(" balance ") > 80


EXPORTED = """\
option "title" "Takeback refunds"

2026-03-10 * "plan"
  order: "{order}"
  booking: "1"
  refund: "{refund}"
  refund-invoice: "R\\"1"
  Expenses:Returns:Goods:VAT18-00  10.00 TRY
  Expenses:Returns:Discount:VAT18-00  -1.50 TRY
  {owed}  -8.50 TRY

2026-03-11 * "confirm"
  order: "{order}"
  booking: "2"
  refund: "{refund}"
  refund-invoice: "R\\"1"
  {owed}  8.50 TRY
  {paid}  -8.50 TRY

2026-03-11 * "found"
  order: "{order}"
  booking: "3"
  Expenses:Found  0.05 TRY
  Assets:Paid:Original  -0.05 TRY
2026-03-10 open {owed}
2026-03-11 balance {owed}  -8.50 ~ 0 TRY
2026-03-12 balance {owed}  0.00 ~ 0 TRY

2026-03-11 open {paid}
2026-03-11 open Assets:Paid:Original
2026-03-11 open Expenses:Found
2026-03-10 open Expenses:Returns:Discount:VAT18-00
2026-03-10 open Expenses:Returns:Goods:VAT18-00
2026-03-12 balance {paid}  -8.50 ~ 0 TRY
2026-03-12 balance Assets:Paid:Original  -0.05 ~ 0 TRY
2026-03-12 balance Expenses:Found  0.05 ~ 0 TRY
2026-03-11 balance Expenses:Returns:Discount:VAT18-00  -1.50 ~ 0 TRY
2026-03-11 balance Expenses:Returns:Goods:VAT18-00  10.00 ~ 0 TRY
"""
PAID = "Assets:Paid:1:Card-EU-993506e9"


def test_export_has_exactly_these_directives() -> None:
    payment = create_payment()
    account = create_account("Card EU")
    refund = plan_refund(payment, part(discount_minor=150), account=account, invoice='R"1')
    move(refund, Status.SENDING, Status.CONFIRMED, now=NOW + DAY)
    find(payment, 5, NOW + DAY)
    owed = f"Liabilities:Owed:{payment.pk}"
    assert exported() == EXPORTED.format(
        order=payment.order_id, refund=refund.pk, owed=owed, paid=PAID
    )


PLANTED = {"eur": "0.01 EUR", "jpy": "1 JPY", "kwd": "0.001 KWD"}


def _plant(payment: Payment, seq: int) -> None:
    """Add one minor unit to both sides of a booking, and make the chain right again."""
    with without_triggers():
        for side, change in ((1, 1), (2, -1)):
            LedgerEntry.objects.filter(order=payment.order_id, seq=seq, side=side).update(
                amount_minor=F("amount_minor") + change
            )
        rehash(payment.order_id)


@pytest.mark.parametrize("currency", PLANTED)
def test_bean_check_finds_a_planted_error_of_one_minor_unit(
    bean_check: BeanCheck, currency: str
) -> None:
    payment = create_payment(currency=currency)
    refund_in(Status.CONFIRMED, payment, account=create_account(currency=currency))
    assert bean_check(exported()) == (0, "")
    _plant(payment, 2)
    text = exported()
    code, printed = bean_check(text)
    assert (code, "Balance failed for 'Assets:Paid:1:Card'" in printed) == (1, True)
    assert f"({PLANTED[currency].split()[0]} too little)" in printed
    # Without the tolerance of zero, bean-check accepts the error of a cent or of a fils.
    assert bean_check(text.replace(" ~ 0 ", " "))[0] == (currency == "jpy")


@pytest.mark.parametrize("seq", [1, 2, 3])
@pytest.mark.parametrize("currency", PLANTED)
def test_planted_error_in_any_booking_breaks_a_balance(currency: str, seq: int) -> None:
    payment = create_payment(currency=currency)
    refund_in(Status.RETURNED, payment, account=create_account(currency=currency))
    assert complaints(exported()) == []
    _plant(payment, seq)
    amount = PLANTED[currency].split()[0]
    assert any(
        text.startswith("Balance failed") and f"({amount} too" in text
        for text in complaints(exported())
    )


def test_beancount_finds_an_error_in_what_providers_reported() -> None:
    payment = create_payment()
    find(payment, 300)
    charge_back(payment, 200)
    assert complaints(exported()) == []
    _plant(payment, 1)
    assert any("Balance failed for 'Expenses:Found'" in text for text in complaints(exported()))


def test_beancount_finds_a_fact_that_is_in_no_booking() -> None:
    payment = create_payment()
    Payment.objects.filter(pk=payment.pk).update(charged_back_minor=1)
    assert any(
        "Balance failed for 'Expenses:Charge-Backs'" in text for text in complaints(exported())
    )


def test_beancount_finds_a_booking_of_a_fact_that_payments_do_not_have() -> None:
    payment = create_payment()
    find(payment, 300)
    Payment.objects.update(found_minor=0)
    assert any("Balance failed for 'Expenses:Found'" in text for text in complaints(exported()))


def test_beancount_finds_an_unbalanced_booking() -> None:
    payment = create_payment()
    plan_refund(payment)
    with without_triggers():
        LedgerEntry.objects.filter(side=1).update(amount_minor=1001)
    assert any("Transaction does not balance" in text for text in complaints(exported()))


@pytest.mark.parametrize("seq", [1, 2])
def test_beancount_finds_a_missing_booking(seq: int) -> None:
    payment = create_payment()
    refund_in(Status.CONFIRMED, payment)
    with without_triggers():
        LedgerEntry.objects.filter(seq=seq).delete()
    assert any("Balance failed for" in text for text in complaints(exported()))
    with without_triggers():
        LedgerEntry.objects.all().delete()
        LedgerHead.objects.all().delete()
    assert any("Balance failed for" in text for text in complaints(exported()))


def test_beancount_finds_a_surplus_booking() -> None:
    payment = create_payment()
    refund_in(Status.CONFIRMED, payment)
    with without_triggers():
        payment.order.refund_set.update(status=Status.PENDING.value)
    assert any("Balance failed for" in text for text in complaints(exported()))


def test_beancount_finds_an_amount_that_moved_between_payments() -> None:
    first, other = create_payment(), create_payment("2")
    plan_refund(first)
    plan_refund(other)
    with without_triggers():
        LedgerEntry.objects.filter(account_code=f"owed:{first.pk}").update(
            account_code=f"owed:{other.pk}"
        )
    assert any(f"'Liabilities:Owed:{first.pk}'" in text for text in complaints(exported()))


def test_period_starts_with_the_balances_before_it() -> None:
    payment = create_payment()
    account = create_account()
    first = plan_refund(payment, account=account)
    find(payment, 5)
    move(plan_refund(payment, account=account), Status.SENDING, Status.CONFIRMED)
    move(first, Status.SENDING, Status.CONFIRMED, now=NOW + DAY)
    move(first, Status.RETURNED, now=NOW + 2 * DAY)

    day = (NOW + DAY).date()
    text = exported(day, day)
    owed = f"Liabilities:Owed:{payment.pk}"
    assert complaints(text) == []
    assert text.count(' * "') == 3  # two with opening balances
    assert f'{day} * "opening balances"\n  {owed}  -10.00 TRY\n' in text
    assert f"{day + DAY} balance {owed}  0.00 ~ 0 TRY" in text
    assert f"{day + DAY} balance Assets:Paid:1:Card  -20.00 ~ 0 TRY" in text
    assert "  Expenses:Found  0.05 TRY\n" in text
    assert complaints(exported(day)) == complaints(exported(None, day)) == []


def test_error_within_a_period_is_found_and_one_before_it_is_not() -> None:
    payment = create_payment()
    refund = plan_refund(payment)
    move(refund, Status.SENDING, Status.CONFIRMED, now=NOW + DAY)
    _plant(payment, 2)
    day = NOW.date()
    assert complaints(exported(day, day)) == []
    assert complaints(exported(day + 2 * DAY)) == []
    assert any("Balance failed for" in text for text in complaints(exported(day + DAY)))


def test_days_are_those_of_the_time_zone() -> None:
    payment = create_payment()
    plan_refund(payment, now=NOW.replace(hour=22))
    assert '2026-03-11 * "plan"' in exported(zone="Europe/Istanbul")
    assert exported(date(2026, 3, 11), zone="UTC").count(' * "plan"') == 0
    assert complaints(exported(zone="Europe/Istanbul")) == []


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("owed:17", "Liabilities:Owed:17"),
        ("paid:bank_transfer", "Assets:Paid:Bank-transfer"),
        ("paid:1:card-eu", "Assets:Paid:1:Card-eu"),
        ("paid:1:Card-eu", "Assets:Paid:1:Card-eu-410269b5"),
        ("paid:1:ödeme:2", "Assets:Paid:1:X-deme-2-47b67da7"),
        ("paid:1:-", "Assets:Paid:1:X--3973e022"),
        ("charge_backs", "Expenses:Charge-Backs"),
        ("forged", "Equity:Unknown:Forged"),
    ],
)
def test_every_account_has_a_name_that_beancount_accepts(code: str, name: str) -> None:
    assert account_name(code) == name
    assert complaints(f"2026-01-01 open {name}\n") == []


def test_empty_ledger_is_valid() -> None:
    assert complaints(exported()) == []
    assert exported() == 'option "title" "Takeback refunds"\n\n'
