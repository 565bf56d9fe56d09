"""A database that fails: read-only, unreachable or damaged, for the tests of one process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection

from takeback.core.db import outages as database_outages


@contextmanager
def read_only() -> Iterator[None]:
    """The test's database accepts no write, as after a failover or `chmod`."""
    if connection.vendor == "sqlite":
        usual = connection.settings_dict["OPTIONS"]["init_command"]
        with _reconnected(OPTIONS={"init_command": f"{usual} PRAGMA query_only = ON;"}):
            yield
        return
    name = connection.ops.quote_name(str(connection.settings_dict["NAME"]))
    _execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    connection.close()
    try:
        yield
    finally:
        connection.close()
        _execute("SET default_transaction_read_only = off")
        _execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        connection.close()


@contextmanager
def unusable(folder: Path) -> Iterator[None]:
    """The test's database is a file of noise (SQLite), or nobody listens (PostgreSQL)."""
    noise = folder / "noise.sqlite3"
    noise.write_bytes(b"no database " * 4_096)
    changes = {"NAME": str(noise)} if connection.vendor == "sqlite" else {"PORT": "1"}
    with _reconnected(**changes):
        yield
    forget_damage()


def forget_damage() -> None:
    """Let the next test start with a whole database."""
    database_outages._Damage.read_at = None  # noqa: SLF001 - time forgets it in a service


@contextmanager
def _reconnected(**changes: Any) -> Iterator[None]:
    """Other settings for the connections of this block."""
    usual = dict(connection.settings_dict)
    options = {**usual["OPTIONS"], **changes.pop("OPTIONS", {})}
    connection.close()
    connection.settings_dict.update(changes, OPTIONS=options)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(usual)


def _execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
