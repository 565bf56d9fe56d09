"""Serializer fields that accept the types of the contract and convert nothing else."""

import re
from datetime import UTC, date, datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.fields import empty

from takeback.accounts import hashers, password_formats
from takeback.core import clock, dates
from takeback.core.normalize import INVISIBLE, has_mixed_digits

ID_MAX = 2**63 - 1

_DIGITS = re.compile(r"[0-9]{1,19}", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_LINE_BREAK_OR_TAB = re.compile(r"[\r\n\t]")
_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]{1,64}"
    r"@(?=.{1,253}\Z)[A-Za-z0-9\u0080-\U0010ffff-]+(?:\.[A-Za-z0-9\u0080-\U0010ffff-]+)+"
)
EMAIL_MAX = 254
NUMBER_MAX = 128
MOMENT_MAX = 40
PASSWORD_MAX = 1024


class StrictInteger(serializers.IntegerField):
    """An integer, or its ASCII digits in a string: clients send ids as strings."""

    default_error_messages = {
        "invalid": _("A whole number is required."),
        "range": _("This number is out of range."),
    }
    min_value: int
    max_value: int

    def __init__(self, *, min_value: int = 1, max_value: int = ID_MAX, **options: Any) -> None:
        super().__init__(**options)
        # Without DRF's validators: `to_internal_value` checks the range.
        self.min_value, self.max_value = min_value, max_value

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, str) and _DIGITS.fullmatch(data):
            data = int(data)
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        if not self.min_value <= data <= self.max_value:
            self.fail("range")
        return data


class StrictBoolean(serializers.BooleanField):
    """`true` or `false`, or the same words in a string."""

    default_error_messages = {"invalid": _("Must be true or false.")}
    WORDS = {"true": True, "false": False}

    def to_internal_value(self, data: Any) -> bool:
        value = self.WORDS.get(data) if isinstance(data, str) else data
        if not isinstance(value, bool):
            self.fail("invalid")
        return value


class StrictText(serializers.CharField):
    """Visible text of limited length without outer spaces; `multiline` allows line breaks."""

    default_error_messages = {
        "invalid": _("Not a valid string."),
        "blank": _("This field may not be blank."),
        "max_length": _("Ensure this field has no more than {max_length} characters."),
        "invisible": _("Control and invisible characters are not allowed."),
    }
    max_length: int

    def __init__(self, *, max_length: int, multiline: bool = False, **options: Any) -> None:
        super().__init__(trim_whitespace=False, **options)
        # `to_internal_value` checks all limits: DRF's validators would cost twice the time.
        self.validators = []
        self.max_length, self.multiline = max_length, multiline

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text = data.strip(" ")
        if not text and not self.allow_blank:
            self.fail("blank")
        if len(text) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        # Printable text, the usual case, has no invisible characters: the search is slower.
        if not text.isprintable():
            visible = _LINE_BREAK_OR_TAB.sub(" ", text) if self.multiline else text
            if INVISIBLE.search(visible):
                self.fail("invisible")
        return text


class OrderNumber(StrictText):
    """An order number with digits of one script: readers cannot tell the scripts apart."""

    default_error_messages = {"digits": _("Use digits of one script only, such as 0 to 9.")}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=NUMBER_MAX, **options)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data.strip() if isinstance(data, str) else data)
        if has_mixed_digits(text):
            self.fail("digits")
        return text


class StrictEmail(StrictText, serializers.EmailField):
    """An e-mail address in the usual form."""

    default_error_messages = {"email": _("Enter a valid email address.")}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=EMAIL_MAX, **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text = data.strip(" ")
        if not text and self.allow_blank:
            return ""
        if not text:
            self.fail("blank")
        if len(text) > EMAIL_MAX or not _EMAIL.fullmatch(text):
            self.fail("email")
        if not text.isprintable() and (INVISIBLE.search(text) or any(map(str.isspace, text))):
            self.fail("email")
        return text


class Password(serializers.CharField):
    """Text exactly as typed; a number is not accepted."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=PASSWORD_MAX, **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return data


class PasswordHash(serializers.CharField):
    """A password hash of another system, in the form in which it is stored."""

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, allow_blank=True, write_only=True, **options)

    def run_validation(self, data: Any = empty) -> Any:
        is_value, data = self.validate_empty_values(data)
        return data if is_value else self.to_internal_value(data)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        try:
            return password_formats.stored_form(data)
        except password_formats.UnacceptableHash as error:
            raise ValidationError([str(hashers.SENTENCES[error.kind])]) from error


class StrictDate(serializers.DateField):
    """A day as YYYY-MM-DD; other ISO 8601 forms are refused."""

    default_error_messages = {"invalid": _("Use the form YYYY-MM-DD.")}

    def to_internal_value(self, data: Any) -> date:
        if not isinstance(data, str) or not _DATE.fullmatch(data.strip(" ")):
            self.fail("invalid")
        try:
            return date.fromisoformat(data.strip(" "))
        except ValueError:
            self.fail("invalid")


class PlausibleDate(StrictDate):
    """A day that a shop can plan: from 1970 to 2099."""

    default_error_messages = {"range": _("Send a date from {first} to {last}.")}

    def to_internal_value(self, data: Any) -> date:
        day = super().to_internal_value(data)
        if not dates.is_plausible(day.year):
            self.fail("range", first=dates.EARLIEST_YEAR, last=dates.LATEST_YEAR)
        return day


class StrictMoment(serializers.DateTimeField):
    """A day or an ISO 8601 time; a day means its first moment, a time without zone is UTC."""

    default_error_messages = {"invalid": _("Use an ISO 8601 date or date and time.")}

    def to_internal_value(self, data: Any) -> datetime:
        is_candidate = isinstance(data, str) and len(data) <= MOMENT_MAX and data.isascii()
        moment = _moment(data.strip(" ")) if is_candidate else None
        if moment is None:
            self.fail("invalid")
        return moment


class PlausibleMoment(StrictMoment):
    """As StrictMoment, from 1970 to 2099."""

    default_error_messages = {"range": _("Send a date from {first} to {last}.")}

    def to_internal_value(self, data: Any) -> datetime:
        moment = super().to_internal_value(data)
        if not dates.is_plausible(moment.year):
            self.fail("range", first=dates.EARLIEST_YEAR, last=dates.LATEST_YEAR)
        return moment


class PastMoment(StrictMoment):
    """As StrictMoment, for what has happened: from 1970 until a day from now."""

    default_error_messages = {"past": _("Send a date from {first} until now.")}

    def to_internal_value(self, data: Any) -> datetime:
        moment = super().to_internal_value(data)
        if not dates.has_happened(moment, clock.now()):
            self.fail("past", first=dates.EARLIEST_YEAR)
        return moment


def _moment(text: str) -> datetime | None:
    try:
        if _DATE.fullmatch(text):
            return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
        moment = parse_datetime(text) if _DATE.match(text) else None
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC) if moment else None
    except (ValueError, OverflowError):
        return None
