"""Payouts of a period as CSV, added up for bookkeeping: the sums are those of the ledger."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Final, NamedTuple, TextIO

from django.db.models import OuterRef, Subquery, Sum

from takeback.core.money import show, show_rate
from takeback.refunds.ledger import Account, Cause
from takeback.refunds.models import LedgerEntry, RefundPart

COLUMNS: Final = (
    *("account", "order", "payment", "payment_reference", "tax_rate", "refund_invoice_number"),
    *("currency", "refunded", "returned", "found", "charged_back", "total", "tax"),
)
"""`total` is what has left the account: refunded - returned + found + charged_back.

`tax` is included in what was refunded and not returned. Amounts have the currency's decimals.
"""

_CHUNK_SIZE = 2_000
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class _Group(NamedTuple):
    """What the rows of a line have in common."""

    account_code: str
    order_id: int
    payment_id: int
    payment__reference: str | None
    tax_rate: Decimal | None
    refund_invoice_number: str
    currency: str


class _Payout(NamedTuple):
    """One entry of an account from which money has left."""

    group: _Group
    cause: str
    amount: int
    tax: int


def write_payouts(file: TextIO, start: datetime, end: datetime) -> None:
    """Write one line for each account, payment, tax rate and invoice with payouts in this time.

    Call it within a snapshot of the database; `end` is exclusive.
    """
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for group, payouts in groupby(_payouts(start, end), key=lambda payout: payout.group):
        writer.writerow(_cells(group, payouts))


def _payouts(start: datetime, end: datetime) -> Iterator[_Payout]:
    parts = RefundPart.objects.filter(refund=OuterRef("refund_id"), tax_rate=OuterRef("tax_rate"))
    tax = parts.values("refund").annotate(tax=Sum("tax_minor")).values("tax")
    entries = LedgerEntry.objects.filter(
        account_code__startswith=f"{Account.PAID}:", at__gte=start, at__lt=end
    ).annotate(tax=Subquery(tax))
    columns = _Group._fields
    rows = entries.order_by(*columns, "pk").values_list(*columns, "cause", "amount_minor", "tax")
    for *common, cause, amount, included_tax in rows.iterator(_CHUNK_SIZE):
        yield _Payout(_Group(*common), cause, -amount, included_tax or 0)


def _cells(group: _Group, payouts: Iterable[_Payout]) -> list[object]:
    amounts, tax = Counter[str](), 0
    for payout in payouts:
        amounts[payout.cause] += payout.amount
        tax += _signed_tax(payout)
    shown = {
        "refunded": amounts[Cause.CONFIRM],
        "returned": -amounts[Cause.RETURN],
        "found": amounts[Cause.FOUND],
        "charged_back": amounts[Cause.CHARGE_BACK],
        "total": amounts.total(),
        "tax": tax,
    }
    return [
        _plain(group.account_code.partition(":")[2]),
        group.order_id,
        group.payment_id,
        _plain(group.payment__reference or ""),
        "" if group.tax_rate is None else show_rate(group.tax_rate),
        _plain(group.refund_invoice_number),
        group.currency.upper(),
        *(show(amount, group.currency) for amount in shown.values()),
    ]


def _signed_tax(payout: _Payout) -> int:
    """Only refunds of ours have parts with taxes; a return takes its refund's taxes back."""
    if payout.cause == Cause.CONFIRM:
        return payout.tax
    return -payout.tax if payout.cause == Cause.RETURN else 0


def _plain(text: str) -> str:
    """Text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
