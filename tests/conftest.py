"""What every test may ask for, and the rules every test lives under."""

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
from zeal.patch import patch as watch_queries

from tests.rigs.databases import uses_database
from tests.rigs.serving import Server, serving

FROZEN_NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
LONG = os.environ.get("TAKEBACK_LONG") == "1"
CI = bool(os.environ.get("CI"))

_LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")

hypothesis.settings.register_profile("quick", max_examples=50, deadline=None, derandomize=True)
hypothesis.settings.register_profile("ci", max_examples=500, deadline=None, derandomize=True)
hypothesis.settings.register_profile("long", max_examples=10_000, deadline=None)
hypothesis.settings.load_profile("long" if LONG else "ci" if CI else "quick")


def refuse_other_machines(event: str, arguments: tuple[object, ...]) -> None:
    """No test leaves this machine: an audit hook sees every connection made from Python."""
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    if not name.startswith(_LOOPBACK):
        raise RuntimeError(f"a test reached for {name}; only loopback is allowed")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collected tests live as long as the run: the garbage collector never visits them again.

    Else it would look through six thousand tests again and again: a quarter of the run's CPU.
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
    """What zeal's Django application would do; the settings are the same in tests as outside."""
    initialize_app_registry()
    watch_queries()


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
    if request.node.get_closest_marker("allow_repeated_queries"):
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
def _passwords_cost_nothing(request: pytest.FixtureRequest) -> None:
    """A real hash is slow on purpose, and hundreds of tests sign in; live servers keep it."""
    if uses_database(request.node):
        settings = request.getfixturevalue("settings")
        quick = "django.contrib.auth.hashers.MD5PasswordHasher"
        settings.PASSWORD_HASHERS = [quick, *settings.PASSWORD_HASHERS]


@pytest.fixture(autouse=True)
def _nothing_is_remembered(request: pytest.FixtureRequest) -> None:
    """A test that is rolled back on SQLite leaves its ids to the next one, as nothing else does."""
    if uses_database(request.node):
        from takeback.storefront import document_cache

        document_cache.clear()


@pytest.fixture(autouse=True)
def _unsealed_at_the_end(request: pytest.FixtureRequest) -> Iterator[None]:
    """Sealed orders and history keep their rows, even from the one who empties the tables."""
    mark = request.node.get_closest_marker("django_db")
    commits = "transactional_db" in request.fixturenames or (
        mark is not None and mark.kwargs.get("transaction", False)
    )
    if commits:
        request.getfixturevalue("transactional_db")
    yield
    if commits:
        from takeback.orders.models import Order

        Order.objects.filter(is_finalized=True).update(is_finalized=False)
        _forget_history()


def _forget_history() -> None:
    """SQLite empties a table row by row; PostgreSQL truncates, which asks no trigger."""
    from django.db import connection

    from takeback.cancellations.models import CaseHistory
    from takeback.core.triggers import install

    if connection.vendor == "sqlite" and CaseHistory.objects.exists():
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER history_stays_delete")
        CaseHistory.objects.all().delete()
        install()


@pytest.fixture
def frozen_now() -> Iterator[datetime]:
    """The clock stands still at this moment."""
    with time_machine.travel(FROZEN_NOW, tick=False):
        yield FROZEN_NOW


@pytest.fixture(scope="session")
def long_run() -> bool:
    """`./dev check --long`: full and release figures."""
    return LONG


@pytest.fixture(scope="session")
def chromium() -> str:
    """The system's browser; a machine without one skips browser tests, CI never does."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None and CI:
        pytest.fail("browser test: Chromium is not installed")
    if found is None:
        pytest.skip("browser test: Chromium is not installed")
    return found


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The real server with two workers and an empty database."""
    folder = tmp_path_factory.mktemp("server")
    with serving(folder, "--workers", "2", "--migrate") as running:
        yield running
