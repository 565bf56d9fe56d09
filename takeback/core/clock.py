"""The only place that reads the time, and where days begin and end."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo


def now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)


def day_start(day: date, zone: tzinfo) -> datetime:
    """The first moment of a day in this zone, in UTC."""
    try:
        return datetime.combine(day, time.min, zone).astimezone(UTC)
    except OverflowError:  # the first day of all begins even earlier in the east
        return datetime.min.replace(tzinfo=UTC)


def day_end(day: date, zone: tzinfo) -> datetime:
    """The first moment after it."""
    is_last = day == date.max
    return datetime.max.replace(tzinfo=UTC) if is_last else day_start(day + timedelta(days=1), zone)
