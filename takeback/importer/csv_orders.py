"""Imports a CSV file: groups its records into orders, and defers cancellations to the end."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from takeback.importer.cancellations import record_cancellations
from takeback.importer.mapping import Layout
from takeback.importer.report import (
    CUT_OFF,
    DUPLICATE,
    SAME_ORDER,
    Report,
    RowError,
    RowRefused,
    Summary,
    stray_row,
)
from takeback.importer.row_orders import ItemRow
from takeback.importer.rows import CANCELLATION, ORDER, RowParser
from takeback.importer.sources import CsvRows, Progress, Row, Unreadable, report_unreadable
from takeback.importer.temporary_files import DeferredRows, NumberIndex
from takeback.importer.trial import SampleOrder, writer_for
from takeback.importer.writer import SourceOrder
from takeback.orders.order_input import ITEMS_MAX, OrderIn

_NEGATIVE = RowError("negative", "a line of an order cannot be less than nothing")
_TOO_MANY_ITEMS = RowError("too_many_items", f"an order has at most {ITEMS_MAX:,} items")
_ADJUSTMENT = RowError("adjustment", "an adjustment is no order")


def import_csv(
    path: Path,
    layout: Layout,
    *,
    channel_id: int,
    report: Report,
    progress: Progress,
    samples: list[SampleOrder] | None = None,
) -> Summary:
    """Import the file; cancellations are matched after all of its orders.

    Those of a file that cannot be read to its end are left to the run that reads all of it. With
    `samples` it is a trial, which adds its first orders to them, writes nothing, and matches no
    cancellations.
    """
    summary = Summary()
    rows = CsvRows(
        path,
        encoding=layout.encoding,
        delimiter=layout.delimiter,
        needs_line_break=layout.final_line_break,
        progress=progress,
    )
    parser = RowParser(layout, rows.header)
    with closing(DeferredRows()) as deferred:
        groups = _Grouper(parser, deferred, report, summary).groups(rows)
        orders = _orders(groups, parser, report, summary)
        writer_for(channel_id, report, summary, samples).write_all(orders)
        if summary.broken is None and samples is None:
            record_cancellations(
                deferred, parser, channel_id=channel_id, report=report, summary=summary
            )
    return summary


@dataclass(slots=True)
class _Group:
    """The records of one order number; an error in one of them refuses all."""

    number: str
    rows: list[ItemRow] = field(default_factory=list)
    errors: list[tuple[int, RowError]] = field(default_factory=list)
    stray: int | None = None
    """The line of an unreadable record that may belong to this order."""
    known: dict[int, str] = field(default_factory=dict)
    """The values of the order's columns, for files that leave them empty in later rows."""

    def order(self, parser: RowParser, numbers: NumberIndex) -> OrderIn:
        """The order of the records, or `RowRefused`."""
        if not numbers.add(self.number):
            raise RowRefused(*DUPLICATE)
        if self.stray:
            raise RowRefused(*stray_row(self.stray))
        if not self.rows or self.errors:
            raise RowRefused(*SAME_ORDER)
        return parser.order(self.rows, self.known)

    def add(self, rows: Sequence[ItemRow]) -> RowError | None:
        """Add the items of a record; the result is the reason if they cannot be of an order."""
        for row in rows:
            if row.quantity < 0 or row.amount_minor < 0:
                return _NEGATIVE
        if len(self.rows) + len(rows) > ITEMS_MAX:
            return _TOO_MANY_ITEMS
        self.rows += rows
        return None

    def refuse(self, report: Report, error: RowError) -> None:
        """Report every record: invalid ones with their own error, the others with this one."""
        for line, own in sorted([(row.line, error) for row in self.rows] + self.errors):
            report.add(line, self.number, own)


def _orders(
    groups: Iterator[_Group], parser: RowParser, report: Report, summary: Summary
) -> Iterator[SourceOrder]:
    """The groups that are orders; the others are reported."""
    with closing(NumberIndex()) as numbers:
        for group in groups:
            try:
                order = group.order(parser, numbers)
            except RowRefused as refused:
                summary.refused += 1
                group.refuse(report, refused.error)
            else:
                yield SourceOrder(order, [row.line for row in group.rows])


class _StrayRow(NamedTuple):
    """An unreadable record that may belong to either of two orders."""

    line: int
    error: RowError


class _Grouper:
    """Groups adjacent records of one number into orders, and defers cancellations.

    An unreadable record with a number belongs to the order of that number. Without one it may
    belong to the order before it or to the one after it, and both are refused. The last order of a
    file that ends too early is refused, too. Records that cannot be part of an order are reported
    at once.
    """

    def __init__(
        self, parser: RowParser, deferred: DeferredRows, report: Report, summary: Summary
    ) -> None:
        self._parser = parser
        self._deferred = deferred
        self._report = report
        self._summary = summary
        self._group = _Group("")
        self._strays: list[_StrayRow] = []

    def groups(self, rows: Iterable[Row]) -> Iterator[_Group]:
        try:
            for row in rows:
                self._summary.lines += 1
                if complete := self._add(row):
                    yield complete
        except Unreadable as unreadable:
            if last := self._end_group(""):
                last.refuse(self._report, CUT_OFF)
            report_unreadable(unreadable, self._report, self._summary)
        if last := self._end_group(""):
            yield last

    def _add(self, row: Row) -> _Group | None:
        """Add a record; the result is the previous order if the record begins another."""
        fills_down = self._parser.fills_down
        number = self._number_or_last(row) if fills_down else self._parser.number(row.values)
        item_rows, error = self._parse(row, number)
        if error and not number:
            self._strays.append(_StrayRow(row.line, error))
            return None
        if not error and not item_rows:
            self._summary.skipped_lines += 1
            return None
        kind = self._parser.kind(number)
        if kind != ORDER:
            self._defer(row, number, kind, error)
            return None
        complete = self._end_group(number)
        if fills_down and row.fits:
            self._parser.fill(row.values, self._group.known)
        error = error or self._group.add(item_rows)
        if error:
            self._group.errors.append((row.line, error))
        return complete

    def _number_or_last(self, row: Row) -> str:
        """The number of the record, or that of the order before it if the file leaves it out."""
        number = self._parser.number(row.values)
        if row.fits and not self._strays:
            number = number or self._group.number
            if number and number == self._group.number:
                self._parser.fill(row.values, self._group.known)
        return number

    def _defer(self, row: Row, number: str, kind: str, error: RowError | None) -> None:
        """Defer a cancellation; an adjustment is only reported."""
        if kind == CANCELLATION:
            self._deferred.add(row.line, number, None if error else row.values)
        else:
            error = error or _ADJUSTMENT
        if error:
            self._report.add(row.line, number, error)

    def _parse(self, row: Row, number: str) -> tuple[list[ItemRow], RowError | None]:
        """The items of a record; none and no error if the mapping skips it."""
        if row.error:
            return [], row.error
        if self._parser.is_skipped(row.values):
            return [], None
        try:
            item_rows = self._parser.item_rows(row.line, number, row.values)
        except RowRefused as refused:
            return [], refused.error
        for item_row in item_rows:
            self._summary.totals[item_row.currency] += item_row.amount_minor
        return item_rows, None

    def _end_group(self, number: str) -> _Group | None:
        """Assign the stray rows before a record of `number`; the result is a complete order."""
        previous, last_stray = self._group, None
        for stray in self._strays:
            self._report.add(stray.line, None, stray.error)
            previous.stray = previous.stray or stray.line
            last_stray = stray.line
        self._strays.clear()
        if number == previous.number:
            return None
        self._group = _Group(number, stray=last_stray)
        return previous if previous.number else None
