"""Behind a pooler in transaction mode, readiness and doctor try prepared statements."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connection

from takeback.operations import pooler, readiness
from tests.rigs.databases import POSTGRESQL
from tests.rigs.processes import stop
from tests.rigs.serving import TAKEBACK, database_url, environment, free_port, serving

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
on_postgresql = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no pooler")
SENTENCE = (
    "A pooler gives each transaction another session, without its prepared statements. Set "
    "DATABASE_PREPARED=off, or use PgBouncer 1.21 or newer with max_prepared_statements."
)


@contextmanager
def pgbouncer(folder: Path, mode: str) -> Iterator[str]:
    """The test's database behind a pooler; yields its URL."""
    assert PGBOUNCER is not None
    server, port = urlsplit(database_url()), free_port()
    login = f"user={server.username}"
    login += f" password={server.password}" if server.password else ""
    file = folder / "pgbouncer.ini"
    file.write_text(f"""[databases]
{server.path[1:]} = host={server.hostname} port={server.port} {login}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
ignore_startup_parameters = options
""")
    user = "nobody" if os.geteuid() == 0 else None  # it refuses to run as root
    command = [PGBOUNCER, "/dev/stdin"]
    with file.open() as configuration, (folder / "pgbouncer.log").open("w") as log:
        process = subprocess.Popen(command, user=user, stdin=configuration, stdout=log, stderr=log)
    try:
        url = f"postgres://{server.username}:@127.0.0.1:{port}{server.path}"
        _wait_until_ready(url)
        yield url
    finally:
        stop(process, folder / "pgbouncer.log")


def _wait_until_ready(url: str) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            assert time.monotonic() < end
            time.sleep(0.1)
        else:
            return


def run(url: str, folder: Path, *command: str, **settings: str) -> "tuple[int, str]":
    """A command on this database: its exit code and both outputs."""
    done = subprocess.run(
        [*TAKEBACK, *command],
        env=environment(folder, DATABASE_URL=url, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.thorough
@pytest.mark.heavy(POSTGRESQL)
@pytest.mark.django_db(transaction=True)
@on_postgresql
@pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed")
def test_pooler_without_the_switch_is_named(tmp_path: Path) -> None:
    with pgbouncer(tmp_path, "transaction") as url:
        assert run(url, tmp_path, "list-channels") == (1, f"Error: {SENTENCE}\n")
        code, _ = run(url, tmp_path, "list-channels", DATABASE_PREPARED="off")
        assert code == 0
        with serving(tmp_path, "--workers", "1", DATABASE_URL=url) as server:
            assert [server.request("/health/ready").status for _ in range(3)] == [503] * 3
            assert SENTENCE in server.log.read_text()
        with serving(
            tmp_path, "--workers", "1", DATABASE_URL=url, DATABASE_PREPARED="off"
        ) as server:
            assert [server.request("/health/ready").status for _ in range(3)] == [200] * 3


@pytest.mark.heavy(POSTGRESQL)
@pytest.mark.django_db(transaction=True)
@on_postgresql
@pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed")
def test_pooler_in_session_mode_needs_no_switch(tmp_path: Path) -> None:
    with pgbouncer(tmp_path, "session") as url:
        assert run(url, tmp_path, "list-channels")[0] == 0


@pytest.mark.django_db(transaction=True)
@on_postgresql
def test_prepared_statement_that_is_deallocated_meanwhile_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection.ensure_connection()
    backend = connection.connection
    assert pooler.prepared_problem() is None
    assert readiness.not_ready_reason() is None

    class Session:
        """The second client, which makes the pooler exchange the session."""

        def execute(self, statement: str) -> None:
            backend.pgconn.exec_(b"DEALLOCATE ALL")

        def close(self) -> None: ...

    with monkeypatch.context() as patch:
        patch.setattr(pooler, "_has_pooler", lambda _: True)
        patch.setattr(connection, "get_new_connection", lambda _: Session())
        assert pooler.prepared_problem() == SENTENCE
        assert readiness.not_ready_reason() == SENTENCE
        backend.prepare_threshold = None
        assert pooler.prepared_problem() is None
    connection.close()


@pytest.mark.django_db
def test_ready_without_a_pooler() -> None:
    assert pooler.prepared_problem() is None
