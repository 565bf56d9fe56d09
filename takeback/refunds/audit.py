"""Recomputes the ledger: its chains, heads and anchors, and what refunds and payments say.

A difference is named by ids and codes; it holds no personal data.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from enum import StrEnum
from typing import NamedTuple

from takeback.refunds import ledger
from takeback.refunds.commands.anchor import hashes_between
from takeback.refunds.ledger import Account, Entry
from takeback.refunds.models import LedgerAnchor, LedgerEntry
from takeback.refunds.money_rows import (
    Booking,
    OrderMoney,
    StoredRefund,
    amount_text,
    money_of_orders,
    order_ranges,
)
from takeback.refunds.statuses import RESERVING, Status


class Code(StrEnum):
    """The kinds of differences."""

    # The chain: entries were edited, deleted, exchanged or cut off.
    HASH = "hash_differs"
    GAP = "entry_missing"
    HEAD = "head_differs"
    ANCHOR = "anchor_differs"
    # Double entry.
    SUM = "booking_unbalanced"
    # The ledger against refunds.
    PARTS = "parts_differ"
    BOOKINGS = "bookings_differ"
    ENTRIES = "entries_differ"
    UNKNOWN = "refund_unknown"
    # Payments and orders against refunds and the ledger.
    RESERVED = "reserved_differs"
    REFUNDED = "refunded_differs"
    FOUND = "found_differs"
    CHARGED_BACK = "charged_back_differs"
    ORDER_TOTAL = "refund_total_differs"


CHAIN_CODES = frozenset({Code.HASH, Code.GAP, Code.HEAD, Code.ANCHOR})


class Difference(NamedTuple):
    """One difference; its text is a plain line."""

    code: Code
    subject: str
    detail: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.code}: {self.detail}"


class Extent(NamedTuple):
    """What a check has covered."""

    entries: int
    anchors: int
    newest_anchor: LedgerAnchor | None


CompletedPlans = Callable[[int, int], Collection[int]]
"""The ids of the completed plans of a range of orders; plans belong to a higher room."""


def differences(
    completed_plans: CompletedPlans, progress: Callable[[int, int], object]
) -> Iterator[Difference]:
    """All differences; `progress(done, total)` is called after each range of orders."""
    ranges = order_ranges()
    for done, (first, last) in enumerate(ranges, start=1):
        completed = completed_plans(first, last)
        for money in money_of_orders(first, last):
            yield from order_differences(money, completed)
        progress(done, len(ranges))
    yield from anchor_differences()


def extent() -> Extent:
    anchors = LedgerAnchor.objects.order_by("-day")
    return Extent(LedgerEntry.objects.count(), anchors.count(), anchors.first())


def order_differences(money: OrderMoney, completed_plans: Collection[int]) -> Iterator[Difference]:
    """The differences of one order."""
    subject = f"order {money.order.id}"
    for check in (_chain, _sums, _refunds, _payments):
        for code, detail in check(money):
            yield Difference(code, subject, detail)
    for code, detail in _order_total(money, completed_plans):
        yield Difference(code, subject, detail)


def anchor_differences() -> Iterator[Difference]:
    """Anchors whose entries have changed, and anchors that do not follow each other."""
    previous, before = ledger.START, 0
    for anchor in LedgerAnchor.objects.order_by("day"):
        digest, count = ledger.anchor_hash(
            previous, anchor.day, anchor.last_entry, hashes_between(before, anchor.last_entry)
        )
        subject = f"anchor {anchor.day}"
        if count != anchor.entries:
            detail = f"it covers {count} entries, not {anchor.entries}"
            yield Difference(Code.ANCHOR, subject, detail)
        elif digest != anchor.hash:
            yield Difference(Code.ANCHOR, subject, "its entries or the anchor before have changed")
        # Later anchors are compared with what is stored: one change is one difference.
        previous, before = anchor.hash, anchor.last_entry


Findings = Iterator[tuple[Code, str]]


def _chain(money: OrderMoney) -> Findings:
    """Each entry follows the one before it, and the head is the last one."""
    last_hash, position = ledger.START, (0, 0)
    for booking in money.bookings:
        for row, stored_hash in booking.entries:
            label = f"booking {row.seq}, side {row.side}"
            if (row.seq, row.side) not in {
                (position[0], position[1] + 1),
                (position[0] + 1, 1),
            }:
                yield Code.GAP, f"{label} does not follow booking {position[0]}, side {position[1]}"
            if ledger.next_hash(last_hash, row) != stored_hash:
                yield Code.HASH, label
            # The next entry is compared with what is stored: one change is one difference.
            last_hash, position = stored_hash, (row.seq, row.side)
    expected = (position[0], last_hash) if money.bookings else None
    if money.head != expected:
        head = f"booking {money.head[0]}" if money.head else "missing"
        yield Code.HEAD, f"the head is {head}, the last entry is of booking {position[0]}"


def _sums(money: OrderMoney) -> Findings:
    for booking in money.bookings:
        for currency, total in ledger.unbalanced(entry.row for entry in booking.entries).items():
            yield Code.SUM, f"booking {booking.seq} adds up to {amount_text(total, currency)}"


def _refunds(money: OrderMoney) -> Findings:
    """The ledger has exactly the bookings that the refunds' statuses and parts imply."""
    booked: dict[int, list[Booking]] = {}
    for booking in money.bookings:
        if booking.refund is not None:
            booked.setdefault(booking.refund, []).append(booking)
    for refund in money.refunds.values():
        yield from _refund(money, refund, booked.pop(refund.id, []))
    for refund_id, bookings in booked.items():
        yield Code.UNKNOWN, f"booking {bookings[0].seq} is of refund {refund_id}"


def _refund(money: OrderMoney, refund: StoredRefund, bookings: list[Booking]) -> Findings:
    label = f"refund {refund.id} ({refund.status})"
    if not money.booked(refund).parts_add_up():
        total = sum(part.total for part in money.parts.get(refund.id, ()))
        parts = f"its parts add up to {amount_text(total, refund.currency)}"
        amount = amount_text(refund.amount_minor, refund.currency)
        yield Code.PARTS, f"{label}: {parts}, not to {amount}"
    expected = money.expected_bookings(refund)
    causes = [booking.cause for booking in bookings]
    if causes != list(expected):
        yield Code.BOOKINGS, f"{label} is booked as {', '.join(causes) or 'nothing'}"
    for booking in bookings:
        entries = expected.get(booking.cause)
        if entries is not None and booking.content() != entries:
            yield Code.ENTRIES, f"{label}, booking {booking.seq}: {_unequal(booking, entries)}"


def _unequal(booking: Booking, expected: list[Entry]) -> str:
    """The accounts whose amounts differ: what the ledger has, and what the refund implies."""
    ours, theirs = _amounts(booking.content()), _amounts(expected)
    texts = [
        f"{account} has {amount_text(ours[account, currency], currency)}, not"
        f" {amount_text(theirs[account, currency], currency)}"
        for account, currency in sorted(ours.keys() | theirs.keys())
        if ours[account, currency] != theirs[account, currency]
    ]
    return "; ".join(texts) or "the entries are of other refunds, payments or tax rates"


def _amounts(entries: list[Entry]) -> Counter[tuple[str, str]]:
    sums = Counter[tuple[str, str]]()
    for entry in entries:
        sums[entry.account_code, entry.currency] += entry.amount_minor
    return sums


def _payments(money: OrderMoney) -> Findings:
    """What was reserved and refunded follows from refunds, facts from outside from the ledger."""
    for code, column, expected in (
        (Code.RESERVED, "reserved_minor", _refunds_by_payment(money, RESERVING)),
        (Code.REFUNDED, "refunded_minor", _refunds_by_payment(money, (Status.CONFIRMED,))),
        (Code.FOUND, "found_minor", _entries_by_payment(money, Account.FOUND)),
        (Code.CHARGED_BACK, "charged_back_minor", _entries_by_payment(money, Account.CHARGE_BACKS)),
    ):
        for payment_id in sorted(money.payments.keys() | expected.keys()):
            payment = money.payments.get(payment_id)
            stored = int(getattr(payment, column)) if payment else 0
            if stored != expected[payment_id]:
                currency = (payment and payment.currency) or money.order.currency
                wrong = f"payment {payment_id} has {amount_text(stored, currency)}"
                yield code, f"{wrong}, not {amount_text(expected[payment_id], currency)}"


def _refunds_by_payment(money: OrderMoney, statuses: Collection[Status]) -> Counter[int]:
    sums = Counter[int]()
    for refund in money.refunds.values():
        if refund.status in statuses:
            sums[refund.payment_id] += refund.amount_minor
    return sums


def _entries_by_payment(money: OrderMoney, account: Account) -> Counter[int]:
    sums = Counter[int]()
    for booking in money.bookings:
        for row, _ in booking.entries:
            if row.account_code == account:
                sums[row.payment_id] += row.amount_minor
    return sums


def _order_total(money: OrderMoney, completed_plans: Collection[int]) -> Findings:
    """The order's total is that of the confirmed refunds of completed plans.

    Refunds in another currency than the order's cannot be compared with it.
    """
    order, refunds = money.order, money.refunds.values()
    if any(refund.currency != order.currency for refund in refunds):
        return
    expected = sum(
        refund.amount_minor
        for refund in refunds
        if refund.status == Status.CONFIRMED and refund.plan_id in completed_plans
    )
    if order.refund_minor != expected:
        wrong = f"the order has {amount_text(order.refund_minor, order.currency)}"
        yield Code.ORDER_TOTAL, f"{wrong}, not {amount_text(expected, order.currency)}"
