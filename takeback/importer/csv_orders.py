"""Importing a CSV file of orders: in batches, whole orders only, as often as you like."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from takeback.importer.cancellations import undo
from takeback.importer.deferred_rows import Aside
from takeback.importer.grouping import Group, Grouping
from takeback.importer.mapping import Layout
from takeback.importer.number_index import SeenNumbers
from takeback.importer.report import SAME_ORDER, Report, RowRefused, Summary
from takeback.importer.rows import Table
from takeback.importer.sources import CsvRows, Progress
from takeback.importer.writer import DUPLICATE, Intake, Told
from takeback.orders.order_input import OrderIn


def import_csv(
    path: Path, layout: Layout, *, channel_id: int, report: Report, progress: Progress
) -> Summary:
    """Take in the file; cancellations are matched once all its orders are in.

    Those of a file that breaks off are left for the run that gets the whole one.
    """
    summary = Summary()
    intake = Intake(channel_id, report, summary)
    rows = CsvRows(path, encoding=layout.encoding, delimiter=layout.delimiter, progress=progress)
    table = Table(layout, rows.header)
    with Aside() as aside:
        groups = Grouping(table, aside, report, summary).groups(rows)
        for told in _told(groups, table, report, summary):
            intake.add(told)
        intake.flush()
        if summary.broken is None:
            undo(aside, table, channel_id=channel_id, report=report, summary=summary)
    return summary


def _told(
    groups: Iterator[Group], table: Table, report: Report, summary: Summary
) -> Iterator[Told]:
    """The groups that are orders; the others are reported."""
    with closing(SeenNumbers()) as seen:
        for group in groups:
            try:
                order = _order(group, table, seen)
            except RowRefused as refused:
                summary.refused += 1
                group.refuse(report, refused.fault)
            else:
                yield Told(order, [line.line for line in group.lines])


def _order(group: Group, table: Table, seen: SeenNumbers) -> OrderIn:
    if not seen.is_new(group.number):
        raise RowRefused(*DUPLICATE)
    if not group.is_whole:
        raise RowRefused(*SAME_ORDER)
    return table.order(group.lines)
