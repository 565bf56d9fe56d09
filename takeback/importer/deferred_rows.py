"""Cancelled lines wait until all orders of their file are in, however many they are."""

import json
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import NamedTuple, Self

from takeback.importer.mapping import Values

_IN_MEMORY = 4_194_304


class Cancelled(NamedTuple):
    """A record of a cancellation; `place` counts those that lie together under its number."""

    line: int
    number: str
    place: int
    values: Values


class Aside:
    """Records that are looked at later, in their order; a large pile lies on disk."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed in __exit__
            _IN_MEMORY, "w+", encoding="utf-8"
        )
        self._number, self._place = "", 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, line: int, number: str, values: Values | None) -> None:
        """One more; without values it only keeps its place, being reported already."""
        self._place = self._place + 1 if number == self._number else 1
        self._number = number
        if values is not None:
            self._file.write(json.dumps([line, number, self._place, values]) + "\n")

    def __iter__(self) -> Iterator[Cancelled]:
        self._file.seek(0)
        return (Cancelled(*json.loads(record)) for record in self._file)
