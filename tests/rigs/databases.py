"""The pytest plugin that settles, before the settings are read, what a process tests on."""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.rigs import postgres

# `./dev test` starts a worker of each of these names: both run every test that touches a database,
# the first also those that touch none. A plain `pytest` is one process, on SQLite or DATABASE_URL.
SQLITE, POSTGRESQL = "sqlite", "postgresql"

_TOUCHES_A_DATABASE = {"db", "transactional_db", "live_server", "live_url"}
_MADE_UP_SECRETS = {
    "SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests-only-for-tests",
    "DATA_KEYS": "1=" + "QUJD" * 10 + "QUI=",
}


def worker() -> str:
    """Which worker this is; empty in the process that leads them, and in a plain run."""
    return os.environ.get("PYTEST_XDIST_WORKER", "")


def touches_a_database(item: pytest.Item) -> bool:
    """Such a test runs once on each database."""
    names = getattr(item, "fixturenames", [])
    return bool(item.get_closest_marker("django_db") or _TOUCHES_A_DATABASE.intersection(names))


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Runs before pytest-django reads the settings."""
    folder = tempfile.TemporaryDirectory(prefix="takeback-tests-", ignore_cleanup_errors=True)
    early_config.add_cleanup(folder.cleanup)
    os.environ["DATA_DIR"] = folder.name
    os.environ.update(_MADE_UP_SECRETS)
    if worker() == SQLITE:
        os.environ.pop("DATABASE_URL", None)
    elif worker() == POSTGRESQL:
        os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]
    return (yield)


def pytest_configure(config: pytest.Config) -> None:
    """The process that leads the workers owns the server."""
    wanted = any(f"id={POSTGRESQL}" in spec for spec in config.getoption("tx", []) or [])
    if worker() or not wanted or os.environ.get("TEST_DATABASE_URL"):
        return
    # Being stopped is like Ctrl-C: pytest ends in an orderly way and the server is stopped too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stack = ExitStack()
    config.add_cleanup(stack.close)
    os.environ["TEST_DATABASE_URL"] = stack.enter_context(postgres.serving())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """PostgreSQL's worker leaves alone what touches no database."""
    if worker() != POSTGRESQL:
        return
    rest = [item for item in items if not touches_a_database(item)]
    config.hook.pytest_deselected(items=rest)
    items[:] = [item for item in items if touches_a_database(item)]
