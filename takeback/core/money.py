"""Money is a whole number of minor units; its currency says how many decimals that is (CLDR)."""

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache

from babel.core import get_global
from babel.numbers import get_currency_precision

_AMOUNT = re.compile(r"(-?)([0-9]{1,13})(?:\.([0-9]{1,6}))?", re.ASCII)


class NotAnAmount(ValueError):
    """The text is not an amount of this currency."""


@lru_cache(maxsize=256)
def is_currency(code: str) -> bool:
    """Whether the lower-case ISO 4217 code is known."""
    known: dict[str, object] = get_global("all_currencies")  # type: ignore[assignment]  # stub says str
    return code.islower() and code.upper() in known


@lru_cache(maxsize=256)
def decimals(currency: str) -> int:
    """How many decimals the currency has: 2 for `try`, 0 for `jpy`, 3 for `kwd`."""
    return get_currency_precision(currency.upper())


def parse(value: str | int | Decimal, currency: str) -> int:
    """Minor units of an amount as others write it; never through a float.

    >>> parse("11.87", "try"), parse("1000", "jpy"), parse("1.250", "kwd"), parse("-2.5", "eur")
    (1187, 1000, 1250, -250)
    """
    found = _AMOUNT.fullmatch(f"{value:f}" if isinstance(value, Decimal) else str(value))
    if found is None:
        raise NotAnAmount(value)
    sign, whole, fraction = found[1], found[2], (found[3] or "")
    places = decimals(currency)
    kept, dropped = fraction[:places], fraction[places:]
    if dropped.strip("0"):
        raise NotAnAmount(value)
    minor = int(whole + kept.ljust(places, "0"))
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


def split(minor: int, weights: Sequence[int]) -> list[int]:
    """Share out by weight, largest remainder first; the shares always add up to the whole.

    With no weight at all every share weighs the same.

    >>> split(1000, [1, 1, 1]), split(-5, [3, 1]), split(7, [0, 0])
    ([334, 333, 333], [-4, -1], [4, 3])
    """
    if minor < 0:
        return [-share for share in split(-minor, weights)]
    whole = sum(weights)
    if not whole:
        weights, whole = [1] * len(weights), len(weights)
    shares, rests = [], []
    for weight in weights:
        share, rest = divmod(minor * weight, whole)
        shares.append(share)
        rests.append(rest)
    missing = minor - sum(shares)
    if missing:
        largest_first = sorted(range(len(rests)), key=rests.__getitem__, reverse=True)
        for index in largest_first[:missing]:
            shares[index] += 1
    return shares


def unit_worth(total: int, quantity: int) -> int:
    """What the first unit is worth, quicker than `units_worth`: it carries what does not divide.

    >>> unit_worth(1000, 3), unit_worth(999, 3), unit_worth(-1000, 3)
    (334, 333, -334)
    """
    return -(-total // quantity) if total >= 0 else total // quantity


def units_worth(total: int, quantity: int, used: int, count: int) -> int:
    """What the next `count` of `quantity` units are worth when `used` are gone.

    The first `total mod quantity` units carry one minor unit more, so that any
    split in any order adds up to the total.

    >>> [units_worth(1000, 3, used, 1) for used in (0, 1, 2)]
    [334, 333, 333]
    """
    if total < 0:
        return -units_worth(-total, quantity, used, count)
    each, heavier = divmod(total, quantity)
    return each * count + max(0, min(heavier, used + count) - used)
