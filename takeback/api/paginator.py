"""Pages of the contract: count, next, previous, results."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from takeback.core import errors
from takeback.core.errors import Refused
from takeback.core.paging import Page


def envelope(
    path: str, query: Mapping[str, str], page: Page, count: int, results: Sequence[Any]
) -> dict[str, Any]:
    """The page as a document; links start at the configured site, never at the caller's Host."""
    if not results and page.number > 1:
        raise Refused(errors.NOT_FOUND)

    def link(number: int) -> str:
        kept = {key: value for key, value in query.items() if key != "page"}
        return f"{settings.SITE_URL}{path}?{urlencode(kept | {'page': str(number)})}"

    return {
        "count": count,
        "next": link(page.number + 1) if page.offset + page.limit < count else None,
        "previous": link(page.number - 1) if page.number > 1 else None,
        "results": results,
    }
