"""Amounts and ages as people read them: in the format of the active language."""

import re
from copy import copy
from datetime import datetime, timedelta
from decimal import Decimal

from babel import Locale
from babel.dates import format_timedelta
from babel.numbers import NumberPattern
from django.conf import settings
from django.utils.translation import get_language

from takeback.core.money import decimals, show

_NO_BREAK_SPACE = "\u00a0"
_SHORTEST_AGE = timedelta(minutes=1)
# Between a letter and a digit: where a currency's sign is a word, such as KWD.
_WORD_MEETS_NUMBER = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")


def format_amount(minor: int, currency: str) -> str:
    """An amount with its currency, and with exactly the decimals of the currency.

    For example KWD 24.355 in English, ₺667,50 in Turkish and 11,87 € in German.
    """
    locale, amount = _locale(), Decimal(show(minor, currency))
    pattern = _currency_pattern(locale, decimals(currency))
    text = pattern.apply(amount, locale, currency=currency.upper(), currency_digits=False)
    return _WORD_MEETS_NUMBER.sub(_NO_BREAK_SPACE, str(text))


def format_age(moment: datetime, now: datetime) -> str:
    """How long ago a moment was, in its largest unit and at least a minute: 3 hours ago."""
    past = min(moment - now, -_SHORTEST_AGE)
    return format_timedelta(past, granularity="minute", add_direction=True, locale=_locale())


def format_duration(duration: timedelta) -> str:
    """A duration in its largest unit and at least a minute, for example 15 minutes."""
    shown = max(duration, _SHORTEST_AGE)
    return format_timedelta(shown, granularity="minute", locale=_locale())


def _currency_pattern(locale: Locale, places: int) -> NumberPattern:
    """The language's pattern with our decimals: those of CLDR change with its versions."""
    pattern: NumberPattern = copy(locale.currency_formats["standard"])
    pattern.frac_prec = (places, places)
    return pattern


def _locale() -> Locale:
    return Locale.parse(get_language() or settings.LANGUAGE_CODE, sep="-")
