"""The PostgreSQL that is measured, and the loaded databases on it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from benchmarks import asking, processes
from benchmarks.server import ROOT, environment
from benchmarks.shop import Shop
from tests.rigs import postgres

_OPTIONS = ("-c", "shared_buffers=1GB", "-c", "jit=off", "-c", "max_wal_size=8GB")


@contextmanager
def server() -> Iterator[str]:
    """The address of DATABASE_URL's server, else of one that lives as long as the run."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield given
        return
    with postgres.serving(_OPTIONS) as url:
        yield url


def postmaster_of(url: str) -> int:
    """The server's first process; it must run on this machine, or its time cannot be counted."""
    with psycopg.connect(url) as connection:
        pid = processes.parent_of(connection.info.backend_pid)
    if not processes.name_of(pid).startswith(("postgres", "postmaster")):
        raise SystemExit("The PostgreSQL of DATABASE_URL must run on this machine.")
    return pid


def loaded(server_url: str, shop: Shop) -> str:
    """The address of a database that holds this shop; it is made, and kept for the next run.

    It is named for its size and never one of yours; a database that was loaded by other code
    than this is dropped and made again.
    """
    name = f"takeback_bench_{shop.orders}_{shop.requests}" + ("_probes" * shop.has_probes)
    name += f"_{shop.copies}" * bool(shop.copies)
    url = urlsplit(server_url)._replace(path=f"/{name}").geturl()
    mark = _fingerprint()
    with psycopg.connect(server_url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
            [name],
        ).fetchone()
        if found != (mark,):
            identifier = sql.Identifier(name)
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(identifier))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(identifier))
            _load(url, shop)
            connection.execute(
                sql.SQL("COMMENT ON DATABASE {} IS {}").format(identifier, sql.Literal(mark))
            )
    _forget_earlier_runs(url)
    return url


def _load(url: str, shop: Shop) -> None:
    command = [sys.executable, "-m", "benchmarks.data", "--orders", str(shop.orders)]
    command += ["--requests", str(shop.requests), *(["--probes"] if shop.has_probes else [])]
    command += ["--copies", str(shop.copies)]
    with TemporaryDirectory(prefix="takeback-bench-") as folder:
        subprocess.run(command, env=environment(url, folder), cwd=folder, check=True)


def _forget_earlier_runs(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DELETE FROM accounts_session WHERE user_id IS NULL")
        connection.execute("TRUNCATE limits_counter")
        asking.forget(connection)
        # As after a day's work: an empty table would be planned for as an empty one.
        connection.execute(
            "INSERT INTO limits_counter SELECT 'earlier:' || n, 1, 4102444800"
            " FROM generate_series(1, 50000) n"
        )
        connection.execute("VACUUM ANALYZE accounts_session, limits_counter")
        connection.execute("CHECKPOINT")


def _fingerprint() -> str:
    """Changes with the loader and with the tables."""
    written = sha256()
    here = Path(__file__).parent
    migrations = sorted((ROOT / "takeback").glob("*/migrations/0*.py"))
    loader = ("cases", "copies", "data", "finding", "shop", "sought")
    for path in (*(here / f"{name}.py" for name in loader), *migrations):
        written.update(path.read_bytes())
    return written.hexdigest()[:16]
