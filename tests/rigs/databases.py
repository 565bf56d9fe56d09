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
SQLITE, POSTGRESQL = DATABASES = "sqlite", "postgresql"

# `./dev test` without more words takes samples; in CI the databases take turns at the rows of long
# tables; whoever names a file, and the long form, get everything on both.
_DEPTH = "TAKEBACK_DEPTH"
SAMPLES, TURNS = "samples", "turns"
_LONG_TABLE, _SHARE = 12, 6

_TOUCHES_A_DATABASE = {"db", "transactional_db", "live_server"}
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
    """The process that leads the workers owns the server, and says whether samples will do."""
    if not worker():
        whole = (
            os.environ.get("TAKEBACK_LONG") or config.args_source is pytest.Config.ArgsSource.ARGS
        )
        os.environ[_DEPTH] = "" if whole else TURNS if os.environ.get("CI") else SAMPLES
    wanted = any(f"id={POSTGRESQL}" in spec for spec in config.getoption("tx", []) or [])
    if worker() or not wanted or os.environ.get("TEST_DATABASE_URL"):
        return
    # Being stopped is like Ctrl-C: pytest ends in an orderly way and the server is stopped too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stack = ExitStack()
    config.add_cleanup(stack.close)
    os.environ["TEST_DATABASE_URL"] = stack.enter_context(postgres.serving())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """PostgreSQL's worker leaves alone what touches no database; samples may do."""
    kept = items[:]
    if worker() == POSTGRESQL:
        kept = [item for item in items if touches_a_database(item)]
    if worker() in DATABASES:
        kept = _chosen(kept, DATABASES.index(worker()), os.environ[_DEPTH])
    chosen = set(kept)
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = kept


def _chosen(items: list[pytest.Item], turn: int, depth: str) -> list[pytest.Item]:
    """What one of the databases runs.

    In CI they take turns at the rows of long tables. In samples they take turns at heavy modules
    and at the rows of all tables, and each takes every sixth row of a long one. What touches no
    database is nobody else's turn.
    """
    if not depth:
        return items
    tables: dict[str, list[pytest.Item]] = {}
    modules: dict[str, int] = {}
    for item in items:
        module, _, name = item.nodeid.partition("::")
        heavy = item.get_closest_marker("heavy")
        if heavy and depth == SAMPLES and touches_a_database(item):
            chosen = DATABASES.index(heavy.args[0]) if heavy.args else len(modules) % 2
            if modules.setdefault(module, chosen) != turn:
                continue
        tables.setdefault(f"{module}::{name.partition('[')[0]}", []).append(item)
    return [item for rows in tables.values() for item in _share(rows, turn, depth)]


def _share(rows: list[pytest.Item], turn: int, depth: str) -> list[pytest.Item]:
    is_long, is_shared = len(rows) > _LONG_TABLE, touches_a_database(rows[0])
    if depth == TURNS:
        return rows[turn::2] if is_long and is_shared else rows
    if is_long:
        return rows[turn::_SHARE]
    heavy = rows[0].get_closest_marker("heavy")
    in_turns = len(rows) > 1 and is_shared and not heavy
    return rows[turn::2] if in_turns else rows
