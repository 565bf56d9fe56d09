"""Temporary files of an import: order numbers that were read, and rows that wait for the end."""

import json
import sqlite3
import tempfile
from collections.abc import Iterator
from typing import NamedTuple

from takeback.importer.columns import Values

_IN_MEMORY_MAX = 4_194_304


class NumberIndex:
    """A set of order numbers that only grows, in a file that is deleted when it is closed."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")  # an empty name: a private temporary file
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute("CREATE TABLE numbers (number TEXT PRIMARY KEY) WITHOUT ROWID")

    def add(self, number: str) -> bool:
        """Add the number; False if the index has it already."""
        added = self._database.execute("INSERT OR IGNORE INTO numbers VALUES (?)", [number])
        return added.rowcount == 1

    def close(self) -> None:
        self._database.close()


class CancelledRow(NamedTuple):
    """A record of a cancellation; `position` is its place among adjacent records of its number."""

    line: int
    number: str
    position: int
    values: Values


class DeferredRows:
    """Records that are processed after all orders, in their order; many of them are on disk."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed by `close`
            _IN_MEMORY_MAX, "w+", encoding="utf-8"
        )
        self._number, self._position = "", 0

    def add(self, line: int, number: str, values: Values | None) -> None:
        """Add a record; without values it is reported already and only counts as a position."""
        self._position = self._position + 1 if number == self._number else 1
        self._number = number
        if values is not None:
            self._file.write(json.dumps([line, number, self._position, values]) + "\n")

    def __iter__(self) -> Iterator[CancelledRow]:
        self._file.seek(0)
        return (CancelledRow(*json.loads(record)) for record in self._file)

    def close(self) -> None:
        self._file.close()
