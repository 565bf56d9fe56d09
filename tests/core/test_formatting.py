"""Amounts, ages and dates in the format of the reader's language."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import formats, translation

from takeback.core.formatting import format_age, format_amount

MOMENT = datetime(2026, 11, 17, 0, 5, tzinfo=UTC)
MARK = "\u200f"
AMOUNTS = [
    ("en", 24355, "kwd", "KWD\u00a024.355"),
    ("en", 66750, "try", "TRY\u00a0667.50"),
    ("en", -1187, "eur", "-€11.87"),
    ("en", 1000, "jpy", "¥1,000"),
    ("de", 66750, "try", "667,50\u00a0TRY"),
    ("tr", 66750, "try", "₺667,50"),
    ("ar", 66750, "try", f"{MARK}667.50\u00a0TRY"),
    ("fr", 24355, "kwd", "24,355\u00a0KWD"),
]
DATES = [
    ("en", "17 Nov 2026", "17 Nov 2026, 00:05"),
    ("de", "17.11.2026", "17.11.2026, 00:05"),
    ("tr", "17 Kas 2026", "17 Kas 2026, 00:05"),
    ("ar", "17 نوفمبر 2026", "17 نوفمبر 2026، 00:05"),
]
AGES = [
    ("en", timedelta(), "1 minute ago"),
    ("en", timedelta(hours=3, minutes=4), "3 hours ago"),
    ("de", timedelta(days=12), "vor 2 Wochen"),
    ("tr", timedelta(hours=3), "3 saat önce"),
    ("ar", timedelta(hours=3), "قبل 3 ساعات"),
]


@pytest.mark.parametrize(("language", "minor", "currency", "expected"), AMOUNTS)
def test_amounts_follow_the_language(
    language: str, minor: int, currency: str, expected: str
) -> None:
    with translation.override(language):
        assert format_amount(minor, currency) == expected


@pytest.mark.parametrize(("language", "day", "moment"), DATES)
def test_each_language_has_one_date_format(language: str, day: str, moment: str) -> None:
    with translation.override(language):
        for name in ("DATE_FORMAT", "SHORT_DATE_FORMAT"):
            assert formats.date_format(MOMENT, name) == day
        for name in ("DATETIME_FORMAT", "SHORT_DATETIME_FORMAT"):
            assert formats.date_format(MOMENT, name) == moment
        assert formats.time_format(MOMENT, "TIME_FORMAT") == "00:05"


@pytest.mark.parametrize(("language", "age", "expected"), AGES)
def test_age_is_shown_in_its_largest_unit(language: str, age: timedelta, expected: str) -> None:
    with translation.override(language):
        assert format_age(MOMENT - age, MOMENT) == expected
