"""Page-number pagination: the `page` and `limit` parameters of the contract."""

from collections.abc import Mapping
from dataclasses import dataclass

from takeback.core import errors
from takeback.core.errors import Refused
from takeback.core.ids import id_of

MAX_LIMIT = 100
MAX_PAGE = 1_000_000


@dataclass(frozen=True, slots=True)
class Page:
    number: int
    limit: int

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.limit

    @classmethod
    def of(cls, query: Mapping[str, str], *, default_limit: int = 10) -> "Page":
        """Read `page` and `limit` (or `page_size`); an invalid page number is not found."""
        limit = id_of((query.get("limit") or query.get("page_size") or "").strip())
        number = id_of(query.get("page", "1").strip())
        if number is None or not 1 <= number <= MAX_PAGE:
            raise Refused(errors.NOT_FOUND)
        return cls(number, min(max(limit or default_limit, 1), MAX_LIMIT))
