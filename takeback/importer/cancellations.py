"""Records the cancelled invoices of a file as completed cases of the items that they cancel."""

from collections.abc import Iterator
from contextlib import closing
from itertools import islice

from django.db import transaction

from takeback.accounts.models import Channel
from takeback.cancellations.commands.import_completed import (
    CompletedCase,
    get_or_create_imported_reason,
    record_completed,
)
from takeback.core import clock
from takeback.core.ids import ItemId
from takeback.importer.matching import SoldItems
from takeback.importer.queries import recorded_units, sold_items, user_ids
from takeback.importer.report import Report, RowError, RowRefused, Summary
from takeback.importer.rows import Reversal, RowParser
from takeback.importer.temporary_files import DeferredRows, NumberIndex

BATCH_LINES = 1_000

_DUPLICATE = RowError("duplicate", "duplicate number: the file has had this cancellation before")
_UNMATCHED = RowError("unmatched", "no earlier line of this customer has units left to cancel")


_Cancellation = tuple[str, Reversal]
"""A cancelled line of the file, and its remote id, which is the same in every run."""


def record_cancellations(
    deferred: DeferredRows, parser: RowParser, *, channel_id: int, report: Report, summary: Summary
) -> None:
    """Match the cancelled lines of the file, in its order, and write the cases."""
    cancellations = _parsed(deferred, parser, report)
    while batch := list(islice(cancellations, BATCH_LINES)):
        _record(channel_id, batch, report, summary)


def _parsed(deferred: DeferredRows, parser: RowParser, report: Report) -> Iterator[_Cancellation]:
    with closing(NumberIndex()) as numbers:
        is_new = True
        for line, number, position, values in deferred:
            if position == 1:
                is_new = numbers.add(number)
            if not is_new:
                report.add(line, number, _DUPLICATE)
                continue
            try:
                reversal = parser.reversal(parser.item_row(line, number, values))
            except RowRefused as refused:
                report.add(line, number, refused.error)
            else:
                yield f"{number}/{position}", reversal


def _record(channel_id: int, batch: list[_Cancellation], report: Report, summary: Summary) -> None:
    """Match and write a batch, in one transaction."""
    with transaction.atomic():
        Channel.objects.select_for_update(no_key=True).get(pk=channel_id)
        users = user_ids(channel_id, [reversal.customer for _, reversal in batch])
        recorded = recorded_units(users.values(), {remote_id for remote_id, _ in batch})
        items = SoldItems(sold_items(users.values(), {reversal.sku for _, reversal in batch}))
        new: list[CompletedCase] = []
        for remote_id, reversal in batch:
            units = recorded.get(remote_id, [])
            if not units:
                taken = items.take(users.get(reversal.customer.key()), reversal)
                new += [
                    CompletedCase(ItemId(item), count, remote_id, reversal.at)
                    for item, count in taken
                ]
                units = [count for _, count in taken]
            _count(reversal, units, report, summary)
        if new:
            record_completed(
                channel_id, new, reason_id=get_or_create_imported_reason(), now=clock.now()
            )


def _count(reversal: Reversal, units: list[int], report: Report, summary: Summary) -> None:
    summary.cases += len(units)
    matched = sum(units)
    if matched == reversal.units:
        summary.matched_lines += 1
        return
    reason = f"only {matched} of {reversal.units} units could be matched"
    error = RowError("partly_matched", reason) if matched else _UNMATCHED
    report.add(reversal.line, reversal.number, error)
