"""Items that a run cancels: chosen before the run, each used once, restored after it."""

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
"""The first reason of the loaded shop."""


@contextmanager
def cancellable_items(url: str, shop: Shop, *, clients: int) -> Iterator[list[Path]]:
    """A file of (item, customer) pairs for each client; the shop is restored at the end."""
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute(statements.CANCELLABLE_ITEMS).fetchall()
        items = [(item, shop.customer_of(number - int(number_of(0)))) for item, number in rows]
        Random(1).shuffle(items)
        with TemporaryDirectory(prefix="takeback-bench-") as folder:
            files = [Path(folder) / str(number) for number in range(clients)]
            for number, file in enumerate(files):
                file.write_text(json.dumps(items[number::clients]))
            yield files
        delete_new_cases(connection)


def read_items(file: Path) -> list[tuple[int, int]]:
    """The (item, customer) pairs of one client; threads may pop them from the end."""
    return [(item, customer) for item, customer in json.loads(file.read_text())]


def delete_new_cases(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    """Delete the cases that were opened since the shop was loaded."""
    with connection.transaction():
        connection.execute(statements.DELETE_NEW_CASES)
    connection.execute("DELETE FROM limits_counter WHERE key NOT LIKE 'earlier:%'")
    connection.execute("VACUUM cancellations_cancellationrequest, limits_counter")
