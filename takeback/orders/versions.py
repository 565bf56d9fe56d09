"""Versions of orders and items: a client changes only what it has read."""

from datetime import UTC, datetime, timedelta

from takeback.core.errors import PRECONDITION_FAILED, Refused

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def version_of(modified_date: datetime) -> int:
    """The version of a row: the time of its last change, in microseconds since 1970.

    Every change of an order or its items, and every decision about a case, takes a time of its own
    (decision 0040).
    """
    return (modified_date - _EPOCH) // timedelta(microseconds=1)


def ensure_version(modified_date: datetime, expected: int | None) -> None:
    """Refuse if a client expects another version of a locked row; None expects none."""
    version = version_of(modified_date)
    if expected not in (None, version):
        raise Refused(PRECONDITION_FAILED, version=version)
