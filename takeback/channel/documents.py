"""Values that the documents of all rooms share."""

from decimal import Decimal
from typing import Any

import msgspec

from takeback.core.money import show, show_rate

Object = dict[str, Any]

# Numbers inside free-form objects are repeated digit by digit.
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def amount(minor: int, currency: str) -> Decimal:
    """An amount that is written with exactly the decimals of its currency."""
    return Decimal(show(minor, currency))


def rate(percent: Decimal) -> Decimal:
    """A rate that is written with two decimals, or with three if the third is not 0."""
    return Decimal(show_rate(percent))


def optional_rate(percent: Decimal | None) -> Decimal | None:
    """A rate, or null."""
    return None if percent is None else rate(percent)


def optional_amount(minor: int | None, currency: str) -> Decimal | None:
    """An amount, or null."""
    return None if minor is None else amount(minor, currency)


def json_object(text: str | None) -> Object:
    """The object in a JSON column; an empty one where the column is null."""
    return _decode(text) if text is not None else {}
