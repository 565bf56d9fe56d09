"""Writes the orders of a file to the database, in batches."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import DataError, IntegrityError

from takeback.core import clock
from takeback.importer.report import Report, RowError, Summary
from takeback.orders.commands.ingest import REFUSED, Outcome, ingest_orders
from takeback.orders.commands.store_snapshots import Snapshots
from takeback.orders.order_input import OrderIn
from takeback.orders.order_rows import IMPORT

_CONTRADICTION = 406
BATCH_LINES = 5_000
"""A killed import loses one batch at most. A batch locks its channel for less than a second."""


class SourceOrder(NamedTuple):
    """An order and its lines in the file."""

    order: OrderIn
    lines: Sequence[int]


class OrderWriter:
    """Writes orders in batches. It must not receive the same number twice."""

    def __init__(self, channel_id: int, report: Report, summary: Summary) -> None:
        self._channel_id = channel_id
        self._report = report
        self._summary = summary
        self._snapshots = Snapshots()

    def write_all(self, orders: Iterable[SourceOrder]) -> None:
        """Write the orders, and count and report the outcome of each."""
        batch: list[SourceOrder] = []
        size = 0
        for source in orders:
            batch.append(source)
            size += len(source.order.items)
            if size >= BATCH_LINES:
                self._write(batch)
                batch, size = [], 0
        if batch:
            self._write(batch)

    def _write(self, batch: Sequence[SourceOrder]) -> None:
        """Write a batch in one transaction, or order by order if the database refuses one."""
        try:
            outcomes = ingest_orders(
                self._channel_id,
                [source.order for source in batch],
                source=IMPORT,
                now=clock.now(),
                snapshots=self._snapshots,
            )
        except (DataError, IntegrityError):
            # Ids of snapshots that this transaction added are invalid now.
            self._snapshots = Snapshots()
            if len(batch) > 1:
                for source in batch:
                    self._write([source])
                return
            outcomes = [Outcome(batch[0].order.number, REFUSED, reason="refused by the database")]
        for source, outcome in zip(batch, outcomes, strict=True):
            self._count(source, outcome)

    def _count(self, source: SourceOrder, outcome: Outcome) -> None:
        self._summary.count(outcome.result)
        self._summary.skipped.update(outcome.skipped)
        if outcome.result == REFUSED:
            for line in source.lines:
                self._report.add(line, outcome.number, _row_error(outcome))


def _row_error(outcome: Outcome) -> RowError:
    """Why an order is refused; `fixed`: it contradicts the stored one."""
    if not outcome.refused:
        return RowError("totals", str(outcome.reason))
    is_fixed = any(problem.status == _CONTRADICTION for problem in outcome.refused.values())
    reasons = (f"{path}: {problem.message}" for path, problem in outcome.refused.items())
    return RowError("fixed" if is_fixed else "fields", "; ".join(reasons))
