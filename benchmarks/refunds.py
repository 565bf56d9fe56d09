"""How fast refunds leave: `takeback worker` against the sandbox provider, on both databases.

Two runs on each database: refunds of one provider while another one hangs, and then 200 refunds at
a provider that answers in 300 ms.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from benchmarks import database
from benchmarks.processes import cpu_seconds
from benchmarks.refund_orders import HANGING, QUICK, REFUNDS, SLOW, reference_of
from benchmarks.report import Line
from benchmarks.server import ROOT, environment
from takeback.refund_providers.sandbox_server.client import SandboxAdmin
from tests.rigs.sandbox import sandbox_process
from tests.rigs.serving import free_port

ALL_SECONDS, START_SECONDS = 20, 2
REPLY_SECONDS, HANGING_SECONDS = 0.3, 60
_DATABASE = "takeback_bench_refunds"
_TAKEBACK = Path(sys.executable).with_name("takeback")
_LONGEST_SECONDS = 120
_P95 = 18
"""The 95th of 20 quantiles, by index."""


def measure() -> list[Line]:
    """Both goals on SQLite and on PostgreSQL."""
    lines: list[Line] = []
    with TemporaryDirectory(prefix="takeback-bench-") as folder:
        lines += _measure("SQLite", f"sqlite:///{folder}/shop.sqlite3", folder)
    with database.server() as server, TemporaryDirectory(prefix="takeback-bench-") as folder:
        with psycopg.connect(server, autocommit=True) as connection:
            name = sql.Identifier(_DATABASE)
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        url = urlsplit(server)._replace(path=f"/{_DATABASE}").geturl()
        lines += _measure("PostgreSQL", url, folder)
    return lines


def _measure(name: str, url: str, folder: str) -> list[Line]:
    port, variables = free_port(), environment(url, folder)
    with sandbox_process(Path(folder) / "sandbox", port):
        admin = SandboxAdmin(f"http://127.0.0.1:{port}")
        _fill(admin)
        _run(variables, "load", admin.url)
        with _worker(variables, folder) as pid:
            starts = _seconds(variables, [HANGING, QUICK], "sent", of=QUICK)
            before = cpu_seconds(pid)
            slow = _seconds(variables, [SLOW], "confirmed", of=SLOW)
            cpu, load = cpu_seconds(pid) - before, os.getloadavg()[0]
        _ensure_one_request_each(admin)
    return [
        Line(
            f"{name}: {len(slow)} refunds, replies in 300 ms",
            max(slow),
            "s",
            ALL_SECONDS,
            f"load average {load:.1f}",
        ),
        Line(f"{name}: CPU of the worker for each of them", cpu * 1000 / len(slow), "ms"),
        Line(
            f"{name}: start while a provider hangs, p95",
            quantiles(starts, n=20)[_P95],
            "s",
            START_SECONDS,
            f"longest {max(starts):.2f} s; {len(starts)} refunds",
        ),
    ]


def _fill(admin: SandboxAdmin) -> None:
    """Payments at accounts that answer slowly, never in time, and at once."""
    for name, seconds in ((SLOW, REPLY_SECONDS), (HANGING, HANGING_SECONDS), (QUICK, 0)):
        admin.put_account(name, behaves_like="sandbox", behavior={"reply_seconds": seconds})
        admin.add_payments(
            {
                "id": reference_of(name, number),
                "currency": "TRY",
                "amount": "10.00",
                "account": name,
            }
            for number in range(REFUNDS[name])
        )


@contextmanager
def _worker(variables: dict[str, str], folder: str) -> Iterator[int]:
    """The worker of production, by its id; a handler at a provider that hangs is not waited for."""
    with (Path(folder) / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [_TAKEBACK, "worker"], env=variables, cwd=folder, stdout=log, stderr=log
        )
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def _seconds(
    variables: dict[str, str], accounts: Sequence[str], event: str, *, of: str
) -> list[float]:
    """Release refunds, wait until those of one account are paid, and return how long each took."""
    due = json.loads(_run(variables, "release", *accounts))
    end = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < end:
        # Rarely: the process that looks takes CPU from the worker.
        time.sleep(5)
        rows = [row for row in json.loads(_run(variables, "results")) if row["account"] == of]
        if all(row["is_paid"] for row in rows):
            return [_between(due[str(row["id"])], row[event]) for row in rows]
    raise SystemExit(f"the refunds of {of} are not paid after {_LONGEST_SECONDS} s")


def _between(first: str, last: str) -> float:
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()


def _ensure_one_request_each(admin: SandboxAdmin) -> None:
    """The provider has received exactly one request to pay each refund."""
    requests = Counter(
        row["payment"] for row in admin.ledger()["requests"] if row["target"] == "refund"
    )
    expected = Counter(
        reference_of(name, number) for name in (SLOW, QUICK) for number in range(REFUNDS[name])
    )
    if requests != expected:
        raise SystemExit(f"the provider has received other requests: {requests - expected}")


def _run(variables: dict[str, str], *words: str) -> str:
    """A step of `refund_orders` in a process of its own; returns what it prints."""
    command = [sys.executable, "-m", "benchmarks.refund_orders", *words]
    done = subprocess.run(command, env=variables, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    return done.stdout.decode()
