"""Calls as storefronts make them, and a watch over what they leave behind."""

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
    """A JSON body, encoded unless it is bytes or text already."""
    return client.post(path, body, content_type="application/json", **options)


def look_up(
    client: HttpClient | None = None,
    *,
    number: str = factories.NUMBER,
    email: str = factories.GUEST,
    address: str = "127.0.0.1",
    **options: Any,
) -> Any:
    """A guest's look-up from an address."""
    body = {"number": number, "email": email}
    return post(client or HttpClient(), LOOK_UP, body, REMOTE_ADDR=address, **options)


def token_of(client: HttpClient) -> dict[str, str]:
    """The header that a change needs, with the cookie set as the storefront does it."""
    return {"X-CSRFToken": client.get("/csrf_token/").json()["csrf_token"]}


def prove(client: HttpClient, **told: Any) -> Any:
    """Let a guest show which order is theirs."""
    headers = told.pop("headers", {})
    if "osessionid" in client.cookies:
        headers = headers | token_of(client)
    answer = look_up(client, headers=headers, **told)
    assert answer.status_code == 200, answer.content
    return answer


def code_of(answer: Any) -> Any:
    """The code of a plain refusal."""
    return answer.json().get("code")


def tables() -> dict[str, list[str]]:
    """Everything that the database holds, but for the limiter's counters."""
    found = {}
    with connection.cursor() as cursor:
        for name in db_counts.counts().keys() - {_LIMITER}:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(name)}")
            found[name] = sorted(map(repr, cursor.fetchall()))
    return found


@contextmanager
def nothing_written() -> Iterator[None]:
    """What happens inside changes no table but the limiter's."""
    before = tables()
    yield
    assert tables() == before


def refused(answer: Any, status: int, code: str) -> None:
    """The answer is the plain refusal of this status and code, as JSON with its request's name."""
    assert (answer.status_code, _told(answer)) == (status, ["code", "detail"]), answer.content
    assert answer.json()["code"] == code
    documented(answer)


def field_refused(answer: Any, *fields: str) -> None:
    """The answer says of these fields, and of no others, that they are wrong; in one dialect."""
    assert (answer.status_code, _told(answer)) == (400, sorted(fields)), answer.content
    texts = list(answer.json().values())
    assert all(isinstance(text, str) for text in texts) or all(
        isinstance(listed, list) and listed and all(isinstance(text, str) for text in listed)
        for listed in texts
    ), answer.content
    documented(answer)


def _told(answer: Any) -> list[str]:
    return sorted(answer.json()) if answer["Content-Type"].startswith("application/json") else []


def documented(answer: Any) -> None:
    """What every answer of ours has, whatever it says."""
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    assert answer["X-Request-Id"]
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Content-Type-Options"] == "nosniff"
