"""Records that lie together and make one order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from takeback.importer.deferred_rows import Aside
from takeback.importer.report import SAME_ORDER, Fault, Report, RowRefused, Summary
from takeback.importer.rows import CANCELLATION, ORDER, Line, Table
from takeback.importer.sources import Row, Unreadable

_NEGATIVE = Fault("negative", "a line of an order cannot be less than nothing")
_ADJUSTMENT = Fault("adjustment", "an adjustment is no order")
_CUT = Fault("truncated", "the file ends too early, perhaps within this order")


@dataclass(slots=True)
class Group:
    """The records of one number; with a fault among them none gets in."""

    number: str
    lines: list[Line] = field(default_factory=list)
    faults: list[tuple[int, Fault]] = field(default_factory=list)
    is_spoiled: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether every record of the order could be read."""
        return bool(self.lines) and not self.faults and not self.is_spoiled

    def refuse(self, report: Report, reason: Fault = SAME_ORDER) -> None:
        """Report every record: the faulty ones for their own fault, the others for `reason`."""
        told = [(line.line, reason) for line in self.lines] + self.faults
        for line, fault in sorted(told):
            report.add(line, self.number, fault)


class _Loose(NamedTuple):
    """A record of which nobody knows for sure which order it belongs to."""

    line: int
    number: str
    fault: Fault


class Grouping:
    """Cuts a file into orders: runs of records with one number, cancellations set aside.

    An unreadable record may belong to the order before it as well as to the one after it; if
    its number is neither's, both are spoiled. So is the last order of a file that ends too
    early. What can be no order is reported on the way.
    """

    def __init__(self, table: Table, aside: Aside, report: Report, summary: Summary) -> None:
        self._table = table
        self._aside = aside
        self._report = report
        self._summary = summary
        self._group = Group("")
        self._loose: list[_Loose] = []

    def groups(self, rows: Iterable[Row]) -> Iterator[Group]:
        """The orders of the file, in its order."""
        try:
            for row in rows:
                self._summary.lines += 1
                done = self._add(row)
                if done:
                    yield done
        except Unreadable as error:
            self._summary.broken = error.fault
            last = self._settle("")
            if last:
                last.refuse(self._report, _CUT)
            self._report.add(error.line, None, error.fault)
            return
        last = self._settle("")
        if last:
            yield last

    def _add(self, row: Row) -> Group | None:
        """Take in one record; gives the order before it if this begins another."""
        number = self._table.number(row.values)
        line, fault = self._read(row, number)
        if fault and not (row.fits and number):
            self._loose.append(_Loose(row.line, number, fault))
            return None
        kind = self._table.kind(number)
        if kind != ORDER:
            self._set_aside(row, number, kind, fault)
            return None
        done = self._settle(number)
        if line and (line.quantity < 0 or line.worth < 0):
            fault = _NEGATIVE
        if fault:
            self._group.faults.append((row.line, fault))
        elif line:
            self._group.lines.append(line)
        return done

    def _set_aside(self, row: Row, number: str, kind: str, fault: Fault | None) -> None:
        """What is no order: cancellations wait for the end of the file."""
        if kind == CANCELLATION:
            self._aside.add(row.line, number, None if fault else row.values)
        else:
            fault = fault or _ADJUSTMENT
        if fault:
            self._report.add(row.line, number, fault)

    def _read(self, row: Row, number: str) -> tuple[Line | None, Fault | None]:
        if row.fault:
            return None, row.fault
        try:
            line = self._table.line(row.line, number, row.values)
        except RowRefused as refused:
            return None, refused.fault
        self._summary.worth[line.currency] += line.worth
        return line, None

    def _settle(self, number: str) -> Group | None:
        """A record of `number` comes next: where do loose ones belong, is the order at its end?"""
        before, is_spoiled = self._group, False
        for loose in self._loose:
            self._report.add(loose.line, loose.number or None, loose.fault)
            is_of_next = bool(loose.number) and loose.number == number != before.number
            before.is_spoiled |= not is_of_next
            is_spoiled |= loose.number != before.number
        self._loose.clear()
        if number == before.number:
            return None
        self._group = Group(number, is_spoiled=is_spoiled)
        return before if before.number else None
