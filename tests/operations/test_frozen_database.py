"""A PostgreSQL server that stops responding: requests end with 503, and recover by themselves."""

import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
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
from tests.rigs.processes import stop
from tests.rigs.serving import TAKEBACK, Response, Server, environment, serving

READ = "/users/orders/cancellation_reasons/"


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
        stop(process, log)


def sessions_of_worker(url: str) -> set[int]:
    with psycopg.connect(url) as session:
        rows = session.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'worker'"
        ).fetchall()
    return {row[0] for row in rows}


def wait_until(is_fulfilled: Callable[[], object]) -> None:
    end = time.monotonic() + 100
    while not is_fulfilled():
        assert time.monotonic() < end
        time.sleep(0.1)


def statuses(server: Server, path: str) -> set[int]:
    """The statuses of several requests, which both workers respond to."""
    return {server.request(path).status for _ in range(6)}


def wait_until_available(server: Server) -> None:
    """Wait until all responses are 200: the check of readiness fails on a database that is slow."""
    wait_until(lambda: statuses(server, "/health/ready") == {200})
    wait_until(lambda: statuses(server, READ) == {200})


def send(pool: ThreadPoolExecutor, server: Server, *paths: str) -> "list[Future[Response]]":
    """Send these requests at once."""
    return [pool.submit(server.request, path) for path in paths]


def assert_unavailable(response: Response) -> None:
    assert (response.status, response.headers["retry-after"]) == (503, "5")


# The order of events is asserted, not seconds: these depend on the machine.
@pytest.mark.thorough
@pytest.mark.heavy(POSTGRESQL)
@pytest.mark.timeout(600)
def test_frozen_database_ends_requests_and_recovers(tmp_path: Path) -> None:
    with (
        postgres.serving() as url,
        serving(tmp_path, "--workers", "2", "--migrate", DATABASE_URL=url) as server,
        worker(tmp_path, url) as log,
        ThreadPoolExecutor(4) as pool,
    ):
        wait_until_available(server)
        # Messages, refunds and periodic tasks have a session each.
        wait_until(lambda: len(sessions_of_worker(url)) == 3)
        before = sessions_of_worker(url)
        with frozen(url):
            assert_unavailable(server.request("/health/ready"))

            requests = send(pool, server, *[READ] * 4)
            time.sleep(0.5)  # both workers wait for the database
            response = server.request("/health/live")
            assert (response.status, response.body) == (200, b'{"status":"ok"}')
            assert not all(request.done() for request in requests)
            for request in requests:
                assert_unavailable(request.result())
            wait_until(lambda: "outbox failed" in log.read_text())
        # PostgreSQL first finishes what it was sent before; then each worker connects again.
        wait_until_available(server)
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
