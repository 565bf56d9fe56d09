"""Giving a key up: what it has sealed is sealed anew with the newest."""

from typing import NamedTuple

from cryptography.exceptions import InvalidTag

from takeback.core.problems import Refused
from takeback.core.sealing import seal, unseal
from takeback.operations.data_keys.queries import COLUMNS, SealedColumn, SealedText, older

AT_ONCE = 100
"""Texts held in memory together; the longest have some hundred thousand characters."""


class Resealed(NamedTuple):
    """How many texts were sealed anew, and how many nobody can open."""

    done: int
    unreadable: int


def reseal() -> Resealed:
    """Seal with the newest key what an older one has sealed; may be stopped, and repeated.

    Each text is a transaction of its own, so that nobody waits long for it beside a running
    service. What is told stays what it was: no version and no date changes, and no history is
    written. A text whose key is gone, or that is damaged, is left.
    """
    done = unreadable = 0
    for column in COLUMNS:
        last = 0
        while batch := older(column, after=last, most=AT_ONCE):
            for found in batch:
                try:
                    done += renew(column, found)
                except (Refused, InvalidTag, ValueError):
                    unreadable += 1
            last = batch[-1].pk
    return Resealed(done, unreadable)


def renew(column: SealedColumn, found: SealedText) -> bool:
    """Seal one text anew; False when somebody has changed it since it was found.

    Raises Refused when its key is gone, InvalidTag or ValueError when it is damaged.
    """
    fresh = seal(unseal(found.text, found.context), found.context)
    unchanged = {"pk": found.pk, column.name: found.text}
    rows = column.model._default_manager.filter(**unchanged)  # noqa: SLF001 - documented
    return bool(rows.update(**{column.name: fresh}))
