"""Queries of the ledger that each booking makes."""

from typing import NamedTuple

from django.db.models import QuerySet

from takeback.core.db.compiled_query import CompiledQuery
from takeback.refunds.models import LedgerEntry, LedgerHead, PaymentAccount


class HeadRow(NamedTuple):
    """The number of an order's newest booking, and the hash of its last entry."""

    seq: int
    hash: str


class BookingRow(NamedTuple):
    """A booking in which a refund takes part."""

    seq: int
    cause: str
    refund_invoice_number: str


class AccountName(NamedTuple):
    """What identifies a payment account in the ledger."""

    channel_id: int
    code: str


def _head_of_order(order_id: int) -> "QuerySet[LedgerHead]":
    return LedgerHead.objects.filter(pk=order_id)


def _bookings_of_refund(refund_id: int) -> "QuerySet[LedgerEntry]":
    return LedgerEntry.objects.filter(refund_id=refund_id).order_by("seq").distinct()


def _account_names(account_id: int) -> "QuerySet[PaymentAccount]":
    return PaymentAccount.objects.filter(pk=account_id)


head_of_order = CompiledQuery(HeadRow, _head_of_order)
bookings_of_refund = CompiledQuery(BookingRow, _bookings_of_refund)
account_names = CompiledQuery(AccountName, _account_names)
