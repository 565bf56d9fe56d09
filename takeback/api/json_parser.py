"""Parses JSON strictly and within limits of size, depth, values and digits."""

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
"""Strings and punctuation; ordinary documents have fewer."""

# Possessive: no backtracking, and an unterminated string is read once. Linear in both cases.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},:]', re.DOTALL)
_UNFIT_CHARACTER = re.compile(r"[\x00\ud800-\udfff]")


def object_from(body: bytes, *, max_values: int = MAX_VALUES) -> dict[str, Any]:
    """The JSON object of a body; numbers with a decimal point are `Decimal`. Raises Refused."""
    _check_size(body, max_values)
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_decimal,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError) as error:
        raise Refused(errors.MALFORMED_JSON) from error
    if not isinstance(value, dict):
        raise Refused(errors.OBJECT_EXPECTED)
    return value


class StrictJSONParser(BaseParser):
    """Parses `request.data` as a JSON object of up to `MAX_BODY_BYTES`."""

    media_type = "application/json"
    max_values = MAX_VALUES

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, Any]:
        return self.read(read_body(stream, self.limit(), parser_context["request"].headers))

    def read(self, body: bytes) -> dict[str, Any]:
        """The parsed body."""
        return object_from(body, max_values=self.max_values)

    def limit(self) -> int:
        """The maximum size of a body, in bytes."""
        return int(settings.MAX_BODY_BYTES)


def read_body(stream: Any, limit: int, headers: Any) -> bytes:
    """The body in UTF-8, uncompressed, of at most `limit` bytes. Raises Refused.

    A body whose Content-Length is too large is not read at all. A chunked body has no length (see
    `takeback.wsgi`): at most `limit + 1` bytes of it are read.
    """
    if headers.get("Content-Encoding", "identity").lower() not in {"identity", ""}:
        raise Refused(errors.UNSUPPORTED_ENCODING)
    _, _, parameters = headers.get("Content-Type", "").lower().partition(";")
    if "charset" in parameters and "utf-8" not in parameters:
        raise Refused(errors.UNSUPPORTED_MEDIA_TYPE)
    length = 0 if "Transfer-Encoding" in headers else int(headers.get("Content-Length") or 0)
    body: bytes = stream.read(limit + 1) if length <= limit else b""
    if max(length, len(body)) > limit:
        raise Refused(errors.PAYLOAD_TOO_LARGE)
    return body


def _check_size(body: bytes, max_values: int) -> None:
    """Refuse deep bodies and bodies of too many values before the JSON parser recurses."""
    depth = values = 0
    for tokens, token in enumerate(_TOKEN.finditer(body), 1):
        character = body[token.start()]
        if character in b"[{":
            depth += 1
        elif character in b"]}":
            depth -= 1
        elif character in b",:":
            values += 1
        if depth > MAX_DEPTH or values > max_values or tokens > TOKENS_PER_VALUE * max_values:
            raise Refused(errors.MALFORMED_JSON)


def _object(members: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    parsed: dict[str, Any] = {}
    for key, value in members:
        if key in parsed:
            raise Refused(errors.DUPLICATE_KEY)
        _check_text(key)
        _check_text(value)
        parsed[key] = value
    return parsed


def _check_text(value: Any) -> None:
    """Refuse NUL and lone surrogates, which PostgreSQL cannot store; also inside lists."""
    if isinstance(value, str):
        if _UNFIT_CHARACTER.search(value):
            raise Refused(errors.MALFORMED_JSON)
    elif isinstance(value, list):
        for element in value:
            _check_text(element)


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


class LargeJSONParser(StrictJSONParser):
    """Allows a larger body: orders may have thousands of items, batches 10,000 objects."""

    max_values = 200_000

    def limit(self) -> int:
        return int(settings.MAX_ORDER_BODY_BYTES)
