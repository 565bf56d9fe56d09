"""The result of an import: its counts, and a report of each row that is not imported."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from rest_framework.exceptions import ValidationError


class RowError(NamedTuple):
    """Why a row is not imported: a code that never changes and a sentence."""

    code: str
    reason: str


class RowRefused(Exception):
    """A row, or a whole order, is not imported."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.error = RowError(code, reason)


SAME_ORDER = RowError("order_refused", "another line of this order was refused")
DUPLICATE = RowError("duplicate", "duplicate number: the file has had this order before")


def stray_row(line: int) -> RowError:
    """The reason of an order that an unreadable record may belong to."""
    reason = f"line {line} is not readable and may belong to this order"
    return RowError(SAME_ORDER.code, reason)


CUT_OFF = RowError("truncated", "the file ends too early, perhaps within this order")


def invalid_fields(error: "ValidationError") -> RowRefused:
    """A refusal that names each invalid field with its first message: `amount: …; number: …`."""
    detail: dict[str, list[str]] = error.detail  # type: ignore[assignment]  # flat, by construction
    return RowRefused("fields", "; ".join(f"{name}: {detail[name][0]}" for name in detail))


class Report:
    """A file of JSON Lines, `{"line", "number", "code", "reason"}`, in the order of discovery."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counts: Counter[str] = Counter()
        self.first_reasons: dict[str, str] = {}
        """For each code, the first line and its reason."""
        path.parent.mkdir(parents=True, exist_ok=True)
        # Numbers are quoted as the file has them, even from a file in another encoding.
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

    def add(self, line: int, number: str | None, error: RowError) -> None:
        """Report one row; lines count from 1."""
        self.counts[error.code] += 1
        self.first_reasons.setdefault(error.code, f"line {line}: {error.reason}")
        entry = {"line": line, "number": number, "code": error.code, "reason": error.reason}
        self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")

    @property
    def total(self) -> int:
        return self.counts.total()


@dataclass(slots=True)
class Summary:
    """The counts of one run; `lines` are the file's rows without its header."""

    lines: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    """Received fields that changed nothing in a stored order, by their paths."""
    skipped_lines: int = 0
    """Lines that the mapping skips."""
    matched_lines: int = 0
    """Lines of cancellations whose units were all found."""
    cases: int = 0
    """Completed cases that these lines stand for, of this run or an earlier one."""
    totals: Counter[str] = field(default_factory=Counter)
    """Minor units by currency: all readable lines with their signs, as a control total."""
    broken: RowError | None = None
    """Why the file could not be read to its end."""

    def count(self, result: str) -> None:
        """Count an order that was `created`, `updated`, `unchanged` or `refused`."""
        setattr(self, result, getattr(self, result) + 1)
