"""Fixtures for all tests, and the rules that hold for all tests."""

import gc
import os
import shutil
import sys
from collections.abc import Generator, Iterator
from datetime import UTC, datetime

import hypothesis
import pytest
import time_machine
import zeal
from django.test import Client
from zeal.constants import initialize_app_registry
from zeal.listeners import _nplusone_context, n_plus_one_listener
from zeal.patch import patch as watch_queries

from tests.rigs.databases import uses_database
from tests.rigs.serving import Server, serving

FROZEN_NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
LONG = os.environ.get("TAKEBACK_LONG") == "1"
CI = bool(os.environ.get("CI"))
if LONG:
    # The usual limit of two minutes is for the short forms; pytest-timeout reads this at its start.
    os.environ["PYTEST_TIMEOUT"] = "0"

_LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")

hypothesis.settings.register_profile("quick", max_examples=50, deadline=None, derandomize=True)
hypothesis.settings.register_profile("ci", max_examples=500, deadline=None, derandomize=True)
hypothesis.settings.register_profile("long", max_examples=10_000, deadline=None)
hypothesis.settings.load_profile("long" if LONG else "ci" if CI else "quick")


def refuse_other_machines(event: str, arguments: tuple[object, ...]) -> None:
    """An audit hook that refuses every connection from Python to another machine."""
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    if not name.startswith(_LOOPBACK):
        raise RuntimeError(f"a test connects to {name}; only loopback is allowed")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Exempt collected tests from garbage collection: they live as long as the run.

    Visiting six thousand tests in each collection takes up to a quarter of the run's CPU.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


sys.addaudithook(refuse_other_machines)


@pytest.fixture(scope="session")
def _zeal_is_ready() -> None:
    """Sets up zeal as its Django application would: tests add no application to the settings."""
    initialize_app_registry()
    watch_queries()
    _remember_instances_while_watching()


def _remember_instances_while_watching() -> None:
    """zeal remembers each instance that is read alone, and copies them at each `zeal_ignore`.

    It would do so outside of its contexts, too: for the whole run, in which nothing is watched.
    """
    ignore = n_plus_one_listener.ignore

    def ignore_if_watching(instance_key: str | None) -> None:
        if _nplusone_context.get().enabled:
            ignore(instance_key)

    n_plus_one_listener.ignore = ignore_if_watching


@pytest.fixture(autouse=True)
def _repeated_queries_fail(request: pytest.FixtureRequest) -> Iterator[None]:
    """A query that is repeated for each row fails the test.

    Requests of the test client are watched one by one, everything else as one. A test that sends
    several commands is marked `allow_repeated_queries(reason)`: it watches its requests only.
    `zeal.zeal_ignore()` exempts a block.
    """
    if not uses_database(request.node):
        yield
        return
    request.getfixturevalue("_zeal_is_ready")
    if exemption := request.node.get_closest_marker("allow_repeated_queries"):
        assert exemption.args, "the marker needs a reason"
        yield
        return
    with zeal.zeal_context():
        yield


@pytest.fixture
def client() -> Client:
    """Replaces pytest-django's client by one whose requests are watched.

    Its handler is its own: it loads the middleware under the settings of the test.
    """
    from tests.factories import HttpClient
    from tests.rigs.handler import WatchingHandler

    visitor = HttpClient()
    visitor.handler = WatchingHandler()
    return visitor


@pytest.fixture(autouse=True)
def _quick_password_hasher(request: pytest.FixtureRequest) -> None:
    """A real hash is slow on purpose, and hundreds of tests sign in; live servers use it."""
    if uses_database(request.node):
        settings = request.getfixturevalue("settings")
        quick = "django.contrib.auth.hashers.MD5PasswordHasher"
        settings.PASSWORD_HASHERS = [quick, *settings.PASSWORD_HASHERS]


@pytest.fixture(autouse=True)
def _empty_caches(request: pytest.FixtureRequest) -> None:
    """On SQLite the rows of the next test have the ids of this one: cached rows would be wrong.

    Tests stop the clock at the same time: an alarm of the last test would silence this one's.
    """
    if uses_database(request.node):
        from takeback.limits.commands import forget_alarms
        from takeback.storefront import document_cache

        document_cache.clear()
        forget_alarms()


@pytest.fixture(autouse=True)
def _deletable_rows_at_the_end(request: pytest.FixtureRequest) -> Iterator[None]:
    """Triggers keep finalized orders and history, so that emptying the tables would fail."""
    mark = request.node.get_closest_marker("django_db")
    commits = "transactional_db" in request.fixturenames or (
        mark is not None and mark.kwargs.get("transaction", False)
    )
    if commits:
        request.getfixturevalue("transactional_db")
    yield
    if commits:
        from takeback.orders.models import Order
        from tests.rigs.ledger import delete_ledger

        Order.objects.filter(is_finalized=True).update(is_finalized=False)
        _delete_append_only_rows()
        delete_ledger()


_APPEND_ONLY = {
    "cancellations.CaseHistory": "history_stays_delete",
    "loyalty.LoyaltyEntry": "loyalty_entry_stays_delete",
}
"""Tables whose rows stay, and the trigger that refuses to delete them."""


def _delete_append_only_rows() -> None:
    """SQLite deletes row by row, which runs the trigger; PostgreSQL truncates, which does not."""
    from django.apps import apps
    from django.db import connection

    from takeback.core.triggers import install

    filled = [name for name in _APPEND_ONLY if apps.get_model(name)._default_manager.exists()]
    if connection.vendor == "sqlite" and filled:
        for name in filled:
            with connection.cursor() as cursor:
                cursor.execute(f"DROP TRIGGER {_APPEND_ONLY[name]}")
            apps.get_model(name)._default_manager.all().delete()
        install()


@pytest.fixture
def frozen_now() -> Iterator[datetime]:
    """Stops the clock at this moment."""
    with time_machine.travel(FROZEN_NOW, tick=False):
        yield FROZEN_NOW


@pytest.fixture(scope="session")
def long_run() -> bool:
    """Whether this is `./dev check --long`, with full and release figures."""
    return LONG


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser; browser tests are skipped without one, except in CI."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None and CI:
        pytest.fail("browser test: Chromium is not installed")
    if path is None:
        pytest.skip("browser test: Chromium is not installed")
    return path


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The real server, with two workers and an empty database."""
    folder = tmp_path_factory.mktemp("server")
    with serving(folder, "--workers", "2", "--migrate") as running:
        yield running
