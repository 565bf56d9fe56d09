"""Lists of changes that clients follow: they continue after the last row that they received."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Q, QuerySet

from takeback.channel.filters import LAST_CHANGED, OLDEST_CHANGE
from takeback.core.db.change_time import visible_before
from takeback.core.db.compiled_query import RowQuery
from takeback.core.paging import Page

_CURSORS = frozenset({"modified_date__gt", "modified_date__gte"})


def is_followed(ordering: Sequence[str], filters: Iterable[str]) -> bool:
    """Whether the list is one of changes after a cursor, the oldest first."""
    return ordering == OLDEST_CHANGE and not _CURSORS.isdisjoint(filters)


def visible(ordering: Sequence[str], filters: Iterable[str]) -> Q:
    """The rows that no change with an earlier time can follow, if clients follow this list.

    Clients of a list with the latest change first read until they meet a row that they have.
    """
    if ordering != LAST_CHANGED and _CURSORS.isdisjoint(filters):
        return Q()
    before = visible_before()
    return Q() if before is None else Q(modified_date__lt=before)


def page_of_changes(rows: RowQuery[Any], matches: "QuerySet[Any, Any]", page: Page) -> list[Any]:
    """A page and all rows with the time of its last row, which a cursor would skip.

    One statement reads the rows with their times. If the rows were read by ids found earlier, a
    row could have changed in between, and its new time would lead the client past others.
    """
    window = rows.fetch(matches[page.offset : page.offset + page.limit + 1])
    if len(window) <= page.limit or window[-1].modified_date != window[-2].modified_date:
        return window[: page.limit]
    last = window[-1]
    ties = matches.filter(modified_date=last.modified_date, id__gt=last.id)
    return window + rows.fetch(ties)


def next_link(path: str, query: Mapping[str, str], last: datetime) -> str:
    """The link to the changes after `last`: page numbers shift when a row changes again."""
    others = {key: text for key, text in query.items() if key != "page" and key not in _CURSORS}
    cursor = last.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return f"{settings.SITE_URL}{path}?{urlencode(others | {'modified_date__gt': cursor})}"
