"""Cancelled invoices of a file become completed requests on the lines they undo."""

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import NamedTuple

from django.db import transaction

from takeback.accounts.models import Channel
from takeback.cancellations.commands.import_completed import (
    Completed,
    imported_reason,
    record_completed,
)
from takeback.core import clock
from takeback.core.types import ItemId
from takeback.importer.deferred_rows import Aside
from takeback.importer.matching import SoldLines
from takeback.importer.number_index import SeenNumbers
from takeback.importer.queries import recorded_units, sold_lines, user_ids
from takeback.importer.report import Fault, Report, RowRefused, Summary
from takeback.importer.rows import Reversal, Table

BATCH_LINES = 1_000

_DUPLICATE = Fault("duplicate", "duplicate number: the file has had this cancellation before")
_UNMATCHED = Fault("unmatched", "no earlier line of this customer has units left to cancel")


class _Told(NamedTuple):
    """A cancelled line; its remote id stays the same however often the file is read."""

    remote_id: str
    reversal: Reversal


def undo(aside: Aside, table: Table, *, channel_id: int, report: Report, summary: Summary) -> None:
    """Match the file's cancelled lines, in its order, and write what they undo."""
    told = _told(aside, table, report)
    while batch := list(islice(told, BATCH_LINES)):
        _record(channel_id, batch, report, summary)


def _told(aside: Aside, table: Table, report: Report) -> Iterator[_Told]:
    with closing(SeenNumbers()) as seen:
        is_new = True
        for line, number, place, values in aside:
            if place == 1:
                is_new = seen.is_new(number)
            if not is_new:
                report.add(line, number, _DUPLICATE)
                continue
            try:
                reversal = table.reversal(table.line(line, number, values))
            except RowRefused as refused:
                report.add(line, number, refused.fault)
            else:
                yield _Told(f"{number}/{place}", reversal)


def _record(channel_id: int, batch: list[_Told], report: Report, summary: Summary) -> None:
    """Match and write one batch, in one transaction."""
    with transaction.atomic():
        Channel.objects.select_for_update(no_key=True).get(pk=channel_id)
        users = user_ids(channel_id, [told.reversal.customer for told in batch])
        known = recorded_units(users.values(), {told.remote_id for told in batch})
        lines = SoldLines(sold_lines(users.values(), {told.reversal.sku for told in batch}))
        new: list[Completed] = []
        for remote_id, reversal in batch:
            units = known.get(remote_id, [])
            if not units:
                taken = lines.take(users.get(reversal.customer.key()), reversal)
                new += [
                    Completed(ItemId(item), count, remote_id, reversal.at) for item, count in taken
                ]
                units = [count for _, count in taken]
            _account(reversal, units, report, summary)
        if new:
            record_completed(channel_id, new, reason_id=imported_reason(), now=clock.now())


def _account(reversal: Reversal, units: list[int], report: Report, summary: Summary) -> None:
    summary.requests += len(units)
    found = sum(units)
    if found == reversal.units:
        summary.undone_lines += 1
    elif found:
        reason = f"only {found} of {reversal.units} units could be matched"
        report.add(reversal.line, reversal.number, Fault("partly_matched", reason))
    else:
        report.add(reversal.line, reversal.number, _UNMATCHED)
