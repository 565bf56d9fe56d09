"""The pytest plugin that chooses, before the settings are read, the database of a process."""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from zlib import crc32

import pytest

from tests.rigs import postgres

# `./dev test` starts a worker of each of these names: both run every test that uses a database,
# the first also those that use none. A plain `pytest` is one process, on SQLite or DATABASE_URL.
SQLITE, POSTGRESQL = DATABASES = "sqlite", "postgresql"

# `./dev test` without arguments takes samples; in CI the databases take turns in the entry rooms
# and at the rows of long tables; the long form, and a run of named files, run everything on both
# (decision 0017).
_DEPTH = "TAKEBACK_DEPTH"
SAMPLES, TURNS = "samples", "turns"
_SHORT_TABLE, _LONG_TABLE = 3, 12

# In the rooms where requests and files enter, the databases take turns in CI: both databases run
# the tests of the rooms below. A folder that is in neither list stops the run.
ENTRY_ROOMS = frozenset(
    {"channel", "cli", "contract", "desk", "docs", "home", "importer", "operations", "storefront"}
)
DOMAIN_ROOMS = frozenset(
    {
        "accounts",
        "addresses",
        "api",
        "archive",
        "bank_accounts",
        "cancellations",
        "channel_sync",
        "core",
        "demo",
        "handlers",
        "idempotency",
        "images",
        "limits",
        "logistics",
        "loyalty",
        "notifications",
        "orders",
        "outbox",
        "refund_providers",
        "refunds",
        "shoppers",
        "trade_in",
    }
)

# A busy machine may stand still for longer than the usual limits. Other processes have those.
_PATIENCE = "connect_timeout=60&options=-c%20lock_timeout%3D60s%20-c%20statement_timeout%3D60s"

_DATABASE_FIXTURES = {"db", "transactional_db", "live_server"}
_TEST_SECRETS = {
    "SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests-only-for-tests",
    "DATA_KEYS": "1=" + "QUJD" * 10 + "QUI=",
}


def worker() -> str:
    """The name of this worker; empty in the process that leads the workers, and in a plain run."""
    return os.environ.get("PYTEST_XDIST_WORKER", "")


def uses_database(item: pytest.Item) -> bool:
    """Whether this test runs once on each database."""
    names = getattr(item, "fixturenames", [])
    return bool(item.get_closest_marker("django_db") or _DATABASE_FIXTURES.intersection(names))


def unknown_rooms(tests: Path) -> list[str]:
    """The folders with tests that are in neither list of rooms."""
    folders = {path.relative_to(tests).parts[0] for path in tests.glob("*/**/test_*.py")}
    return sorted(folders - ENTRY_ROOMS - DOMAIN_ROOMS)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Runs before pytest-django reads the settings."""
    folder = tempfile.TemporaryDirectory(prefix="takeback-tests-", ignore_cleanup_errors=True)
    early_config.add_cleanup(folder.cleanup)
    os.environ["DATA_DIR"] = folder.name
    os.environ.update(_TEST_SECRETS)
    if worker() == SQLITE:
        os.environ.pop("DATABASE_URL", None)
    elif worker() == POSTGRESQL:
        os.environ["DATABASE_URL"] = f"{os.environ['TEST_DATABASE_URL']}?{_PATIENCE}"
    return (yield)


def pytest_configure(config: pytest.Config) -> None:
    """The process that leads the workers starts PostgreSQL and chooses the depth."""
    if unknown := unknown_rooms(config.rootpath / "tests"):
        raise pytest.UsageError(f"add to a list of rooms in tests/rigs/databases.py: {unknown}")
    if not worker():
        is_named = config.args_source is pytest.Config.ArgsSource.ARGS
        is_complete = is_named or os.environ.get("TAKEBACK_LONG")
        os.environ[_DEPTH] = "" if is_complete else TURNS if os.environ.get("CI") else SAMPLES
    is_needed = any(f"id={POSTGRESQL}" in spec for spec in config.getoption("tx", []) or [])
    if worker() or not is_needed or os.environ.get("TEST_DATABASE_URL"):
        return
    # SIGTERM acts like Ctrl-C: pytest ends in an orderly way and the server is stopped, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stack = ExitStack()
    config.add_cleanup(stack.close)
    os.environ["TEST_DATABASE_URL"] = stack.enter_context(postgres.serving())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose the tests of this worker; SQLite's worker runs those that use no database."""
    selected = items[:]
    if worker() in DATABASES:
        selected = [item for item in items if uses_database(item) or _home(item) == worker()]
        if os.environ[_DEPTH]:
            selected = _share(selected, DATABASES.index(worker()), os.environ[_DEPTH])
    remaining = set(selected)
    config.hook.pytest_deselected(items=[item for item in items if item not in remaining])
    items[:] = selected


def _home(item: pytest.Item) -> str:
    """The worker of a test that one worker runs alone."""
    heavy = item.get_closest_marker("heavy")
    return heavy.args[0] if heavy and heavy.args else SQLITE


def _share(items: list[pytest.Item], turn: int, depth: str) -> list[pytest.Item]:
    """The tests of one database, table by table."""
    tables: dict[str, list[pytest.Item]] = {}
    for item in items:
        if depth == TURNS or _is_sampled(item, turn):
            tables.setdefault(item.nodeid.partition("[")[0], []).append(item)
    rows_of = _sample if depth == SAMPLES else _alternate
    return [item for rows in tables.values() for item in rows_of(rows, turn)]


def _is_sampled(item: pytest.Item, turn: int) -> bool:
    """Whether `./dev test` runs the test on this database; a heavy one runs on one only."""
    if item.get_closest_marker("thorough"):
        return False
    heavy = item.get_closest_marker("heavy")
    if heavy is None or not uses_database(item):
        return True
    return _home(item) == DATABASES[turn]


def _alternate(rows: list[pytest.Item], turn: int) -> list[pytest.Item]:
    """Every second row of a long table; in entry rooms of any table, and every second test."""
    is_entry = rows[0].nodeid.split("/")[1] in ENTRY_ROOMS
    if not uses_database(rows[0]) or not (is_entry or len(rows) > _LONG_TABLE):
        return rows
    return rows[turn::2] if len(rows) > 1 else _if_chosen(rows, turn)


def _sample(rows: list[pytest.Item], turn: int) -> list[pytest.Item]:
    """The last row of a heavy table, every eighth row of a long one, every second of a short one.

    The databases take turns at tests without a table.
    """
    if rows[0].get_closest_marker("heavy"):
        return rows[-1:]
    if not uses_database(rows[0]):
        return rows
    if len(rows) == 1:
        return _if_chosen(rows, turn)
    step = 8 if len(rows) > _LONG_TABLE else 3 if len(rows) > _SHORT_TABLE else 2
    return rows[turn::step]


def _if_chosen(rows: list[pytest.Item], turn: int) -> list[pytest.Item]:
    """The test, if its name chooses this database: each worker has other tests around it."""
    return rows if crc32(rows[0].nodeid.encode()) % 2 == turn else []
