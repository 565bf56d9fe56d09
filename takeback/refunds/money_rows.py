"""The rows about the money of orders, read in ranges of order ids so that memory is bounded."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from django.db.models import Max, Min, Q, QuerySet

from takeback.core.money import is_currency, show
from takeback.orders.models import Order, Payment
from takeback.refunds import ledger
from takeback.refunds.ledger import BookedRefund, Cause, Entry, PartAmounts, Row
from takeback.refunds.models import LedgerEntry, LedgerHead, Refund, RefundPart
from takeback.refunds.statuses import Status

RANGE_SIZE = 1_000
"""The number of order ids that are read at a time."""


class StoredEntry(NamedTuple):
    """An entry of the ledger."""

    row: Row
    hash: str


class Booking(NamedTuple):
    """The entries of one booking, which belongs to a refund or to a payment."""

    seq: int
    entries: list[StoredEntry]

    @property
    def cause(self) -> str:
        return self.entries[0].row.cause

    @property
    def at(self) -> datetime:
        return self.entries[0].row.at

    @property
    def refund(self) -> int | None:
        """The refund of its last entry: one that takes over a debt follows the replaced one."""
        return self.entries[-1].row.refund_id

    def content(self) -> list[Entry]:
        return [
            Entry(
                row.account_code,
                row.amount_minor,
                row.currency,
                row.refund_id,
                row.payment_id,
                row.tax_rate,
            )
            for row, _ in self.entries
        ]


class StoredRefund(NamedTuple):
    """A refund, without its parts."""

    id: int
    order_id: int
    plan_id: int
    payment_id: int
    means: str
    amount_minor: int
    currency: str
    status: str
    replaces_id: int | None
    created_date: datetime
    modified_date: datetime
    confirmed_at: datetime | None
    returned_at: datetime | None
    account__channel_id: int | None
    account__code: str | None

    @property
    def paid_from(self) -> str:
        if self.account__channel_id is None or self.account__code is None:
            return ledger.paid_by_means(self.means)
        return ledger.paid_from_account(self.account__channel_id, self.account__code)

    def changed_at(self, cause: str) -> datetime:
        """The time of a change by the refund's own columns."""
        times: dict[str, datetime | None] = {
            Cause.PLAN: self.created_date,
            Cause.CONFIRM: self.confirmed_at,
            Cause.RETURN: self.returned_at,
        }
        return times.get(cause) or self.modified_date


class StoredPayment(NamedTuple):
    """A payment of which money was reserved or has left."""

    id: int
    order_id: int
    currency: str | None
    reserved_minor: int
    refunded_minor: int
    found_minor: int
    charged_back_minor: int


class StoredOrder(NamedTuple):
    """The columns of an order."""

    id: int
    currency: str
    refund_minor: int


class OrderMoney(NamedTuple):
    """An order with refunds, ledger entries, or payments of which money has left."""

    order: StoredOrder
    bookings: list[Booking]
    # The number of the newest booking and its hash.
    head: tuple[int, str] | None
    refunds: dict[int, StoredRefund]
    parts: dict[int, list[PartAmounts]]
    payments: dict[int, StoredPayment]

    def booked(self, refund: StoredRefund) -> BookedRefund:
        return BookedRefund(
            id=refund.id,
            payment=refund.payment_id,
            amount=refund.amount_minor,
            currency=refund.currency,
            paid_from=refund.paid_from,
            parts=tuple(self.parts.get(refund.id, ())),
        )

    def predecessor(self, refund: StoredRefund) -> BookedRefund | None:
        """The refund whose debt this one has taken over."""
        replaced = self.refunds.get(refund.replaces_id) if refund.replaces_id else None
        if replaced is None or replaced.status not in ledger.REPLACED_WHILE_OWED:
            return None
        return self.booked(replaced)

    def expected_bookings(self, refund: StoredRefund) -> dict[str, list[Entry]]:
        """The entries that the ledger must have, by cause: from the refund's row and parts."""
        booked, predecessor = self.booked(refund), self.predecessor(refund)
        return {
            cause: ledger.entries_of(cause, booked, predecessor)
            for cause in ledger.CAUSES[Status(refund.status)]
        }


def amount_text(minor: int, currency: str) -> str:
    """An amount with its currency, also one that was tampered with.

    >>> amount_text(-1187, "try"), amount_text(5, "---")
    ('-11.87 TRY', '5 ---')
    """
    amount = show(minor, currency) if is_currency(currency) else str(minor)
    return f"{amount} {currency.upper()}"


def order_ranges() -> list[tuple[int, int]]:
    """Ranges of order ids that cover all orders."""
    ends = Order.objects.aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is None:
        return []
    first, last = int(ends["first"]), int(ends["last"])
    return [
        (start, min(start + RANGE_SIZE - 1, last)) for start in range(first, last + 1, RANGE_SIZE)
    ]


def money_of_orders(first: int, last: int) -> Iterator[OrderMoney]:
    """The orders of a range of ids that have something to do with refunds, by id."""
    bookings = _bookings(first, last)
    heads = {
        order_id: (seq, last_hash)
        for order_id, seq, last_hash in _within(LedgerHead.objects.all(), first, last).values_list(
            "order_id", "seq", "hash"
        )
    }
    refunds = _by_order(StoredRefund, _within(Refund.objects.all(), first, last))
    parts = _parts(first, last)
    payments = _by_order(StoredPayment, _within(Payment.objects.filter(_HAS_LEFT), first, last))
    concerned = [*bookings.keys() | heads.keys() | refunds.keys() | payments.keys()]
    orders = Order.objects.filter(
        Q(pk__anyof=concerned) | ~Q(refund_minor=0), pk__gte=first, pk__lte=last
    )
    for row in orders.order_by("pk").values_list(*StoredOrder._fields):
        order = StoredOrder(*row)
        own = refunds.get(order.id, {})
        yield OrderMoney(
            order=order,
            bookings=bookings.get(order.id, []),
            head=heads.get(order.id),
            refunds=own,
            parts={refund_id: parts[refund_id] for refund_id in own if refund_id in parts},
            payments=payments.get(order.id, {}),
        )


_HAS_LEFT = (
    ~Q(reserved_minor=0) | ~Q(refunded_minor=0) | ~Q(found_minor=0) | ~Q(charged_back_minor=0)
)


def _within(rows: "QuerySet[Any]", first: int, last: int) -> "QuerySet[Any]":
    return rows.filter(order_id__gte=first, order_id__lte=last)


def _by_order(kind: Any, rows: "QuerySet[Any]") -> dict[int, dict[int, Any]]:
    """The rows of each order by their ids."""
    grouped = defaultdict[int, dict[int, Any]](dict)
    for values in rows.order_by("pk").values_list(*kind._fields):
        row = kind(*values)
        grouped[row.order_id][row.id] = row
    return grouped


def _bookings(first: int, last: int) -> dict[int, list[Booking]]:
    entries = _within(LedgerEntry.objects.all(), first, last).order_by("order_id", "seq", "side")
    stored = [
        StoredEntry(Row(*columns), entry_hash)
        for *columns, entry_hash in entries.values_list(*Row._fields, "hash")
    ]
    bookings = defaultdict[int, list[Booking]](list)
    for (order_id, seq), group in groupby(stored, key=lambda entry: entry.row[:2]):
        bookings[order_id].append(Booking(seq, list(group)))
    return bookings


def _parts(first: int, last: int) -> dict[int, list[PartAmounts]]:
    rows = RefundPart.objects.filter(refund__order_id__gte=first, refund__order_id__lte=last)
    parts = defaultdict[int, list[PartAmounts]](list)
    for refund_id, *amounts in rows.order_by("pk").values_list(
        *("refund_id", "tax_rate", "goods_minor", "discount_minor", "shipping_minor"),
        *("fee_minor", "interest_minor", "adjustment_minor"),
    ):
        parts[refund_id].append(PartAmounts(*amounts))
    return parts
