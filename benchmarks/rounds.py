"""Measures several subjects in turns, so that compared figures come from the same minute."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from tempfile import gettempdir

from benchmarks import processes
from benchmarks.cancellable_items import cancellable_items
from benchmarks.server import Server, environment
from benchmarks.shop import Shop

NOISY = 0.20
"""A run is repeated if other processes take more than this share of the machine."""
RETRIES = 2
CONNECTIONS = 8
LOOPS = 2
"""The number of processes of a floor, equal to the number of workers of the server."""
WARM_UP_SECONDS = 6
"""Long enough to fill the caches and to prepare all statements."""


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement; CPU in milliseconds per request."""

    calls: int
    app_ms: float
    database_ms: float
    foreign: float
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    bytes: int = 0

    @property
    def cpu_ms(self) -> float:
        """The CPU of the application and of PostgreSQL."""
        return self.app_ms + self.database_ms


@dataclass(frozen=True, slots=True)
class Place:
    """A loaded database and the first process of its server."""

    url: str
    postmaster: int
    shop: Shop


@dataclass(frozen=True, slots=True)
class Subject:
    """A named subject, and the function that measures it for a number of seconds."""

    name: str
    run: Callable[[float], Run]


@dataclass(frozen=True, slots=True)
class Summary:
    """The medians of all rounds, and the number of runs that stayed noisy after retries."""

    cpu_ms: float
    app_ms: float
    database_ms: float
    p50_ms: float
    p99_ms: float
    bytes: int
    noisy: int
    runs: int

    @classmethod
    def of(cls, runs: Sequence[Run]) -> "Summary":
        return cls(
            cpu_ms=median(run.cpu_ms for run in runs),
            app_ms=median(run.app_ms for run in runs),
            database_ms=median(run.database_ms for run in runs),
            p50_ms=median(run.p50_ms for run in runs),
            p99_ms=median(run.p99_ms for run in runs),
            bytes=runs[0].bytes,
            noisy=sum(run.foreign > NOISY for run in runs),
            runs=len(runs),
        )


def measured(subjects: Sequence[Subject], *, rounds: int, seconds: float) -> dict[str, Summary]:
    """Each subject once per round, in alternating order."""
    runs: dict[str, list[Run]] = {subject.name: [] for subject in subjects}
    for number in range(rounds):
        for subject in subjects if number % 2 == 0 else reversed(subjects):
            run = quietest(subject, seconds)
            runs[subject.name].append(run)
            show(f"round {number + 1}", subject.name, run)
    return {name: Summary.of(results) for name, results in runs.items()}


def quietest(subject: Subject, seconds: float) -> Run:
    """The run with the least CPU of other processes; noisy runs are repeated."""
    best = subject.run(seconds)
    for _ in range(RETRIES):
        if best.foreign <= NOISY:
            break
        best = min(best, subject.run(seconds), key=lambda run: run.foreign)
    return best


def show(title: str, name: str, run: Run) -> None:
    """Print one measurement."""
    print(
        f"{title}  {name:24} {run.cpu_ms:8.2f} ms CPU"
        f"  ({run.app_ms:.2f} + PostgreSQL {run.database_ms:.2f}),"
        f" {run.calls} requests, other processes {run.foreign:.0%}",
        flush=True,
    )


class Meter:
    """CPU of a tree of processes, of PostgreSQL, and of all other processes, since creation."""

    def __init__(self, app: int | None, postmaster: int) -> None:
        self.app, self.postmaster = app, postmaster
        self.started = self._now()

    def _now(self) -> tuple[float, float, float, float, float]:
        app = processes.cpu_seconds(self.app) if self.app else 0.0
        return (
            time.monotonic(),
            processes.busy_seconds(),
            processes.cpu_seconds(os.getpid()),
            app,
            processes.cpu_seconds(self.postmaster),
        )

    def read(self) -> tuple[float, float, float]:
        """CPU seconds of the application and of PostgreSQL; the other processes' share."""
        wall, busy, own, app, database = (
            now - then for now, then in zip(self._now(), self.started, strict=True)
        )
        foreign = max(0.0, busy - own - database) / (wall * (os.cpu_count() or 1))
        return app, database, foreign


@contextmanager
def _item_arguments(operation: str, place: Place, clients: int) -> Iterator[list[list[str]]]:
    """The arguments of each client that name its items; empty unless cases are created."""
    if operation != "create":
        yield [[]] * clients
        return
    with cancellable_items(place.url, place.shop, clients=clients) as files:
        yield [["--items", str(file)] for file in files]


def of_server(
    name: str,
    operation: str,
    *,
    server: Server,
    place: Place,
    connections: int = CONNECTIONS,
) -> Subject:
    """An operation of a running server, requested by a separate process."""

    def run(seconds: float) -> Run:
        command = [sys.executable, "-m", "benchmarks.client", operation]
        command += ["--port", str(server.port), "--orders", str(place.shop.orders)]
        command += ["--connections", str(connections), "--seconds", str(seconds)]
        command += ["--seed", str(time.monotonic_ns() % 1_000_000)]
        command += ["--probes"] if place.shop.has_probes else []
        with _item_arguments(operation, place, 1) as [arguments]:
            meter = Meter(server.pid, place.postmaster)
            done = subprocess.run(
                [*command, *arguments],
                env=environment("", gettempdir()),
                stdout=subprocess.PIPE,
                check=True,
            )
            app, database, foreign = meter.read()
        result = json.loads(done.stdout)
        calls = result["calls"]
        return Run(
            app_ms=1000 * app / calls,
            database_ms=1000 * database / calls,
            foreign=foreign,
            **result,
        )

    run(WARM_UP_SECONDS)
    return Subject(name, run)


def of_floor(name: str, operation: str, *, place: Place) -> Subject:
    """The same work in two minimal loops."""

    def run(seconds: float) -> Run:
        command = [sys.executable, "-m", "benchmarks.floors", operation]
        command += ["--orders", str(place.shop.orders), "--seconds", str(seconds)]
        with _item_arguments(operation, place, LOOPS) as arguments:
            loops = [
                subprocess.Popen(
                    [*command, "--seed", str(time.monotonic_ns() % 1_000_000 + number), *items],
                    env=environment(place.url, gettempdir()),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
                for number, items in enumerate(arguments)
            ]
            for loop in loops:
                assert loop.stdout
                loop.stdout.readline()
            meter = Meter(None, place.postmaster)
            results = _start(loops)
            _, database, foreign = meter.read()
        calls = sum(result["calls"] for result in results)
        spent = sum(result["cpu_seconds"] for result in results)
        return Run(
            calls=int(calls),
            app_ms=1000 * spent / calls,
            database_ms=1000 * database / calls,
            foreign=foreign,
        )

    return Subject(name, run)


def _start(loops: Sequence["subprocess.Popen[str]"]) -> list[dict[str, float]]:
    """Start the warm loops at the same time and return their results."""
    for loop in loops:
        assert loop.stdin
        loop.stdin.write("go\n")
        loop.stdin.flush()
    return [json.loads(loop.communicate()[0]) for loop in loops]
