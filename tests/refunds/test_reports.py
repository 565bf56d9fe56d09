"""Payouts of a period as CSV: exact lines, and sums that equal ledger and refunds."""

import csv
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.db.models import Sum

from takeback.core.money import parse, show
from takeback.orders.models import Payment
from takeback.refunds.models import LedgerEntry, Refund
from takeback.refunds.reports import COLUMNS, write_payouts
from takeback.refunds.statuses import Means, Status
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
)

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("several refunds in one test"),
]
DAY = timedelta(days=1)
FIRST, LAST = NOW - DAY, NOW + 30 * DAY


def payouts(start: datetime = FIRST, end: datetime = LAST) -> list[dict[str, str]]:
    """The lines of the CSV by column."""
    file = StringIO()
    write_payouts(file, start, end)
    return list(csv.DictReader(StringIO(file.getvalue())))


def test_csv_has_one_line_for_each_account_payment_tax_rate_and_invoice() -> None:
    payment = create_payment()
    Payment.objects.update(reference="=pay_1")
    parts = (
        part(goods_minor=1180, tax_minor=180),
        part(tax_rate=Decimal("8.875"), goods_minor=435, tax_minor=35),
    )
    account = create_account()
    refund_in(Status.CONFIRMED, payment, *parts, account=account, invoice="R-1")
    refund_in(Status.CONFIRMED, payment, parts[0], account=account, invoice="R-1")
    refund_in(Status.RETURNED, payment, parts[1], account=account, invoice="@R-2")
    refund_in(Status.CONFIRMED, payment, parts[0], means=Means.MANUAL.value)
    refund_in(Status.CANCELLED, payment)
    find(payment, 5)
    charge_back(payment, 9)

    file = StringIO()
    write_payouts(file, FIRST, LAST)
    ids = f"{payment.order_id},{payment.pk},'=pay_1"
    assert file.getvalue().splitlines() == [
        (
            "account,order,payment,payment_reference,tax_rate,refund_invoice_number,currency,"
            "refunded,returned,found,charged_back,total,tax"
        ),
        f"1:card,{ids},8.875,'@R-2,TRY,4.35,4.35,0.00,0.00,0.00,0.00",
        f"1:card,{ids},8.875,R-1,TRY,4.35,0.00,0.00,0.00,4.35,0.35",
        f"1:card,{ids},18.00,R-1,TRY,23.60,0.00,0.00,0.00,23.60,3.60",
        f"manual,{ids},18.00,,TRY,11.80,0.00,0.00,0.00,11.80,1.80",
        f"original,{ids},,,TRY,0.00,0.00,0.05,0.09,0.14,0.00",
    ]
    assert len(COLUMNS) == 13


def test_sums_equal_the_ledger_and_the_refunds_in_every_currency() -> None:
    create_full_ledger()
    by_csv, by_account = Counter[str](), Counter[tuple[str, str]]()
    for row in payouts():
        currency = row["currency"].lower()
        minor = {name: parse(row[name], currency) for name in COLUMNS[7:]}
        by_csv[currency] += minor["refunded"] - minor["returned"]
        by_account[f"paid:{row['account']}", currency] += minor["total"]
        shown = minor["refunded"] - minor["returned"] + minor["found"] + minor["charged_back"]
        assert minor["total"] == shown

    ledger = LedgerEntry.objects.filter(account_code__startswith="paid:")
    sums = ledger.values_list("account_code", "currency").annotate(total=-Sum("amount_minor"))
    assert by_account == {(code, currency): total for code, currency, total in sums}
    confirmed = Refund.objects.filter(status=Status.CONFIRMED.value).values_list("currency")
    assert dict(by_csv) == dict(confirmed.annotate(total=Sum("amount_minor")))
    assert {code: show(by_csv[code], code) for code in by_csv} == {
        "eur": "30.36",
        "jpy": "2036",
        "kwd": "2.036",
    }


def test_period_has_its_first_moment_and_not_its_end() -> None:
    payment = create_payment()
    first = plan_refund(payment)
    move(first, Status.SENDING, Status.CONFIRMED, now=NOW)
    move(first, Status.RETURNED, now=NOW + DAY)
    assert [row["total"] for row in payouts(NOW, NOW + DAY)] == ["10.00"]
    assert [row["total"] for row in payouts(NOW + DAY, LAST)] == ["-10.00"]
    assert [row["tax"] for row in payouts(NOW + DAY, LAST)] == ["0.00"]
    assert payouts(FIRST, NOW) == []
