"""The ledger as beancount text, with balances that follow from the refunds.

Transactions show the ledger. A `balance` for each account and day is computed from refunds, their
parts and payments, so that `bean-check` finds a wrong entry, even if its booking adds up. Only the
day of a booking comes from the ledger, whose hashes cover it. beancount sorts directives by day:
the text follows the orders and is written while they are read.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from hashlib import sha256
from typing import Final, NamedTuple

from takeback.core.money import show_rate
from takeback.refunds.ledger import Account, Entry
from takeback.refunds.money_rows import (
    Booking,
    OrderMoney,
    amount_text,
    money_of_orders,
    order_ranges,
)

_ROOTS: Final[Mapping[str, str]] = {
    Account.RETURNS: "Expenses:Returns",
    Account.OWED: "Liabilities:Owed",
    Account.PAID: "Assets:Paid",
    Account.FOUND: "Expenses:Found",
    Account.CHARGE_BACKS: "Expenses:Charge-Backs",
}
_FACTS = (_ROOTS[Account.FOUND], _ROOTS[Account.CHARGE_BACKS])
_UNKNOWN = "Equity:Unknown"
_OPENING = "Equity:Opening-Balances"
_HEADER = 'option "title" "Takeback refunds"\n'
_DAY = timedelta(days=1)
# The day of a payment's facts that are in no booking.
_NO_DAY = date(1970, 1, 1)

Write = Callable[[str], object]
Key = tuple[str, str]
"""An account in beancount's words, and a currency."""


class Period(NamedTuple):
    """Days in a time zone, both inclusive; None: without a limit."""

    first: date | None
    last: date | None
    zone: tzinfo

    def day_of(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def contains(self, day: date) -> bool:
        return not self.is_before(day) and (self.last is None or day <= self.last)

    def is_before(self, day: date) -> bool:
        return self.first is not None and day < self.first


class Balances:
    """What accounts should hold by day, and the days on which the ledger moves them."""

    def __init__(self, period: Period) -> None:
        self._period = period
        self._opening = Counter[Key]()
        self._changes = defaultdict[Key, Counter[date]](Counter)

    def move(self, key: Key, day: date) -> None:
        """The ledger has an entry on this day, whatever is expected."""
        if self._period.contains(day):
            self._changes[key][day] += 0

    def expect(self, key: Key, day: date, amount: int) -> None:
        """An entry is expected on this day; before the period it is part of the opening balance."""
        if self._period.is_before(day):
            self._opening[key] += amount
        elif self._period.contains(day):
            self._changes[key][day] += amount

    def expect_in_the_end(self, key: Key, total: int) -> None:
        """This is the balance after the last day, whatever was expected by day."""
        missing = total - self._opening[key] - self._changes[key].total()
        if missing:
            self._changes[key][max(self._changes[key], default=_NO_DAY)] += missing

    def keys_of(self, *accounts: str) -> set[Key]:
        return {key for key in self._opening.keys() | self._changes.keys() if key[0] in accounts}

    def directives(self) -> Iterator[str]:
        """The accounts' `open`, their opening balances, and a `balance` after each day."""
        opening = {key: amount for key, amount in self._opening.items() if amount}
        first_days: dict[str, date] = {}
        for key in opening.keys() | self._changes.keys():
            days = [self._period.first] if key in opening else list(self._changes[key])
            for day in filter(None, days):
                first_days[key[0]] = min(day, first_days.get(key[0], day))
        for account, day in sorted(first_days.items()):
            yield f"{day} open {account}\n"
        if opening and self._period.first:
            yield _opening_transaction(self._period.first, opening)
        for key, changes in sorted(self._changes.items()):
            balance = self._opening[key]
            for day in sorted(changes):
                balance += changes[day]
                yield _balance(key, day, balance)


def write_ledger(write: Write, period: Period) -> None:
    """Write the ledger of a period; call it within a snapshot of the database.

    Refunds that providers made and charge-backs are facts without rows of their own: their balance
    is that of the payments after the last day, so it is only checked without an end of the period.
    """
    write(_HEADER)
    if period.first:
        write(f"{period.first} open {_OPENING}\n")
    shared, facts = Balances(period), Counter[Key]()
    for first, last in order_ranges():
        for money in money_of_orders(first, last):
            _write_order(write, money, shared, period)
            facts.update(_facts_of_payments(money))
    if period.last is None:
        for key in facts.keys() | shared.keys_of(*_FACTS):
            shared.expect_in_the_end(key, facts[key])
    write("\n")
    for directive in shared.directives():
        write(directive)


def _write_order(write: Write, money: OrderMoney, shared: Balances, period: Period) -> None:
    """Write an order's transactions, and the balances of its own accounts."""
    balances = _BalancesOfOrder(Balances(period), shared)
    days: dict[tuple[int, str], date] = {}
    for booking in money.bookings:
        day = period.day_of(booking.at)
        if period.contains(day):
            write(_transaction(money.order.id, booking, day))
        balances.move(booking, day)
        if booking.refund is not None:
            days[booking.refund, booking.cause] = day
    for refund in money.refunds.values():
        for cause, entries in money.expected_bookings(refund).items():
            day = days.get((refund.id, cause)) or period.day_of(refund.changed_at(cause))
            balances.expect(entries, day)
    for directive in balances.own.directives():
        write(directive)


class _BalancesOfOrder(NamedTuple):
    """The balances of an order's own accounts, and of the accounts that all orders share."""

    own: Balances
    shared: Balances

    def move(self, booking: Booking, day: date) -> None:
        """A booking of the ledger; what is a fact from outside has no other source."""
        for entry in booking.content():
            self._of(entry).move(_key(entry), day)
        if booking.refund is None:
            self.expect(booking.content(), day)

    def expect(self, entries: Iterable[Entry], day: date) -> None:
        for entry in entries:
            self._of(entry).expect(_key(entry), day, entry.amount_minor)

    def _of(self, entry: Entry) -> Balances:
        return self.own if entry.account_code.startswith(f"{Account.OWED}:") else self.shared


def _facts_of_payments(money: OrderMoney) -> Counter[Key]:
    facts = Counter[Key]()
    for payment in money.payments.values():
        currency = payment.currency or money.order.currency
        for account, total in zip(
            _FACTS, (payment.found_minor, payment.charged_back_minor), strict=True
        ):
            facts[account, currency] += total
    return facts


def account_name(code: str, tax_rate: Decimal | None = None) -> str:
    """An account of the ledger in beancount's words.

    >>> account_name("returns:goods", Decimal("8.875")), account_name("owed:17")
    ('Expenses:Returns:Goods:VAT8-875', 'Liabilities:Owed:17')
    >>> account_name("paid:1:card-eu"), account_name("paid:bank_transfer")
    ('Assets:Paid:1:Card-eu', 'Assets:Paid:Bank-transfer')
    >>> account_name("paid:1:Card EU")
    'Assets:Paid:1:Card-EU-993506e9'
    """
    kind, *words = code.split(":", 2)
    if kind not in _ROOTS:
        return f"{_UNKNOWN}:{_word(code)}"
    if kind == Account.PAID and len(words) == 1:
        words = [words[0].replace("_", "-")]
    names = [_ROOTS[kind], *map(_word, words)]
    if kind == Account.RETURNS and tax_rate is not None:
        names.append(f"VAT{show_rate(tax_rate).replace('.', '-')}")
    return ":".join(names)


def _word(text: str) -> str:
    """A part of an account's name; two texts never have the same one."""
    word = re.sub(r"[^A-Za-z0-9-]", "-", text)
    # A part starts with a capital letter or a digit.
    word = word[:1].upper() + word[1:] if word[:1].isalnum() else f"X{word}"
    is_unique = re.fullmatch(r"[a-z0-9][a-z0-9-]*", text)
    return word if is_unique else f"{word}-{sha256(text.encode()).hexdigest()[:8]}"


def _key(entry: Entry) -> Key:
    return account_name(entry.account_code, entry.tax_rate), entry.currency


def _transaction(order_id: int, booking: Booking, day: date) -> str:
    number = booking.entries[0].row.refund_invoice_number
    details = {
        "order": str(order_id),
        "booking": str(booking.seq),
        "refund": "" if booking.refund is None else str(booking.refund),
        "refund-invoice": number,
    }
    lines = [f'\n{day} * "{_quoted(booking.cause)}"']
    lines += [f'  {name}: "{_quoted(value)}"' for name, value in details.items() if value]
    lines += [_posting(*_key(entry), entry.amount_minor) for entry in booking.content()]
    return "\n".join(lines) + "\n"


def _opening_transaction(day: date, opening: Mapping[Key, int]) -> str:
    totals = Counter[str]()
    for (_, currency), amount in opening.items():
        totals[currency] += amount
    lines = [f'\n{day} * "opening balances"']
    lines += [_posting(*key, amount) for key, amount in sorted(opening.items())]
    lines += [_posting(_OPENING, currency, -total) for currency, total in totals.items() if total]
    return "\n".join(lines) + "\n"


def _posting(account: str, currency: str, amount: int) -> str:
    return f"  {account}  {amount_text(amount, currency)}"


def _balance(key: Key, day: date, amount: int) -> str:
    """The balance at the end of a day: beancount's is that at the start of the next one.

    Without `~ 0` bean-check tolerates a difference of the last digit.
    """
    account, currency = key
    number, code = amount_text(amount, currency).split()
    return f"{day + _DAY} balance {account}  {number} ~ 0 {code}\n"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
