"""One JSON reader for every body: strict where the usual one guesses, bounded where it trusts."""

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.conf import settings
from rest_framework.parsers import BaseParser

from takeback.core import errors
from takeback.core.errors import Refused

MAX_DEPTH = 20
MAX_VALUES = 10_000
MAX_NUMBER_LENGTH = 40

TOKENS_PER_VALUE = 4
"""Strings and signs; no sensible document has as many."""

# Never steps back, and takes a string without its end to the end of the body: linear in both.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},:]', re.DOTALL)
_UNFIT_CHARACTER = re.compile(r"[\x00\ud800-\udfff]")


def loads(body: bytes, *, max_values: int = MAX_VALUES) -> Any:
    """The value that the body holds, or `Refused`; a number with a point becomes a `Decimal`."""
    _check_size(body, max_values)
    try:
        return json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_decimal,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError) as error:
        raise Refused(errors.MALFORMED_JSON) from error


def object_from(body: bytes, *, max_values: int = MAX_VALUES) -> dict[str, Any]:
    """As `loads`, for a body that must be an object."""
    value = loads(body, max_values=max_values)
    if not isinstance(value, dict):
        raise Refused(errors.OBJECT_EXPECTED)
    return value


class StrictJSONParser(BaseParser):
    """`request.data` through the reader above, for bodies up to `MAX_BODY_BYTES`."""

    media_type = "application/json"
    max_values = MAX_VALUES

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, Any]:
        headers = parser_context["request"].headers
        refuse_foreign_encodings(headers)
        return self.read(body_of(stream, self.limit(), headers))

    def read(self, body: bytes) -> dict[str, Any]:
        """The object that the body is."""
        return object_from(body, max_values=self.max_values)

    def limit(self) -> int:
        return int(settings.MAX_BODY_BYTES)


def refuse_foreign_encodings(headers: Any) -> None:
    """Nothing is inflated and nothing but UTF-8 is read."""
    if headers.get("Content-Encoding", "identity").lower() not in {"identity", ""}:
        raise Refused(errors.UNSUPPORTED_ENCODING)
    _, _, parameters = headers.get("Content-Type", "").lower().partition(";")
    if "charset" in parameters and "utf-8" not in parameters:
        raise Refused(errors.UNSUPPORTED_MEDIA_TYPE)


def body_of(stream: Any, limit: int, headers: Any) -> bytes:
    """The whole body; one of more bytes than this is refused.

    By its length, if it tells one: then none of it is waited for. What comes in chunks does not
    (see `takeback.wsgi`), and is read one byte past the limit at most.
    """
    length = 0 if "Transfer-Encoding" in headers else int(headers.get("Content-Length") or 0)
    body: bytes = stream.read(limit + 1) if length <= limit else b""
    if max(length, len(body)) > limit:
        raise Refused(errors.PAYLOAD_TOO_LARGE)
    return body


def _check_size(body: bytes, max_values: int) -> None:
    """Refuse deep or crowded bodies before any parser recurses into them, and look no further."""
    depth = values = 0
    for tokens, token in enumerate(_TOKEN.finditer(body), 1):
        sign = body[token.start()]
        if sign in b"[{":
            depth += 1
        elif sign in b"]}":
            depth -= 1
        elif sign in b",:":
            values += 1
        if depth > MAX_DEPTH or values > max_values or tokens > TOKENS_PER_VALUE * max_values:
            raise Refused(errors.MALFORMED_JSON)


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise Refused(errors.DUPLICATE_KEY)
        _check_text(key)
        _check_value(value)
        found[key] = value
    return found


def _check_value(value: Any) -> None:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, list):
        for element in value:
            _check_value(element)


def _check_text(value: str) -> None:
    if _UNFIT_CHARACTER.search(value):
        raise Refused(errors.MALFORMED_JSON)


def _integer(literal: str) -> int:
    if len(literal) > MAX_NUMBER_LENGTH or literal == "-0":
        raise ValueError(literal)
    return int(literal)


def _decimal(literal: str) -> Decimal:
    value = Decimal(literal) if len(literal) <= MAX_NUMBER_LENGTH else Decimal("nan")
    if value.is_nan() or abs(value.adjusted()) > MAX_NUMBER_LENGTH:
        raise ValueError(literal)
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
