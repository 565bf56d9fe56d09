"""Lines to ask for: chosen before a run, each asked for once, and forgotten after it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import psycopg

from benchmarks import statements
from benchmarks.shop import Shop, number_of

REASON = 1
"""The loaded shop's first reason."""


@contextmanager
def askable(url: str, shop: Shop, *, callers: int) -> Iterator[list[Path]]:
    """A file of (line, customer) pairs for each caller; the shop is as before at the end."""
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute(statements.ASKABLE).fetchall()
        pairs = [(item, shop.customer_of(number - int(number_of(0)))) for item, number in rows]
        Random(1).shuffle(pairs)
        with TemporaryDirectory(prefix="takeback-bench-") as folder:
            files = [Path(folder) / str(caller) for caller in range(callers)]
            for caller, file in enumerate(files):
                file.write_text(json.dumps(pairs[caller::callers]))
            yield files
        forget(connection)


def pairs_in(file: Path) -> list[tuple[int, int]]:
    """The pairs that a caller may use, to be taken from the end; `pop` is safe among threads."""
    return [(item, customer) for item, customer in json.loads(file.read_text())]


def forget(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    """Remove what was asked since the shop was loaded."""
    with connection.transaction():
        connection.execute(statements.FORGET_ASKED)
    connection.execute("DELETE FROM limits_counter WHERE key NOT LIKE 'earlier:%'")
    connection.execute("VACUUM cancellations_cancellationrequest, limits_counter")
