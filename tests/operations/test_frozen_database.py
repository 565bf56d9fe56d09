"""A PostgreSQL server that stops responding: requests end with 503, and recover by themselves."""

import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.db import OperationalError, connection

from takeback.core.db.connection import database, fetch_rows
from takeback.core.db.time_limits import response_within
from tests.rigs import postgres
from tests.rigs.databases import POSTGRESQL
from tests.rigs.frozen import frozen
from tests.rigs.serving import TAKEBACK, Response, Server, environment, serving

READ = "/users/orders/cancellation_reasons/"


def timed(server: Server, path: str) -> tuple[Response, float]:
    started = time.monotonic()
    response = server.request(path)
    return response, time.monotonic() - started


@contextmanager
def worker(folder: Path, url: str) -> Iterator[Path]:
    """`takeback worker` on this database; yields its log."""
    log = folder / "worker.log"
    settings = environment(folder, DATABASE_URL=f"{url}?application_name=worker")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*TAKEBACK, "worker"], env=settings, stdout=output, stderr=output
        )
    try:
        yield log
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait(timeout=60)


def sessions_of_worker(url: str) -> set[int]:
    with psycopg.connect(url) as session:
        rows = session.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'worker'"
        ).fetchall()
    return {row[0] for row in rows}


def wait_until(is_fulfilled: object, seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not is_fulfilled():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.heavy(POSTGRESQL)
@pytest.mark.timeout(180)
def test_frozen_database_ends_requests_and_recovers(tmp_path: Path) -> None:
    with (
        postgres.serving() as url,
        serving(tmp_path, "--workers", "2", "--migrate", DATABASE_URL=url) as server,
        worker(tmp_path, url) as log,
        ThreadPoolExecutor(4) as pool,
    ):
        assert {server.request(path).status for path in (READ, "/health/ready") * 6} == {200}
        wait_until(lambda: len(sessions_of_worker(url)) == 2)
        before = sessions_of_worker(url)
        with frozen(url):
            response, seconds = timed(server, "/health/ready")
            assert (response.status, response.headers["retry-after"]) == (503, "5")
            assert seconds < 3

            requests = [pool.submit(timed, server, READ) for _ in range(4)]
            time.sleep(0.5)  # both workers wait for the database
            response, seconds = timed(server, "/health/live")
            assert (response.status, response.body) == (200, b'{"status":"ok"}')
            assert seconds < 1
            for sent in requests:
                response, seconds = sent.result()
                assert (response.status, response.headers["retry-after"]) == (503, "5")
                assert seconds < 14
            wait_until(lambda: "outbox failed" in log.read_text())
        assert server.request("/health/ready").status == 200
        assert {server.request(READ).status for _ in range(6)} == {200}
        wait_until(lambda: sessions_of_worker(url) - before)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite is a file")
def test_connection_without_a_response_is_replaced() -> None:
    ((before,),) = fetch_rows(database(), "SELECT pg_backend_pid()", [])
    with (
        response_within(0.5),
        pytest.raises(OperationalError, match="no response within the time limit"),
    ):
        fetch_rows(database(), "SELECT pg_sleep(5)", [])
    assert not connection.is_usable()
    connection.close()
    ((after,),) = fetch_rows(database(), "SELECT pg_backend_pid()", [])
    assert after != before
    # The usual limit holds again.
    assert fetch_rows(database(), "SELECT 1 FROM pg_sleep(0.6)", []) == [(1,)]
