"""Which of the two storefront dialects a request speaks."""

from enum import StrEnum
from typing import Any

from django.conf import settings
from django.http import HttpRequest

_HEADER = "HTTP_X_TAKEBACK_DIALECT"


class Dialect(StrEnum):
    """The older documents' wire form, and the OpenAPI document's."""

    CLASSIC = "classic"
    V3 = "v3"


_NAMES = frozenset(dialect.value for dialect in Dialect)


def detect_dialect(request: HttpRequest, body: Any = None) -> Dialect:
    """The header says; else a guest's body does (`number`: v3, only `order`: classic); else the
    setting. A header that names no dialect says nothing."""
    named = request.META.get(_HEADER, "").strip().lower()
    if named in _NAMES:
        return Dialect(named)
    if isinstance(body, dict) and ("number" in body or "order" in body):
        return Dialect.V3 if "number" in body else Dialect.CLASSIC
    return Dialect(settings.STOREFRONT_DIALECT)
