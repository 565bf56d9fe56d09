"""Side by side, in turns: what is compared is measured in the same minute of the same machine."""

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
from benchmarks.asking import askable
from benchmarks.server import Server, environment
from benchmarks.shop import Shop

NOISY = 0.20
"""A run in which others took more than this share of the machine is repeated."""
REPEATS = 2
CONNECTIONS = 8
LOOPS = 2
"""A floor's processes, as many as the server has workers."""
WARM_UP_SECONDS = 6
"""Long enough for the caches of snapshots and for every statement to be prepared."""


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement; CPU is milliseconds per call."""

    calls: int
    app_ms: float
    database_ms: float
    foreign: float
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    bytes: int = 0

    @property
    def cpu_ms(self) -> float:
        """Application and PostgreSQL together."""
        return self.app_ms + self.database_ms


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is measured: a loaded database and its server's first process."""

    url: str
    postmaster: int
    shop: Shop


@dataclass(frozen=True, slots=True)
class Subject:
    """Something to measure: its name, and how one run of so many seconds is made."""

    name: str
    run: Callable[[float], Run]


@dataclass(frozen=True, slots=True)
class Summary:
    """The medians over all rounds, and how many runs stayed noisy however often repeated."""

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
    """Every subject once in every round, in turning order."""
    found: dict[str, list[Run]] = {subject.name: [] for subject in subjects}
    for number in range(rounds):
        for subject in subjects if number % 2 == 0 else reversed(subjects):
            run = _quietest(subject, seconds)
            found[subject.name].append(run)
            print(
                f"round {number + 1}  {subject.name:24} {run.cpu_ms:8.2f} ms CPU"
                f"  ({run.app_ms:.2f} + PostgreSQL {run.database_ms:.2f}),"
                f" {run.calls} calls, others {run.foreign:.0%}",
                flush=True,
            )
    return {name: Summary.of(runs) for name, runs in found.items()}


def _quietest(subject: Subject, seconds: float) -> Run:
    best = subject.run(seconds)
    for _ in range(REPEATS):
        if best.foreign <= NOISY:
            break
        best = min(best, subject.run(seconds), key=lambda run: run.foreign)
    return best


class Meter:
    """CPU of one tree of processes, of PostgreSQL, and of everybody else, since it was made."""

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
        """Seconds of the application, seconds of PostgreSQL, the others' share of the machine."""
        wall, busy, own, app, database = (
            now - then for now, then in zip(self._now(), self.started, strict=True)
        )
        foreign = max(0.0, busy - own - database) / (wall * (os.cpu_count() or 1))
        return app, database, foreign


@contextmanager
def _lines_of_their_own(operation: str, place: Place, callers: int) -> Iterator[list[list[str]]]:
    """What each caller is told besides: the lines that only they may ask for."""
    if operation != "create":
        yield [[]] * callers
        return
    with askable(place.url, place.shop, callers=callers) as files:
        yield [["--pairs", str(file)] for file in files]


def of_server(
    name: str,
    operation: str,
    *,
    server: Server,
    place: Place,
    connections: int = CONNECTIONS,
) -> Subject:
    """An operation of a running server, called by a process of its own."""

    def run(seconds: float) -> Run:
        command = [sys.executable, "-m", "benchmarks.client", operation]
        command += ["--port", str(server.port), "--orders", str(place.shop.orders)]
        command += ["--connections", str(connections), "--seconds", str(seconds)]
        command += ["--seed", str(time.monotonic_ns() % 1_000_000)]
        command += ["--probes"] if place.shop.has_probes else []
        with _lines_of_their_own(operation, place, 1) as [lines]:
            meter = Meter(server.pid, place.postmaster)
            done = subprocess.run(
                [*command, *lines],
                env=environment("", gettempdir()),
                stdout=subprocess.PIPE,
                check=True,
            )
            app, database, foreign = meter.read()
        told = json.loads(done.stdout)
        calls = told["calls"]
        return Run(
            app_ms=1000 * app / calls, database_ms=1000 * database / calls, foreign=foreign, **told
        )

    run(WARM_UP_SECONDS)
    return Subject(name, run)


def of_floor(name: str, operation: str, *, place: Place) -> Subject:
    """The same work in two bare loops."""

    def run(seconds: float) -> Run:
        command = [sys.executable, "-m", "benchmarks.floors", operation]
        command += ["--orders", str(place.shop.orders), "--seconds", str(seconds)]
        with _lines_of_their_own(operation, place, LOOPS) as told_besides:
            loops = [
                subprocess.Popen(
                    [*command, "--seed", str(time.monotonic_ns() % 1_000_000 + number), *lines],
                    env=environment(place.url, gettempdir()),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
                for number, lines in enumerate(told_besides)
            ]
            for loop in loops:
                assert loop.stdout
                loop.stdout.readline()
            meter = Meter(None, place.postmaster)
            told = _released(loops)
            _, database, foreign = meter.read()
        calls = sum(one["calls"] for one in told)
        spent = sum(one["cpu_seconds"] for one in told)
        return Run(
            calls=int(calls),
            app_ms=1000 * spent / calls,
            database_ms=1000 * database / calls,
            foreign=foreign,
        )

    return Subject(name, run)


def _released(loops: Sequence["subprocess.Popen[str]"]) -> list[dict[str, float]]:
    """Let the loops run at the same time; what each printed."""
    for loop in loops:
        assert loop.stdin
        loop.stdin.write("go\n")
        loop.stdin.flush()
    return [json.loads(loop.communicate()[0]) for loop in loops]
