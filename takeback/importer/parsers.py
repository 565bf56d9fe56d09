"""Parses the values of a record: numbers, tax rates, currencies and texts of limited length."""

import re
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from takeback.accounts import password_formats
from takeback.core import money
from takeback.core.normalize import INVISIBLE, NUMBER_KEY_MAX, has_mixed_digits
from takeback.importer.report import RowRefused

QUANTITY_MAX = 2**31 - 1

_INTEGER = re.compile(r"(-?[0-9]{1,10})(?:\.0*)?", re.ASCII)
_GROUPS = "'\u2019 \u00a0\u202f"
"""Thousands separators other than comma and point: apostrophes and spaces."""
_DECIMAL = re.compile(r"-?[0-9]{1,13}(?:\.[0-9]{1,6})?", re.ASCII)
_RATE_END = 100
_LIMITS = {
    "email": 254,
    "code": 255,
    "sku": 128,
    "name": 1000,
    "payment_type": 64,
    "kind": 64,
    "account": 64,
    "notes": 320,
    "language_code": 16,
    "phone": 128,
    "phone_number": 128,
    "postcode": 64,
}
_LIMIT = 255


def limited_text(name: str, text: str) -> str:
    """The text, refused if it is longer than its column."""
    limit = _LIMITS.get(name, _LIMIT)
    if len(text) > limit:
        raise RowRefused("too_long", f"{name} has more than {limit} characters")
    return text


def provider_id(name: str, text: str) -> str | None:
    """An id of a payment's provider, or the code of an account; None if there is none."""
    if INVISIBLE.search(text):
        raise RowRefused("payment", f"{name} has control or invisible characters")
    return limited_text(name, text) or None


def order_number(text: str) -> str:
    """An order number with the limits that the API has for it."""
    text = text.strip()
    if len(text) > NUMBER_KEY_MAX:
        raise RowRefused("too_long", f"number has more than {NUMBER_KEY_MAX} characters")
    if INVISIBLE.search(text):
        raise RowRefused("number", "the number has control or invisible characters")
    if has_mixed_digits(text):
        raise RowRefused("number", "the number has digits of more than one script")
    return text


def currency(text: str) -> str:
    """The lower-case ISO 4217 code; refused if it is unknown."""
    code = text.strip().lower()
    if not money.is_currency(code):
        raise RowRefused("currency", f"unknown currency: {code[:20]!r}")
    return code


class Numbers:
    """Reads numbers as the file writes them.

    Without a `decimal` mark in the mapping, numbers have a decimal point and no thousands
    separators. With one, the other mark, an apostrophe or a space may separate groups of three
    digits.
    """

    def __init__(self, decimal: str) -> None:
        self._decimal = decimal
        if not decimal:
            return
        mark, other = re.escape(decimal), {".": ",", ",": "."}[decimal]
        groups = "|".join(
            rf"[0-9]{{1,3}}(?:{re.escape(group)}[0-9]{{3}})+" for group in other + _GROUPS
        )
        self._number = re.compile(rf"-?(?:[0-9]+|{groups})(?:{mark}[0-9]+)?", re.ASCII)
        self._separators = str.maketrans(decimal, ".", other + _GROUPS)

    def plain(self, text: str, code: str = "amount") -> str:
        """The number with a decimal point and without separators; refused if they are misplaced."""
        text = text.strip()
        if not self._decimal or text.isdecimal() or not text:
            return text
        if not self._number.fullmatch(text):
            mark = f"with the decimal mark {self._decimal!r}"
            raise RowRefused(code, f"not a number {mark}: {text[:40]!r}")
        return text.translate(self._separators)


def quantity(text: str) -> int:
    """An integer, maybe with decimals that are 0; negative in a cancellation."""
    match = _INTEGER.fullmatch(text)
    number = int(match[1]) if match else QUANTITY_MAX + 1
    if abs(number) > QUANTITY_MAX:
        raise RowRefused("quantity", f"not a quantity: {text[:40]!r}")
    return number


@lru_cache(maxsize=8192)
def decimal(text: str) -> Decimal:
    """A price of one unit. It may have more decimals than its currency."""
    if not _DECIMAL.fullmatch(text):
        raise RowRefused("amount", f"not a price: {text[:40]!r}")
    return Decimal(text)


def round_half_up(amount: Decimal, places: int) -> int:
    """Minor units; half a unit is rounded away from zero."""
    return int(amount.scaleb(places).to_integral_value(ROUND_HALF_UP))


def tax_rate(text: str) -> Decimal:
    """A tax rate in percent."""
    text = text.strip()
    rate = decimal(text) if text else Decimal(0)
    if not 0 <= rate < _RATE_END or rate != round(rate, 3):
        raise RowRefused("tax_rate", f"not a tax rate: {text[:20]!r}")
    return rate


def password_hash(text: str) -> str | None:
    """The stored form of a hash of another system; None if the record has none."""
    try:
        return password_formats.stored_form(text.strip()) if text.strip() else None
    except password_formats.UnacceptableHash as error:
        accepted = password_formats.ACCEPTED
        raise RowRefused("password_hash", f"{error.kind}; accepted: {accepted}") from error
