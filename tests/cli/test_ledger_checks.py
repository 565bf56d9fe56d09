"""The commands about the ledger, bean-check and each other: they agree, or all of them complain."""

import csv
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest
from beancount import loader
from beancount.core.amount import Amount
from beancount.core.data import Transaction
from django.db.models import F
from typer.testing import CliRunner

from takeback.cancellations.models import CancellationPlan
from takeback.cli.main import app
from takeback.orders.models import Payment
from takeback.refunds.beancount import account_name
from takeback.refunds.commands.anchor import anchor_day
from takeback.refunds.models import LedgerEntry, LedgerHead
from takeback.refunds.statuses import Means, Status
from tests.factories import NOW
from tests.refunds.ledgers import (
    COMPLETED_PLAN,
    STEPS,
    charge_back,
    create_account,
    create_full_ledger,
    create_payment,
    find,
    part,
    refund_in,
    rehash,
    rows_of,
)
from tests.rigs.ledger import without_triggers

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("several commands in one test"),
]
BEAN_CHECK = Path(sys.executable).parent / "bean-check"
PERIOD = ("--from", "2026-03-01", "--to", "2026-04-30")
CAUSES = ("confirm", "return", "found", "charge_back")
CHAIN = ("hash_differs", "entry_missing", "head_differs", "anchor_differs")


class Checked(NamedTuple):
    """What bean-check says about the exported ledger, and check-ledger about the database."""

    bean_check: int
    printed: str
    check_ledger: int
    differences: str


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    return result.exit_code, result.stdout


@pytest.fixture
def check(tmp_path: Path) -> Callable[[], Checked]:
    """Exports the ledger and runs both checks."""

    def run_both() -> Checked:
        file = tmp_path / "ledger.beancount"
        assert run("export-ledger", str(file)) == (0, "")
        bean = subprocess.run(
            [BEAN_CHECK, file], capture_output=True, text=True, check=False, timeout=60
        )
        return Checked(bean.returncode, bean.stdout + bean.stderr, *run("check-ledger"))

    return run_both


AGREED = Checked(0, "", 0, "")


def create_refunds_by_all_means(currency: str) -> None:
    """Forced amounts above and below the due, by every means, that are paid and come back."""
    payment = create_payment(f"means {currency}", currency=currency, amount=100_000)
    account = create_account(f"means-{currency}", currency=currency)
    lower, higher = part(goods_minor=999, adjustment_minor=-998), part(adjustment_minor=250)
    for day, means in enumerate(Means):
        accounts = {"account": account} if means is Means.ORIGINAL else {}
        for status in (Status.CONFIRMED, Status.RETURNED, Status.IN_DOUBT):
            refund_in(
                status,
                payment,
                lower,
                higher | {"tax_rate": Decimal("8.875"), "tax_minor": 81},
                means=means.value,
                now=NOW + timedelta(days=day, hours=11),
                invoice=f"R-{day}",
                **accounts,
            )
    find(payment, 1)
    charge_back(payment, 1)


@pytest.fixture
def full_ledger() -> None:
    """Refunds of every status and means in currencies with two, no and three decimals."""
    first, *_ = create_full_ledger()
    # The plan that the orders' totals contain.
    CancellationPlan.objects.create(
        pk=COMPLETED_PLAN, order=first.order, plan_type="cancel", status="completed"
    )
    for currency in ("eur", "jpy", "kwd"):
        create_refunds_by_all_means(currency)
    newest = LedgerEntry.objects.latest("at").at
    while anchor_day(newest + timedelta(days=2)):
        pass


@pytest.mark.usefixtures("full_ledger")
def test_ledger_of_all_statuses_and_means_passes_both_checks(
    check: Callable[[], Checked],
) -> None:
    assert set(STEPS) == set(Status)
    assert check() == AGREED


def payouts() -> list[dict[str, str]]:
    """The lines of `export-refunds` by column."""
    code, printed = run("export-refunds", *PERIOD)
    assert code == 0
    return list(csv.DictReader(StringIO(printed)))


def transactions() -> Iterator[Transaction]:
    """The bookings in the text of `export-ledger`."""
    _, printed = run("export-ledger", "-")
    entries, errors, _ = loader.load_string(printed)
    assert errors == []
    for entry in entries:
        if isinstance(entry, Transaction):
            yield entry


Sums = defaultdict[tuple[str, ...], Decimal]


def without_zeros(sums: Sums) -> dict[tuple[str, ...], Decimal]:
    return {place: amount for place, amount in sums.items() if amount}


def amounts(booking: Transaction) -> Iterator[tuple[str, Decimal, str]]:
    """The sides of a booking: account, amount and currency."""
    for posting in booking.postings:
        units = posting.units
        assert isinstance(units, Amount)
        assert units.number is not None
        yield posting.account, units.number, units.currency


@pytest.mark.usefixtures("full_ledger")
def test_csv_of_payouts_equals_the_exported_ledger() -> None:
    """By account, order and invoice, and each cause for itself."""
    columns = dict(zip(CAUSES, ("refunded", "returned", "found", "charged_back"), strict=True))
    from_csv, from_ledger = Sums(Decimal), Sums(Decimal)
    for row in payouts():
        name = account_name(f"paid:{row['account']}")
        place = (name, row["order"], row["refund_invoice_number"], row["currency"])
        for column in (*columns.values(), "total"):
            from_csv[*place, column] += Decimal(row[column])
    for booking in transactions():
        invoice = booking.meta.get("refund-invoice", "")
        for account, number, currency in amounts(booking):
            if not account.startswith("Assets:Paid:"):
                continue
            place = (account, booking.meta["order"], invoice, currency)
            cause = str(booking.narration)
            from_ledger[*place, columns[cause]] += number if cause == "return" else -number
            from_ledger[*place, "total"] -= number
    assert without_zeros(from_csv) == without_zeros(from_ledger)
    assert {place[3] for place in without_zeros(from_csv)} == {"EUR", "JPY", "KWD"}
    assert {place[4] for place in without_zeros(from_csv)} == {*columns.values(), "total"}


def planned_by_rate(booking: Transaction) -> Sums:
    """What a refund gives back at each tax rate."""
    rates = Sums(Decimal)
    for account, number, currency in amounts(booking):
        if account.startswith("Expenses:Returns:"):
            rates[currency, account.rpartition(":VAT")[2].replace("-", ".")] += number
    return rates


@pytest.mark.usefixtures("full_ledger")
def test_csv_of_payouts_equals_what_was_planned_at_each_tax_rate() -> None:
    from_ledger, from_csv = Sums(Decimal), Sums(Decimal)
    # The only replacement that is paid: its rate stands in the booking of the refund before it.
    from_ledger["EUR", "18.00"] = Decimal(10)
    bookings = list(transactions())
    plans = {row.meta.get("refund"): row for row in bookings if row.narration == "plan"}
    for booking in bookings:
        if booking.narration in ("confirm", "return"):
            sign = 1 if booking.narration == "confirm" else -1
            for place, number in planned_by_rate(plans[booking.meta["refund"]]).items():
                from_ledger[place] += sign * number
    for row in payouts():
        if row["tax_rate"]:
            paid = Decimal(row["refunded"]) - Decimal(row["returned"])
            from_csv[row["currency"], row["tax_rate"]] += paid
    assert without_zeros(from_csv) == without_zeros(from_ledger)
    assert len(without_zeros(from_csv)) == 9


PLANTED = {"eur": "0.01 EUR", "jpy": "1 JPY", "kwd": "0.001 KWD"}


@pytest.mark.parametrize("seq", [1, 2, 3])
@pytest.mark.parametrize("currency", PLANTED)
def test_planted_error_of_one_minor_unit_fails_both_checks(
    check: Callable[[], Checked], currency: str, seq: int
) -> None:
    """The booking adds up and its chain is right."""
    payment = create_payment(currency=currency)
    refund_in(Status.RETURNED, payment, account=create_account(currency=currency))
    assert check() == AGREED
    with without_triggers():
        for side, change in ((1, 1), (2, -1)):
            LedgerEntry.objects.filter(seq=seq, side=side).update(
                amount_minor=F("amount_minor") + change
            )
        rehash(payment.order_id)

    checked = check()

    number = PLANTED[currency].split()[0]
    assert (checked.bean_check, checked.check_ledger) == (1, 1)
    assert f"({number} too " in checked.printed
    [difference] = checked.differences.splitlines()
    assert f"order {payment.order_id}: entries_differ: " in difference
    assert f"booking {seq}: " in difference


def _edit(payment: Payment) -> None:
    LedgerEntry.objects.filter(seq=2, side=1).update(refund_invoice_number="R-9")


def _delete(payment: Payment) -> None:
    LedgerEntry.objects.filter(seq=2).delete()


def _swap(payment: Payment) -> None:
    """Exchange the contents of two equal bookings of different refunds."""
    first, second = rows_of(payment.order_id)[0], rows_of(payment.order_id)[4]
    LedgerEntry.objects.filter(pk=first.pk).update(refund=second.refund_id)
    LedgerEntry.objects.filter(pk=second.pk).update(refund=first.refund_id)


def _cut_tail(payment: Payment) -> None:
    """The head is right again: only the anchor knows what is missing."""
    LedgerEntry.objects.filter(seq=4).delete()
    rehash(payment.order_id)


@pytest.mark.parametrize(
    ("tamper", "code"),
    [
        (_edit, "hash_differs"),
        (_delete, "entry_missing"),
        (_swap, "hash_differs"),
        (_cut_tail, "anchor_differs"),
    ],
)
def test_tampering_breaks_the_chain_check(tamper: Callable[[Payment], None], code: str) -> None:
    payment = create_payment()
    account = create_account()
    for _ in range(2):
        refund_in(Status.CONFIRMED, payment, account=account)
    anchor_day(NOW + timedelta(days=1))
    assert run("check-ledger") == (0, "")
    assert LedgerHead.objects.get().seq == 4

    with without_triggers():
        tamper(payment)
    exit_code, printed = run("check-ledger")

    codes = {line.split(": ")[1] for line in printed.splitlines()}
    assert exit_code == 1
    assert code in codes & set(CHAIN)
