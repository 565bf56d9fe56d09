"""Amounts as providers write them: decimal strings with the provider's own decimals."""

import re
from collections.abc import Mapping

from takeback.core.money import decimals

_AMOUNT = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,6}))?", re.ASCII)


class NotRepresentable(ValueError):
    """The amount has no exact value with the decimals of the other side."""


def to_provider(minor: int, currency: str, exponents: Mapping[str, int]) -> str:
    """An amount with exactly the decimals that the provider uses for its currency.

    >>> to_provider(1050, "eur", {}), to_provider(1250, "kwd", {"kwd": 2})
    ('10.50', '1.25')
    """
    ours, theirs = decimals(currency), exponents.get(currency, decimals(currency))
    scaled, remainder = divmod(minor * _power(theirs), _power(ours))
    if remainder or minor < 0:
        raise NotRepresentable(minor)
    if not theirs:
        return str(scaled)
    digits = str(scaled).rjust(theirs + 1, "0")
    return f"{digits[:-theirs]}.{digits[-theirs:]}"


def from_provider(text: str, currency: str, exponents: Mapping[str, int]) -> int:
    """The amount in minor units. Other decimals than the provider's are refused.

    `1000` and `1000.00` differ by a factor of 100 for a reader who guesses the decimals, so no
    reader guesses.

    >>> from_provider("10.50", "eur", {}), from_provider("1.25", "kwd", {"kwd": 2})
    (1050, 1250)
    """
    match = _AMOUNT.fullmatch(text)
    ours, theirs = decimals(currency), exponents.get(currency, decimals(currency))
    if match is None or len(match[2] or "") != theirs:
        raise NotRepresentable(text)
    digits = match[1] + (match[2] or "")
    minor, remainder = divmod(int(digits) * _power(ours), _power(theirs))
    if remainder:
        raise NotRepresentable(text)
    return minor


def _power(places: int) -> int:
    return int(10**places)
