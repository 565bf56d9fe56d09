"""Page number pagination in the contract's envelope: count, next, previous, results."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.core import errors
from takeback.core.errors import Refused
from takeback.core.paging import Page

DEFAULT_LIMIT = 10


class ContractPagination(PageNumberPagination):
    """DRF's page numbers, for querysets and for lists whose view sets `count` itself.

    `page` counts from 1, `limit` (or `page_size`) is 1 to 100. Links start with SITE_URL, never
    with the Host header, and keep the other parameters in their order.
    """

    count = 0

    def __init__(self, request: Request, *, default_limit: int = DEFAULT_LIMIT) -> None:
        self.path = request.path
        self.query = request.query_params.dict()
        self.requested = Page.of(self.query, default_limit=default_limit)

    def paginate_queryset(self, queryset: Any, request: Any = None, view: Any = None) -> list[Any]:
        """The rows of the requested page; also sets `count`."""
        start = self.requested.offset
        rows = list(queryset[start : start + self.requested.limit])
        self.count = queryset.count()
        return rows

    def get_paginated_response(self, data: Sequence[Any]) -> Response:
        return Response(envelope(self.path, self.query, self.requested, self.count, data))


def envelope(
    path: str, query: Mapping[str, str], page: Page, count: int, results: Sequence[Any]
) -> dict[str, Any]:
    """The contract's envelope of a page; a page after the last one is not found."""
    if not results and page.number > 1:
        raise Refused(errors.NOT_FOUND)

    def link(number: int) -> str:
        others = {key: value for key, value in query.items() if key != "page"}
        return f"{settings.SITE_URL}{path}?{urlencode(others | {'page': str(number)})}"

    return {
        "count": count,
        "next": link(page.number + 1) if page.offset + page.limit < count else None,
        "previous": link(page.number - 1) if page.number > 1 else None,
        "results": results,
    }
