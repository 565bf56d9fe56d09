"""Ids in addresses and texts, as somebody sent them."""

from takeback.core import errors
from takeback.core.errors import Refused

MAX_DIGITS = 18
"""More digits than this do not fit a database's integer."""


def id_of(text: str) -> int | None:
    """The number that this is in ASCII digits; None for whatever can be no id.

    >>> id_of("17"), id_of("-1"), id_of("\u0661"), id_of("9" * 19)
    (17, None, None, None)
    """
    usable = text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
    return int(text) if usable else None


def id_from_path(text: str) -> int:
    """The same; what can be no id is as absent as an id that nobody has."""
    number = id_of(text)
    if number is None:
        raise Refused(errors.NOT_FOUND)
    return number
