"""The bookings of refunds, the hash chain of an order's entries, and the hash of an anchor.

A debit is positive and a credit negative, in minor units. The entries of a booking add up to zero
in each currency; those of a refund do so for each tax rate, too. `docs/reference/ledger.md`
describes the accounts.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Final, NamedTuple

from takeback.refunds.statuses import Status

VERSION: Final = 1
"""The version of the texts that are hashed; a new version leaves older entries as they are."""

START: Final = ""
"""The hash before an order's first entry, and before the first anchor."""


class Cause(StrEnum):
    """Why a booking is made."""

    PLAN = "plan"
    CONFIRM = "confirm"
    RETURN = "return"
    CANCEL = "cancel"
    FOUND = "found"
    CHARGE_BACK = "charge_back"


class Account(StrEnum):
    """The first word of an account's code."""

    # `returns:<component>`, by tax rate: what the shop gives back.
    RETURNS = "returns"
    # `owed:<payment>`: what the shopper is still to receive.
    OWED = "owed"
    # `paid:<channel>:<code of the payment account>`, else `paid:<means>`: what has left the shop.
    PAID = "paid"
    # Refunds that were made in the provider's own pages.
    FOUND = "found"
    # Money that the shopper's bank took back.
    CHARGE_BACKS = "charge_backs"


class Component(StrEnum):
    """The second word of the accounts of `Account.RETURNS`."""

    GOODS = "goods"
    DISCOUNT = "discount"
    SHIPPING = "shipping"
    FEE = "fee"
    INTEREST = "interest"
    ADJUSTMENT = "adjustment"


CAUSES: Final[Mapping[Status, tuple[Cause, ...]]] = {
    Status.PLANNED: (Cause.PLAN,),
    Status.SENDING: (Cause.PLAN,),
    Status.IN_DOUBT: (Cause.PLAN,),
    Status.PENDING: (Cause.PLAN,),
    # The shop still owes the money, until another refund replaces this one.
    Status.FAILED: (Cause.PLAN,),
    Status.CONFIRMED: (Cause.PLAN, Cause.CONFIRM),
    Status.RETURNED: (Cause.PLAN, Cause.CONFIRM, Cause.RETURN),
    Status.CANCELLED: (Cause.PLAN, Cause.CANCEL),
}
"""The bookings of a refund in this status, in their order."""

REPLACED_WHILE_OWED: Final = (Status.FAILED, Status.RETURNED)
"""Statuses of a refund whose debt another refund takes over when it replaces it."""


class PartAmounts(NamedTuple):
    """The components of what a refund gives back at a tax rate."""

    tax_rate: Decimal
    goods: int = 0
    discount: int = 0
    shipping: int = 0
    fee: int = 0
    interest: int = 0
    adjustment: int = 0

    def signed(self) -> dict[Component, int]:
        """The amounts that add up to the part: a discount is deducted."""
        return {
            Component.GOODS: self.goods,
            Component.DISCOUNT: -self.discount,
            Component.SHIPPING: self.shipping,
            Component.FEE: self.fee,
            Component.INTEREST: self.interest,
            Component.ADJUSTMENT: self.adjustment,
        }

    @property
    def total(self) -> int:
        return sum(self.signed().values())


class BookedRefund(NamedTuple):
    """What the ledger records of a refund."""

    id: int
    payment: int
    amount: int
    currency: str
    # The code of the account from which it is paid.
    paid_from: str
    parts: tuple[PartAmounts, ...]

    def parts_add_up(self) -> bool:
        return self.amount == sum(part.total for part in self.parts)


class Entry(NamedTuple):
    """One side of a booking, before it has a place in an order's chain."""

    account_code: str
    amount_minor: int
    currency: str
    refund: int | None
    payment: int
    tax_rate: Decimal | None


class Row(NamedTuple):
    """An entry in its order's chain: the columns that its hash covers."""

    order_id: int
    seq: int
    side: int
    cause: str
    account_code: str
    amount_minor: int
    currency: str
    refund_id: int | None
    payment_id: int
    tax_rate: Decimal | None
    refund_invoice_number: str
    at: datetime


def entries_of(
    cause: Cause, refund: BookedRefund, replaced: BookedRefund | None = None
) -> list[Entry]:
    """The entries of a refund's booking.

    `replaced` is the refund whose debt a new refund takes over.

    >>> parts = (PartAmounts(Decimal(18), goods=1000, discount=200),)
    >>> refund = BookedRefund(5, 3, 800, "try", "paid:1:card", parts)
    >>> [(entry.account_code, entry.amount_minor) for entry in entries_of(Cause.PLAN, refund)]
    [('returns:goods', 1000), ('returns:discount', -200), ('owed:3', -800)]
    >>> [(entry.account_code, entry.amount_minor) for entry in entries_of(Cause.CONFIRM, refund)]
    [('owed:3', 800), ('paid:1:card', -800)]
    """
    if cause is Cause.PLAN and replaced is not None:
        return [*_owed(replaced, sign=1), *_owed(refund, sign=-1)]
    entries = {
        Cause.PLAN: _returns,
        Cause.CANCEL: _returns,
        Cause.CONFIRM: _payout,
        Cause.RETURN: _payout,
    }[cause](refund)
    return _reversed(entries) if cause in (Cause.CANCEL, Cause.RETURN) else entries


def entries_of_fact(
    cause: Cause, *, payment: int, amount: int, currency: str, paid_from: str
) -> list[Entry]:
    """The entries of money that left a payment without a refund of ours.

    A negative amount takes back what was booked before.
    """
    account = {Cause.FOUND: Account.FOUND, Cause.CHARGE_BACK: Account.CHARGE_BACKS}[cause]
    return [
        Entry(account.value, amount, currency, None, payment, None),
        Entry(paid_from, -amount, currency, None, payment, None),
    ]


def paid_from_account(channel: int, code: str) -> str:
    """The code of the ledger's account for a payment account of a channel."""
    return f"{Account.PAID}:{channel}:{code}"


def paid_by_means(means: str) -> str:
    """The code of the ledger's account for refunds without a payment account."""
    return f"{Account.PAID}:{means}"


def _returns(refund: BookedRefund) -> list[Entry]:
    entries = []
    for rate, amounts in _amounts_by_rate(refund.parts).items():
        entries += [
            _entry(refund, f"{Account.RETURNS}:{component}", amount, rate)
            for component, amount in amounts.items()
            if amount
        ]
        entries += _owed_at(refund, rate, -sum(amounts.values()))
    return entries


def _owed(refund: BookedRefund, *, sign: int) -> list[Entry]:
    return [
        entry
        for rate, amounts in _amounts_by_rate(refund.parts).items()
        for entry in _owed_at(refund, rate, sign * sum(amounts.values()))
    ]


def _payout(refund: BookedRefund) -> list[Entry]:
    entries = []
    for debit in _owed(refund, sign=1):
        entries += [
            debit,
            debit._replace(account_code=refund.paid_from, amount_minor=-debit.amount_minor),
        ]
    return entries


def _owed_at(refund: BookedRefund, rate: Decimal, amount: int) -> list[Entry]:
    code = f"{Account.OWED}:{refund.payment}"
    return [_entry(refund, code, amount, rate)] if amount else []


def _entry(refund: BookedRefund, code: str, amount: int, rate: Decimal) -> Entry:
    return Entry(code, amount, refund.currency, refund.id, refund.payment, rate)


def _reversed(entries: Iterable[Entry]) -> list[Entry]:
    return [entry._replace(amount_minor=-entry.amount_minor) for entry in entries]


def _amounts_by_rate(parts: Iterable[PartAmounts]) -> dict[Decimal, dict[Component, int]]:
    """The components of all parts, by ascending tax rate."""
    sums: dict[Decimal, dict[Component, int]] = {}
    for part in sorted(parts, key=lambda part: part.tax_rate):
        amounts = sums.setdefault(part.tax_rate, dict.fromkeys(Component, 0))
        for component, amount in part.signed().items():
            amounts[component] += amount
    return sums


def unbalanced(rows: Iterable[Row]) -> dict[str, int]:
    """The currencies in which the entries of a booking do not add up to zero, with their sums."""
    sums = Counter[str]()
    for row in rows:
        sums[row.currency] += row.amount_minor
    return {currency: total for currency, total in sums.items() if total}


def row_text(row: Row) -> str:
    """The text of an entry that is hashed: JSON, so that no value can pass for two."""
    rate = None if row.tax_rate is None else f"{row.tax_rate:.3f}"
    at = row.at.astimezone(UTC).isoformat(timespec="microseconds")
    columns = [VERSION, *row[:9], rate, row.refund_invoice_number, at]
    return json.dumps(columns, separators=(",", ":"))


def next_hash(previous: str, row: Row) -> str:
    """The hash of an entry: SHA-256 of the hash before it and its own text."""
    return sha256(f"{previous}\n{row_text(row)}".encode()).hexdigest()


def anchor_hash(
    previous: str, day: date, last_entry: int, hashes: Iterable[str]
) -> tuple[str, int]:
    """The hash of a day's anchor, and the number of entries that it covers.

    It covers the previous anchor and the hashes of all entries since then, by their ids: the last
    one of each order is the head of its chain.
    """
    digest = sha256(f"{VERSION}\n{previous}\n{day.isoformat()}\n{last_entry}\n".encode())
    count = 0
    for entry in hashes:
        digest.update(f"{entry}\n".encode())
        count += 1
    return digest.hexdigest(), count
