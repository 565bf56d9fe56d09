"""The only module that reads the time, and the bounds of days in a time zone."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo


def now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)


def day_start(day: date, zone: tzinfo) -> datetime:
    """The start of a day in this zone, in UTC."""
    try:
        return datetime.combine(day, time.min, zone).astimezone(UTC)
    except OverflowError:  # east of UTC the first representable day starts before `datetime.min`
        return datetime.min.replace(tzinfo=UTC)


def day_end(day: date, zone: tzinfo) -> datetime:
    """The end of a day in this zone, exclusive, in UTC."""
    is_last = day == date.max
    return datetime.max.replace(tzinfo=UTC) if is_last else day_start(day + timedelta(days=1), zone)
