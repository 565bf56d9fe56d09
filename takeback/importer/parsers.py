"""Reading the single values of a record: numbers, rates, currencies, texts that must fit."""

import re
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from takeback.core import money
from takeback.importer.report import RowRefused

QUANTITY_MAX = 2**31 - 1

_WHOLE = re.compile(r"-?[0-9]{1,10}", re.ASCII)
_DECIMAL = re.compile(r"-?[0-9]{1,13}(?:\.[0-9]{1,6})?", re.ASCII)
_RATE_END = 100
_LIMITS = {
    "number": 128,
    "email": 254,
    "code": 255,
    "sku": 128,
    "name": 1000,
    "payment_type": 64,
    "notes": 320,
    "language_code": 16,
    "phone": 128,
    "phone_number": 128,
    "postcode": 64,
}
_LIMIT = 255


def fitting(name: str, text: str) -> str:
    """The text, if its column is wide enough for it."""
    limit = _LIMITS.get(name, _LIMIT)
    if len(text) > limit:
        raise RowRefused("too_long", f"{name} has more than {limit} characters")
    return text


def currency(text: str) -> str:
    """The lower-case code; refused if the world does not know it."""
    code = text.strip().lower()
    if not money.is_currency(code):
        raise RowRefused("currency", f"unknown currency: {code[:20]!r}")
    return code


def whole(text: str) -> int:
    """A quantity: a whole number, negative when something is undone, never zero."""
    text = text.strip()
    number = int(text) if _WHOLE.fullmatch(text) else 0
    if not number or abs(number) > QUANTITY_MAX:
        raise RowRefused("quantity", f"not a quantity: {text[:40]!r}")
    return number


@lru_cache(maxsize=8192)
def decimal(text: str) -> Decimal:
    """A price of one unit, which may have more decimals than its currency."""
    if not _DECIMAL.fullmatch(text):
        raise RowRefused("amount", f"not a price: {text[:40]!r}")
    return Decimal(text)


def half_up(amount: Decimal, places: int) -> int:
    """Minor units; half a unit goes away from zero."""
    return int(amount.scaleb(places).to_integral_value(ROUND_HALF_UP))


def rate(text: str) -> Decimal:
    """A tax rate in percent."""
    text = text.strip()
    found = decimal(text) if text else Decimal(0)
    if not 0 <= found < _RATE_END or found != round(found, 2):
        raise RowRefused("tax_rate", f"not a tax rate: {text[:20]!r}")
    return found
