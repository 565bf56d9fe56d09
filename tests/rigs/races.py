"""Several clients at the same instant, each with its own database connection."""

from collections import Counter as Tally
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Self

from django.db import IntegrityError, OperationalError, connection

from takeback.core.errors import Refused

WON, CONSTRAINT = "won", "constraint"


class Clients:
    """Threads that start each round together; `with Clients(8) as clients:`."""

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(count)
        self._start = Barrier(count)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for _worker in range(self._start.parties):
            self._pool.submit(self._disconnect)
        self._pool.shutdown()

    def race(self, acts: Sequence[Callable[[], object]]) -> Tally[str]:
        """The outcomes of the acts: `won`, a refusal's code, `constraint` if the database itself
        refused, or the name of an error."""
        assert len(acts) == self._start.parties
        return Tally(self._pool.map(self._run, acts))

    def _run(self, act: Callable[[], object]) -> str:
        self._start.wait()
        try:
            act()
        except Refused as refused:
            return CONSTRAINT if refused.__cause__ else refused.problem.code
        except IntegrityError:
            return CONSTRAINT
        except OperationalError as error:
            return type(error.__cause__).__name__
        return WON

    def _disconnect(self) -> None:
        # All threads meet here, so that each closes its own connection.
        self._start.wait()
        connection.close()
