"""Ids: their types, which keep swapped arguments from passing mypy, and ids in paths."""

from typing import NewType

from takeback.core import errors
from takeback.core.errors import Refused

OrderId = NewType("OrderId", int)
ItemId = NewType("ItemId", int)
CaseId = NewType("CaseId", int)
PlanId = NewType("PlanId", int)

# A longer number may not fit a database's 64-bit integer.
MAX_DIGITS = 18


def id_of(text: str) -> int | None:
    """The id in ASCII digits; None for any other text.

    >>> id_of("17"), id_of("-1"), id_of("\u0661"), id_of("9" * 19)
    (17, None, None, None)
    """
    usable = text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
    return int(text) if usable else None


def id_from_path(text: str) -> int:
    """The id in a path; any other text is refused as not found, as an unknown id is."""
    pk = id_of(text)
    if pk is None:
        raise Refused(errors.NOT_FOUND)
    return pk
