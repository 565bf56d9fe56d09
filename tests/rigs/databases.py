"""The pytest plugin that settles, before the settings are read, what a process tests on."""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from zlib import crc32

import pytest

from tests.rigs import postgres

# `./dev test` starts a worker of each of these names: both run every test that touches a database,
# the first also those that touch none. A plain `pytest` is one process, on SQLite or DATABASE_URL.
SQLITE, POSTGRESQL = DATABASES = "sqlite", "postgresql"

# `./dev test` without more words takes samples; in CI the databases take turns at the rows of long
# tables; the long form, and whoever names a file, get everything on both (decision 0017).
_DEPTH = "TAKEBACK_DEPTH"
SAMPLES, TURNS = "samples", "turns"
_SHORT_TABLE, _LONG_TABLE = 3, 12
# The rooms where people and systems come in; what they ask of the rooms below is tried on both.
_ENTRIES = ("channel", "cli", "contract", "desk", "home", "importer", "operations", "storefront")

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
        named = config.args_source is pytest.Config.ArgsSource.ARGS
        whole = named or os.environ.get("TAKEBACK_LONG")
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
    """What touches no database runs once, SQLite's worker takes it; samples may do."""
    kept = items[:]
    if worker() in DATABASES:
        kept = [item for item in items if touches_a_database(item) or _home(item) == worker()]
        if os.environ[_DEPTH]:
            kept = _chosen(kept, DATABASES.index(worker()), os.environ[_DEPTH])
    chosen = set(kept)
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = kept


def _home(item: pytest.Item) -> str:
    """Which of the two runs what only one has to."""
    heavy = item.get_closest_marker("heavy")
    return heavy.args[0] if heavy and heavy.args else SQLITE


def _chosen(items: list[pytest.Item], turn: int, depth: str) -> list[pytest.Item]:
    """What one of the databases runs; what touches no database is nobody else's turn."""
    tables: dict[str, list[pytest.Item]] = {}
    for item in items:
        if depth == TURNS or _is_sampled(item, turn):
            tables.setdefault(item.nodeid.partition("[")[0], []).append(item)
    share = _sample if depth == SAMPLES else _half_of_the_long
    return [item for rows in tables.values() for item in share(rows, turn)]


def _is_sampled(item: pytest.Item, turn: int) -> bool:
    """Whether `./dev test` runs it here: what is heavy runs on one database."""
    if item.get_closest_marker("thorough"):
        return False
    heavy = item.get_closest_marker("heavy")
    if heavy is None or not touches_a_database(item):
        return True
    return _home(item) == DATABASES[turn]


def _half_of_the_long(rows: list[pytest.Item], turn: int) -> list[pytest.Item]:
    is_long = len(rows) > _LONG_TABLE and touches_a_database(rows[0])
    return rows[turn::2] if is_long else rows


def _sample(rows: list[pytest.Item], turn: int) -> list[pytest.Item]:
    """Of heavy tables the last row, of long ones every eighth, of short ones every second.

    At tests without a table the databases take turns where requests come in, and only there.
    """
    if rows[0].get_closest_marker("heavy"):
        return rows[-1:]
    if not touches_a_database(rows[0]):
        return rows
    if len(rows) > 1:
        step = 8 if len(rows) > _LONG_TABLE else 3 if len(rows) > _SHORT_TABLE else 2
        return rows[turn::step]
    name = rows[0].nodeid
    # By name: the two have different tests around it, and one of them must take it.
    is_elsewhere = name.split("/")[1] in _ENTRIES and crc32(name.encode()) % 2 != turn
    return [] if is_elsewhere else rows
