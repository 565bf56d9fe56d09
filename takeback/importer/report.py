"""What an import has to say: one line per row that did not get in, and the figures at the end."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self


class Fault(NamedTuple):
    """Why a row is not taken in: a code that never changes and a sentence."""

    code: str
    reason: str


class RowRefused(Exception):
    """A row, or a whole order, cannot be taken in."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.fault = Fault(code, reason)


SAME_ORDER = Fault("order_refused", "another line of this order was refused")


class Report:
    """A file of JSON Lines, `{"line", "number", "code", "reason"}`, in the order of finding."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counts: Counter[str] = Counter()
        path.parent.mkdir(parents=True, exist_ok=True)
        # Numbers are quoted as they were found, even from a file in another encoding.
        self._file = path.open("w", encoding="utf-8", errors="backslashreplace")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, line: int, number: str | None, fault: Fault) -> None:
        """One row that did not get in; lines count from one."""
        self.counts[fault.code] += 1
        entry = {"line": line, "number": number, "code": fault.code, "reason": fault.reason}
        self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")

    @property
    def total(self) -> int:
        """How many rows were reported."""
        return self.counts.total()


@dataclass(slots=True)
class Summary:
    """The figures of one run; `lines` are the file's rows without its header."""

    lines: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    placed_lines: int = 0
    """Lines of orders that are in."""
    undone_lines: int = 0
    """Lines of cancellations that found all their units."""
    requests: int = 0
    """Completed requests that these lines stand for, now or since an earlier run."""
    worth: Counter[str] = field(default_factory=Counter)
    """Minor units by currency: all readable lines with their signs, a total to check against."""
    broken: Fault | None = None
    """The file could not be read to its end."""

    def count(self, result: str) -> None:
        """One more order that was `created`, `updated`, `unchanged` or `refused`."""
        setattr(self, result, getattr(self, result) + 1)
