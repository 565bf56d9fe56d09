"""Refusals that time ends say when to try again, whichever view sends them."""

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from takeback.core.middleware import safe_headers


@pytest.mark.parametrize(
    ("status", "own", "expected"),
    [
        (503, None, "5"),
        (429, None, "5"),
        (503, "60", "60"),
        (429, "900", "900"),
        (500, None, None),
        (409, "1", "1"),
        (200, None, None),
    ],
)
def test_response_has_retry_after(status: int, own: str | None, expected: str | None) -> None:
    headers = {"Retry-After": own} if own else {}
    handler = safe_headers(lambda request: HttpResponse(status=status, headers=headers))
    assert handler(RequestFactory().get("/")).get("Retry-After") == expected
