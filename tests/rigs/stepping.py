"""Sessions of PostgreSQL that run one statement at a time, in an order that a seed decides."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from enum import Enum
from random import Random
from threading import Condition
from typing import Any, Final, Self

import psycopg
from django.db import Error, connection

from takeback.core.errors import Refused
from tests.rigs.serving import database_url

WON: Final = "won"
_POLL_SECONDS: Final = 0.001
_MAX_STEPS: Final = 20_000


class _State(Enum):
    """`RUNNING`: in a statement, or on the way to the next one."""

    PAUSED = 1
    RUNNING = 2
    OVER = 3


class RefusedByApi(Exception):
    """A request of an act was refused; the text is the code."""


class Endless(Exception):
    """The sessions do not come to an end."""


class Sessions:
    """Threads with a connection each; `with Sessions(2) as sessions:`.

    A session that waits for a lock of another one is passed over until it has the lock: the
    database knows which ones wait, so that no time has to be waited for. Triggers can be off: some
    of them write rows of others, which locks these.
    """

    def __init__(self, count: int, *, has_triggers: bool = True) -> None:
        self._count, self._has_triggers = count, has_triggers
        self._pools = [ThreadPoolExecutor(1) for _ in range(count)]
        self._changed = Condition()
        self._states = [_State.OVER] * count
        self._pids = [0] * count
        self._turn: int | None = None
        self._monitor: Any = None
        self.trace: list[int] = []
        """The sessions in the order of their statements, of the last run."""

    def __enter__(self) -> Self:
        self._monitor = psycopg.connect(database_url(), autocommit=True)
        for number, pool in enumerate(self._pools):
            self._pids[number] = pool.submit(_connect, has_triggers=self._has_triggers).result()
        return self

    def __exit__(self, *_: object) -> None:
        for pool in self._pools:
            pool.submit(_disconnect).result()
            pool.shutdown()
        self._monitor.close()

    def run(self, acts: Sequence[Callable[[], object]], dice: Random) -> list[str]:
        """The outcomes of acts that run interleaved: `won`, a refusal's code, or an error."""
        assert len(acts) == self._count
        self._states = [_State.RUNNING] * self._count
        self._turn, self.trace = None, []
        # How readily another session takes over.
        change = dice.choice((0.02, 0.1, 0.5, 1.0))
        results = [
            pool.submit(self._run, number, act)
            for number, (pool, act) in enumerate(zip(self._pools, acts, strict=True))
        ]
        current: int | None = None
        while paused := self._paused():
            if current not in paused or dice.random() < change:
                current = dice.choice(paused)
            self.trace.append(current)
            if len(self.trace) > _MAX_STEPS:
                raise Endless
            with self._changed:
                self._turn = current
                self._states[current] = _State.RUNNING
                self._changed.notify_all()
        return [result.result() for result in results]

    def _paused(self) -> list[int]:
        """The sessions that wait for their turn, when all others wait for locks or are over.

        Empty when all are over.
        """
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: _State.RUNNING not in self._states, timeout=_POLL_SECONDS
                )
                states = list(self._states)
            running = [number for number, state in enumerate(states) if state is _State.RUNNING]
            paused = [number for number, state in enumerate(states) if state is _State.PAUSED]
            if not running:
                return paused
            if paused and self._are_waiting(running) and states == self._states:
                return paused

    def _are_waiting(self, sessions: Sequence[int]) -> bool:
        """Whether all of these sessions wait for locks."""
        rows = self._monitor.execute("SELECT pid FROM pg_locks WHERE NOT granted").fetchall()
        return {self._pids[number] for number in sessions} <= {pid for (pid,) in rows}

    def _run(self, number: int, act: Callable[[], object]) -> str:
        def step(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            self._pause(number)
            return execute(sql, params, many, context)

        try:
            with connection.execute_wrapper(step):
                act()
        except Refused as refused:
            return refused.problem.code
        except RefusedByApi as refused:
            return str(refused)
        except Error as error:
            with suppress(Error):
                connection.rollback()
            return type(error.__cause__ or error).__name__
        else:
            return WON
        finally:
            self._become(number, _State.OVER)

    def _pause(self, number: int) -> None:
        with self._changed:
            self._states[number] = _State.PAUSED
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._turn == number)
            self._turn = None

    def _become(self, number: int, state: _State) -> None:
        with self._changed:
            self._states[number] = state
            self._changed.notify_all()


def _connect(*, has_triggers: bool) -> int:
    """Connect this thread and return its process at the server; deadlocks end soon."""
    with connection.cursor() as cursor:
        if not has_triggers:
            cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET deadlock_timeout = '20ms'")
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _disconnect() -> None:
    connection.close()
