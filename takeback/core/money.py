"""Money is an integer in minor units; `currencies` holds the decimals of each currency."""

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NewType

from takeback.core.currencies import DECIMALS

MinorUnits = NewType("MinorUnits", int)

_AMOUNT = re.compile(r"(-?)([0-9]{1,13})(?:\.([0-9]{1,6}))?", re.ASCII)


class NotAnAmount(ValueError):
    """The value is not an amount of this currency."""


def is_currency(code: str) -> bool:
    """Whether this is a code of our table; codes are in lower case."""
    return code in DECIMALS


def decimals(currency: str) -> int:
    """The number of decimals of a currency: 2 for `try`, 0 for `jpy`, 3 for `kwd`."""
    return DECIMALS[currency]


def parse(value: str | int | Decimal, currency: str) -> int:
    """An external amount in minor units; it never passes through a float.

    >>> parse("11.87", "try"), parse("1000", "jpy"), parse("1.250", "kwd"), parse("-2.5", "eur")
    (1187, 1000, 1250, -250)
    """
    match = _AMOUNT.fullmatch(f"{value:f}" if isinstance(value, Decimal) else str(value))
    if match is None:
        raise NotAnAmount(value)
    sign, integer, fraction = match[1], match[2], (match[3] or "")
    places = decimals(currency)
    if fraction[places:].strip("0"):
        raise NotAnAmount(value)
    minor = int(integer + fraction[:places].ljust(places, "0"))
    return -minor if sign else minor


@lru_cache(maxsize=8192)
def show(minor: int, currency: str) -> str:
    """The amount with exactly the decimals of its currency.

    >>> show(1187, "try"), show(1000, "jpy"), show(-5, "kwd")
    ('11.87', '1000', '-0.005')
    """
    places = decimals(currency)
    if not places:
        return str(minor)
    digits = str(abs(minor)).rjust(places + 1, "0")
    return f"{'-' if minor < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def show_rate(rate: Decimal) -> str:
    """A rate in percent with two decimals, or with three if the third is not 0.

    >>> show_rate(Decimal(18)), show_rate(Decimal("8.875"))
    ('18.00', '8.875')
    """
    text = f"{rate:.3f}"
    return text.removesuffix("0")


def split(minor: int, weights: Sequence[int]) -> list[int]:
    """Allocate an amount by weight with the largest remainder method; the shares add up to it.

    If all weights are zero, they count as equal.

    >>> split(1000, [1, 1, 1]), split(-5, [3, 1]), split(7, [0, 0])
    ([334, 333, 333], [-4, -1], [4, 3])
    """
    if minor < 0:
        return [-share for share in split(-minor, weights)]
    total = sum(weights)
    if not total:
        weights, total = [1] * len(weights), len(weights)
    shares, remainders = [], []
    for weight in weights:
        share, remainder = divmod(minor * weight, total)
        shares.append(share)
        remainders.append(remainder)
    missing = minor - sum(shares)
    if missing:
        largest_first = sorted(range(len(shares)), key=remainders.__getitem__, reverse=True)
        for index in largest_first[:missing]:
            shares[index] += 1
    return shares


def unit_value(total: int, quantity: int) -> int:
    """The value of the first unit, which carries a minor unit of the remainder, if there is one.

    >>> unit_value(1000, 3), unit_value(999, 3), unit_value(-1000, 3)
    (334, 333, -334)
    """
    return -(-total // quantity) if total >= 0 else total // quantity


def units_value(total: int, quantity: int, used: int, count: int) -> int:
    """The value of the next `count` of `quantity` units after `used` units.

    The first `total mod quantity` units carry one minor unit more, so every split of the units,
    in any order, adds up to the total.

    >>> [units_value(1000, 3, used, 1) for used in (0, 1, 2)]
    [334, 333, 333]
    """
    if total < 0:
        return -units_value(-total, quantity, used, count)
    value, larger_units = divmod(total, quantity)
    return value * count + max(0, min(larger_units, used + count) - used)
