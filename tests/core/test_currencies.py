"""Currencies and their decimals are our own: no library changes a stored or shown amount."""

import re
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest
from django.db.migrations.loader import MigrationLoader
from django.utils import translation

import takeback
from takeback.core.currencies import DECIMALS
from takeback.core.formatting import format_amount
from takeback.core.money import decimals, is_currency, parse, show

TABLES = {
    ("orders", "0001_initial"): "d98988305da082a86268c9a1147a01aa2c7f58176f1d355a4e7487a8bedceab8",
}
"""The digest of the table by the migration from which stored amounts have its decimals.

A new code replaces the last digest. Other decimals of a code need a migration that converts every
stored amount of this currency, and a digest of its own.
"""
# Two versions of CLDR disagree on the first four; ISO 4217 has these decimals.
EXACT = {
    "huf": (2, "123456.78"),
    "cop": (2, "123456.78"),
    "idr": (2, "123456.78"),
    "rsd": (2, "123456.78"),
    "isk": (0, "12345678"),
    "kwd": (3, "12345.678"),
    "clf": (4, "1234.5678"),
}
SHOWN = {
    ("en", "huf"): "HUF\u00a0123,456.78",
    ("en", "rsd"): "RSD\u00a0123,456.78",
    ("en", "isk"): "ISK\u00a012,345,678",
    ("en", "kwd"): "KWD\u00a012,345.678",
    ("en", "clf"): "CLF\u00a01,234.5678",
    ("de", "cop"): "123.456,78\u00a0COP",
    ("de", "rsd"): "123.456,78\u00a0RSD",
    ("tr", "idr"): "IDR\u00a0123.456,78",
    ("fr", "clf"): "1\u202f234,5678\u00a0CLF",
}
LIBRARY_DECIMALS = re.compile(
    r"get_global|currency_fractions|get_currency_precision|format_currency|currency_digits=True"
)


@pytest.mark.parametrize(("currency", "expected"), EXACT.items(), ids=EXACT)
def test_decimals_are_those_of_iso_4217_in_any_version_of_a_library(
    currency: str, expected: tuple[int, str]
) -> None:
    places, text = expected

    assert decimals(currency) == places
    assert show(12345678, currency) == text
    assert parse(text, currency) == 12345678


@pytest.mark.parametrize(("language", "currency"), SHOWN)
def test_formatted_amounts_have_the_decimals_of_our_table(language: str, currency: str) -> None:
    with translation.override(language):
        assert format_amount(12345678, currency) == SHOWN[language, currency]


@pytest.mark.parametrize("language", ["en", "de", "fr", "tr", "ar"])
def test_each_currency_is_shown_with_its_own_decimals(language: str) -> None:
    with translation.override(language):
        for currency, places in DECIMALS.items():
            digits = re.findall(r"[0-9]+", format_amount(-7 * 10**places, currency))
            assert digits == ["7", "0" * places][: 1 + bool(places)], currency


def test_no_code_reads_decimals_from_a_library() -> None:
    files = Path(takeback.__file__).parent.rglob("*.py")

    assert [path for path in files if LIBRARY_DECIMALS.search(path.read_text())] == []


def test_decimals_of_a_currency_change_only_with_a_migration() -> None:
    table = ",".join(f"{code}={DECIMALS[code]}" for code in sorted(DECIMALS))
    migrations = MigrationLoader(None).disk_migrations

    assert sha256(table.encode()).hexdigest() == list(TABLES.values())[-1]
    assert set(TABLES) <= set(migrations)


def test_table_has_the_active_currencies_and_those_of_old_orders() -> None:
    assert Counter(DECIMALS.values()) == {0: 29, 2: 253, 3: 7, 4: 2}
    for code in ("try", "eur", "jpy", "kwd", "xad", "xcg", "zwg", "bgn", "hrk", "dem", "trl"):
        assert is_currency(code), code


@pytest.mark.parametrize("code", ["", "TRY", "xyz", "xau", "xxx", "xts", "tr", "try ", "\u0131sk"])
def test_codes_without_a_minor_unit_and_unknown_codes_are_no_currency(code: str) -> None:
    assert not is_currency(code)
