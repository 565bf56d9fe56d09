"""Where the orders of a file go: batch by batch into the database."""

from collections.abc import Sequence
from typing import NamedTuple

from django.db import DataError, IntegrityError

from takeback.core import clock
from takeback.importer.report import Fault, Report, Summary
from takeback.orders.commands.ingest import REFUSED, Outcome, Snapshots, ingest_orders
from takeback.orders.order_input import OrderIn

SOURCE = "import"
BATCH_LINES = 5_000
"""What a kill can lose, and how long others wait for the channel: a fraction of a second."""

DUPLICATE = Fault("duplicate", "duplicate number: the file has had this order before")


class Told(NamedTuple):
    """An order and the lines of the file that tell it."""

    order: OrderIn
    lines: Sequence[int]


class Intake:
    """Collects orders and writes them; the same number must not come twice."""

    def __init__(self, channel_id: int, report: Report, summary: Summary) -> None:
        self._channel_id = channel_id
        self._report = report
        self._summary = summary
        self._snapshots = Snapshots()
        self._batch: list[Told] = []
        self._size = 0

    def add(self, told: Told) -> None:
        """Take one more."""
        self._batch.append(told)
        self._size += len(told.order.items)
        if self._size >= BATCH_LINES:
            self.flush()

    def flush(self) -> None:
        """Write what has been collected."""
        batch, self._batch, self._size = self._batch, [], 0
        if batch:
            self._write(batch)

    def _write(self, batch: Sequence[Told]) -> None:
        """In one transaction; if the database itself refuses an order, the others go in."""
        try:
            outcomes = self._place(batch)
        except (DataError, IntegrityError):
            # What was learnt in the transaction is gone with it.
            self._snapshots = Snapshots()
            if len(batch) > 1:
                for told in batch:
                    self._write([told])
                return
            outcomes = [Outcome(batch[0].order.number, REFUSED, reason="refused by the database")]
        for told, outcome in zip(batch, outcomes, strict=True):
            self._account(told, outcome)

    def _place(self, batch: Sequence[Told]) -> list[Outcome]:
        return ingest_orders(
            self._channel_id,
            [told.order for told in batch],
            source=SOURCE,
            now=clock.now(),
            snapshots=self._snapshots,
        )

    def _account(self, told: Told, outcome: Outcome) -> None:
        self._summary.count(outcome.result)
        if outcome.result != REFUSED:
            self._summary.placed_lines += len(told.lines)
            return
        fault = Fault("fixed" if outcome.order_id else "totals", str(outcome.reason))
        for line in told.lines:
            self._report.add(line, outcome.number, fault)
