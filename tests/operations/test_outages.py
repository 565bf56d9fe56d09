"""An outage of the database is 503 with Retry-After on every route, never 500 (decision 0032)."""

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    connection,
)
from django.urls import URLPattern, URLResolver, get_resolver
from psycopg import errors as postgresql

from takeback.accounts.models import ApiKey
from takeback.core.db.outages import is_outage, record_outage
from takeback.operations import doctor
from takeback.orders.models import Order
from tests import factories
from tests.channel import shop
from tests.desk import agents
from tests.factories import HttpClient
from tests.rigs import outages
from tests.storefront.api import token_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.allow_repeated_queries("one request per route"),
]

METHODS = ("get", "head", "post", "put", "patch", "delete")
VALUES = {"channel_id": str(factories.SHOP), "name": "cases/ab/ab.jpg", "token": "abc"}
_PREFIX = re.compile(r"\^?api/(i1|v1)/")


class Target(NamedTuple):
    """A method of a route, with values in its path."""

    method: str
    path: str


def _targets(patterns: list[Any], before: str = "") -> Iterator[Target]:
    """The methods of every route; of the prefixes that serve the same routes, one."""
    for pattern in patterns:
        text = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _targets(pattern.url_patterns, text)
        elif isinstance(pattern, URLPattern) and not _PREFIX.match(text):
            text = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", text)
            text = re.sub(r"<(?:\w+:)?(\w+)>", lambda match: VALUES.get(match[1], "1"), text)
            path = "/" + re.sub(r"^\^|/\?\\Z$|/\?\$$", "", text)
            view: Any = getattr(pattern.callback, "cls", None) or pattern.callback
            view = getattr(view, "view_class", view)
            yield from (Target(name, path) for name in METHODS if hasattr(view, name))


TARGETS = sorted(set(_targets(get_resolver().url_patterns)))


def send(client: HttpClient, target: Target, headers: dict[str, str]) -> Any:
    is_form = target.path.startswith("/desk")
    return client.generic(
        target.method.upper(),
        target.path,
        "" if is_form else json.dumps({"number": "1", "email": "a@example.com"}),
        content_type="application/x-www-form-urlencoded" if is_form else "application/json",
        headers=headers,
    )


def clients() -> dict[str, tuple[HttpClient, dict[str, str]]]:
    """A client with access by the first part of the path, and the headers that it sends."""
    factories.install_shop()
    factories.create_order(customer=factories.create_customer())
    customer = factories.client_of(factories.create_customer(email="b@example.com"))
    agent = agents.agent(username="own")
    everyone = {
        "": (customer, token_of(customer)),
        "desk": (agent, token_of(agent)),
        "api": (HttpClient(), {"authorization": f"Token {shop.key(scopes=ApiKey.SCOPES)}"}),
    }
    for client, _ in everyone.values():
        client.raise_request_exception = False
    return everyone


@contextmanager
def outage(kind: str, folder: Path) -> Iterator[None]:
    """The rig of this name."""
    with outages.read_only() if kind == "read-only" else outages.unusable(folder):
        yield


@pytest.mark.parametrize("kind", ["read-only", "unusable"])
def test_no_route_answers_500_during_an_outage(kind: str, tmp_path: Path) -> None:
    everyone = clients()
    statuses: Counter[int] = Counter()
    with outage(kind, tmp_path):
        for target in TARGETS:
            client, headers = everyone.get(target.path.split("/")[1], everyone[""])
            response = send(client, target, headers)
            assert response.status_code < 500 or response.status_code == 503, target
            if response.status_code == 503:
                assert response.headers["Retry-After"] == "5", target
            statuses[response.status_code] += 1
    assert statuses[503] > len(TARGETS) / (20 if kind == "read-only" else 2), statuses


def test_options_never_fails() -> None:
    everyone = clients()
    for path in sorted({target.path for target in TARGETS}):
        for client, headers in (everyone["api"], (HttpClient(), {})):
            response = send(client, Target("options", path), headers)
            assert response.status_code < 500, path


@pytest.mark.parametrize("kind", ["read-only", "unusable"])
def test_service_is_live_but_not_ready_during_an_outage(kind: str, tmp_path: Path) -> None:
    client = HttpClient()
    with outage(kind, tmp_path):
        assert client.get("/health/live").status_code == 200
        response = client.get("/health/ready")
        assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
        assert response.json()["code"] == "unavailable"
    assert client.get("/health/ready").status_code == 200


def test_damage_that_a_request_met_ends_readiness() -> None:
    error = DatabaseError("database disk image is malformed")
    error.__cause__ = sqlite3.DatabaseError()
    record_outage(error)
    try:
        assert HttpClient().get("/health/ready").status_code == 503
    finally:
        outages.forget_damage()


def test_refused_write_leaves_nothing(tmp_path: Path) -> None:
    system = HttpClient(headers={"authorization": f"Token {shop.key()}"})
    with outages.read_only():
        response = shop.create_order(system, shop.order_body())
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert not Order.objects.exists()
    assert shop.create_order(system, shop.order_body()).status_code == 201


def test_session_that_cannot_be_saved_is_an_outage() -> None:
    """Django would report it as a session that was deleted meanwhile: status 400."""
    session = factories.create_session(factories.create_customer())
    session["a"] = "change"
    with outages.read_only(), pytest.raises((OperationalError, InternalError)):
        session.save()


def _caused(kind: type[Exception], cause: Exception | None) -> Exception:
    error = kind("text")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("kind", "cause", "expected"),
    [
        (OperationalError, postgresql.AdminShutdown(), True),
        (OperationalError, sqlite3.OperationalError(), True),
        (InternalError, postgresql.ReadOnlySqlTransaction(), True),
        (InternalError, psycopg.InternalError("received 2 results from command 'BEGIN'"), True),
        (InternalError, postgresql.InFailedSqlTransaction(), False),
        (InterfaceError, psycopg.InterfaceError("connection already closed"), True),
        (InterfaceError, sqlite3.InterfaceError("bad parameter"), False),
        (DatabaseError, sqlite3.DatabaseError("database disk image is malformed"), True),
        (DatabaseError, None, False),
        (ProgrammingError, postgresql.UndefinedTable(), False),
        (ProgrammingError, postgresql.DuplicatePreparedStatement(), True),
        (ProgrammingError, postgresql.InvalidSqlStatementName(), True),
        (ProgrammingError, postgresql.InsufficientPrivilege(), True),
        (NotSupportedError, postgresql.FeatureNotSupported(), False),
        (DataError, postgresql.NumericValueOutOfRange(), False),
        (IntegrityError, postgresql.UniqueViolation(), False),
        (ValueError, None, False),
    ],
)
def test_errors_of_the_program_are_no_outages(
    kind: type[Exception], cause: Exception | None, expected: bool
) -> None:
    assert is_outage(_caused(kind, cause)) is expected


@pytest.mark.parametrize("kind", ["read-only", "unusable"])
def test_doctor_ends_with_a_sentence(kind: str, tmp_path: Path) -> None:
    factories.install_shop()
    is_sqlite = connection.vendor == "sqlite"
    unusable = "is no SQLite database" if is_sqlite else "PostgreSQL does not respond"
    with outage(kind, tmp_path):
        findings = list(doctor.examine(every_order=False, progress=lambda done, total: None))
    failures = {row.subject: row.message for row in findings if row.severity == "failure"}
    assert failures.keys() == {"database"}
    assert ("read-only" if kind == "read-only" else unusable) in failures["database"]
