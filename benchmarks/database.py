"""The measured PostgreSQL server, and the loaded databases on it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from benchmarks import cancellable_items, processes
from benchmarks.server import THIS, Checkout, environment
from benchmarks.shop import Shop
from tests.rigs import postgres

_OPTIONS = ("-c", "shared_buffers=1GB", "-c", "jit=off", "-c", "max_wal_size=8GB")


@contextmanager
def server() -> Iterator[str]:
    """The URL of the server of DATABASE_URL, or of a temporary server."""
    url = os.environ.get("DATABASE_URL")
    if url:
        yield url
        return
    with postgres.serving(_OPTIONS) as temporary:
        yield temporary


def postmaster_of(url: str) -> int:
    """The id of the server's first process; its CPU time counts, so it must run on this machine."""
    with psycopg.connect(url) as connection:
        pid = processes.parent_of(connection.info.backend_pid)
    if not processes.name_of(pid).startswith(("postgres", "postmaster")):
        raise SystemExit("The PostgreSQL of DATABASE_URL must run on this machine.")
    return pid


def loaded(server_url: str, shop: Shop, checkout: Checkout = THIS) -> str:
    """The URL of a database with this shop, which is created once and used by later runs.

    Its name, `takeback_bench_...`, states the size. A database that other code has loaded is
    dropped and loaded again.
    """
    name = f"takeback_bench_{shop.orders}_{shop.requests}" + ("_probes" * shop.has_probes)
    name += f"_{shop.copies}" * bool(shop.copies)
    name += "" if checkout is THIS else "_other"
    url = urlsplit(server_url)._replace(path=f"/{name}").geturl()
    fingerprint = _fingerprint(checkout)
    with psycopg.connect(server_url, autocommit=True) as connection:
        comment = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
            [name],
        ).fetchone()
        if comment != (fingerprint,):
            identifier = sql.Identifier(name)
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(identifier))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(identifier))
            _load(url, shop, checkout)
            connection.execute(
                sql.SQL("COMMENT ON DATABASE {} IS {}").format(identifier, sql.Literal(fingerprint))
            )
    _delete_earlier_runs(url)
    return url


def _load(url: str, shop: Shop, checkout: Checkout) -> None:
    command = [str(checkout.python), "-m", "benchmarks.data", "--orders", str(shop.orders)]
    command += ["--requests", str(shop.requests), *(["--probes"] if shop.has_probes else [])]
    command += ["--copies", str(shop.copies)]
    with TemporaryDirectory(prefix="takeback-bench-") as folder:
        variables = environment(url, folder, checkout=checkout)
        subprocess.run(command, env=variables, cwd=folder, check=True)


def _delete_earlier_runs(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DELETE FROM accounts_session WHERE user_id IS NULL")
        connection.execute("TRUNCATE limits_counter")
        cancellable_items.delete_new_cases(connection)
        # As after a day's work: PostgreSQL would choose other plans for an empty table.
        connection.execute(
            "INSERT INTO limits_counter SELECT 'earlier:' || n, 1, 4102444800"
            " FROM generate_series(1, 50000) n"
        )
        connection.execute("VACUUM ANALYZE accounts_session, limits_counter")
        connection.execute("CHECKPOINT")


def _fingerprint(checkout: Checkout) -> str:
    """A hash of the loader and of the migrations."""
    digest = sha256()
    names = ("case_filters", "cases", "copies", "data", "filter_rows", "shop")
    loader = [f"{name}.py" for name in names] if checkout is THIS else ["*.py"]
    patterns = [f"benchmarks/{name}" for name in loader] + ["takeback/*/migrations/0*.py"]
    for path in sorted(path for pattern in patterns for path in checkout.root.glob(pattern)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
