"""Pages as the contract has them: count, next, previous, results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from takeback.core import problems
from takeback.core.ids import id_of
from takeback.core.problems import Refused

MAX_LIMIT = 100
MAX_PAGE = 1_000_000


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for; pages count from one."""

    number: int
    limit: int

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.limit

    @classmethod
    def of(cls, query: Mapping[str, str], *, default_limit: int = 10) -> "Page":
        """From `page` and `limit` (also called `page_size`); a page that cannot be is not found."""
        limit = id_of((query.get("limit") or query.get("page_size") or "").strip())
        number = id_of(query.get("page", "1").strip())
        if number is None or not 1 <= number <= MAX_PAGE:
            raise Refused(problems.NOT_FOUND)
        return cls(number, min(max(limit or default_limit, 1), MAX_LIMIT))


def envelope(
    path: str, query: Mapping[str, str], page: Page, count: int, results: Sequence[Any]
) -> dict[str, Any]:
    """The page as a document; links start at the configured site, never at the caller's Host."""
    if not results and page.number > 1:
        raise Refused(problems.NOT_FOUND)

    def link(number: int) -> str:
        kept = {key: value for key, value in query.items() if key != "page"}
        return f"{settings.SITE_URL}{path}?{urlencode(kept | {'page': str(number)})}"

    return {
        "count": count,
        "next": link(page.number + 1) if page.offset + page.limit < count else None,
        "previous": link(page.number - 1) if page.number > 1 else None,
        "results": results,
    }
