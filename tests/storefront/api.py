"""Requests as storefronts send them, and checks of responses and of the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from tests import db_counts, factories
from tests.factories import HttpClient

LOOK_UP = "/users/orders/anonymous/"
LOGIN = "/users/login/"
V3 = {"X-Takeback-Dialect": "v3"}
CLASSIC = {"X-Takeback-Dialect": "classic"}

_LIMITER = "limits_counter"


def post(client: HttpClient, path: str, body: Any, **options: Any) -> Any:
    """A POST with a JSON body; bytes and text are sent unchanged."""
    return client.post(path, body, content_type="application/json", **options)


def look_up(
    client: HttpClient | None = None,
    *,
    number: str = factories.NUMBER,
    email: str = factories.GUEST,
    address: str = "127.0.0.1",
    **options: Any,
) -> Any:
    """A guest's look-up from an IP address."""
    body = {"number": number, "email": email}
    return post(client or HttpClient(), LOOK_UP, body, REMOTE_ADDR=address, **options)


def token_of(client: HttpClient) -> dict[str, str]:
    """The CSRF header of a writing request; also sets the cookie, as storefronts do."""
    return {"X-CSRFToken": client.get("/csrf_token/").json()["csrf_token"]}


def verify_order(client: HttpClient, **options: Any) -> Any:
    """A successful look-up, after which the guest has access to the order."""
    headers = options.pop("headers", {})
    if "osessionid" in client.cookies:
        headers = headers | token_of(client)
    response = look_up(client, headers=headers, **options)
    assert response.status_code == 200, response.content
    return response


def tables() -> dict[str, list[str]]:
    """All rows of the database, without the limiter's counters."""
    rows = {}
    with connection.cursor() as cursor:
        for name in db_counts.counts().keys() - {_LIMITER}:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(name)}")
            rows[name] = sorted(map(repr, cursor.fetchall()))
    return rows


@contextmanager
def nothing_written() -> Iterator[None]:
    """Checks that the block changes no table but the limiter's."""
    before = tables()
    yield
    assert tables() == before


def assert_refused(response: Any, status: int, code: str) -> None:
    """The response is a refusal outside the dialects: `detail` and `code`."""
    assert (response.status_code, _keys(response)) == (status, ["code", "detail"]), response.content
    assert response.json()["code"] == code
    assert_common_headers(response)


def assert_look_up_blocked(response: Any) -> None:
    """The response is the refusal above a limit of the look-up, which names the code route."""
    assert response.status_code == 429, response.content
    assert response.json() == {
        "detail": "Too many attempts. Open the order with a code sent by e-mail, or try again "
        "later.",
        "code": "too_many_requests",
        "code_url": "/users/orders/anonymous/code/",
    }
    assert response["X-Takeback-Code-Url"] == "/users/orders/anonymous/code/"
    assert_common_headers(response)


def assert_field_errors(response: Any, *fields: str) -> None:
    """The response has errors of exactly these fields, all in one dialect."""
    assert (response.status_code, _keys(response)) == (400, sorted(fields)), response.content
    texts = list(response.json().values())
    assert all(isinstance(text, str) for text in texts) or all(
        isinstance(listed, list) and listed and all(isinstance(text, str) for text in listed)
        for listed in texts
    ), response.content
    assert_common_headers(response)


def _keys(response: Any) -> list[str]:
    is_json = response["Content-Type"].startswith("application/json")
    return sorted(response.json()) if is_json else []


def assert_common_headers(response: Any) -> None:
    """The response has the headers of all JSON responses."""
    assert response["Content-Type"] == "application/json; charset=utf-8"
    assert response["X-Request-Id"]
    assert response["Cache-Control"] == "no-store"
    assert response["X-Content-Type-Options"] == "nosniff"
