"""Plausible dates: others are mistakes of a clock, a unit or a conversion."""

from datetime import UTC, datetime, timedelta

EARLIEST_YEAR, LATEST_YEAR = 1970, 2099
CLOCK_TOLERANCE = timedelta(days=1)
"""How far an event may lie in the future: hosts' clocks differ, and local times lack a zone."""

_EARLIEST = datetime(EARLIEST_YEAR, 1, 1, tzinfo=UTC)


def has_happened(moment: datetime, now: datetime) -> bool:
    """Whether an event can have this time: from 1970 until a day from now."""
    return _EARLIEST <= moment <= now + CLOCK_TOLERANCE


def is_plausible(year: int) -> bool:
    """Whether a planned event can be in this year."""
    return EARLIEST_YEAR <= year <= LATEST_YEAR
