"""The two dialects of the storefront API."""

from enum import StrEnum
from typing import Any

from django.conf import settings
from django.http import HttpRequest

_HEADER = "HTTP_X_TAKEBACK_DIALECT"


class Dialect(StrEnum):
    """CLASSIC is the form of the older documents, V3 that of the OpenAPI document."""

    CLASSIC = "classic"
    V3 = "v3"


_NAMES = frozenset(dialect.value for dialect in Dialect)


def detect_dialect(request: HttpRequest, body: Any = None) -> Dialect:
    """The dialect of the header, else of a guest's body (`number`: v3, only `order`: classic),
    else of the settings. A header with an unknown dialect is ignored."""
    name = request.META.get(_HEADER, "").strip().lower()
    if name in _NAMES:
        return Dialect(name)
    if isinstance(body, dict) and ("number" in body or "order" in body):
        return Dialect.V3 if "number" in body else Dialect.CLASSIC
    return Dialect(settings.STOREFRONT_DIALECT)
