"""Importing the lines of old orders, once the orders themselves are in."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from rest_framework.exceptions import ValidationError

from takeback.archive.commands import REFUSED, OldItemIn, write_items
from takeback.importer.field_errors import texts_of
from takeback.importer.number_index import SeenNumbers
from takeback.importer.old_order_serializers import ITEM_REQUIRED, old_item
from takeback.importer.queries import OldOrderKey, old_order_keys
from takeback.importer.report import SAME_ORDER, Fault, Report, RowRefused, Summary
from takeback.importer.sources import Document, Progress, Unreadable, records

BATCH = 500

_DUPLICATE = Fault("duplicate", "duplicate number: the file has had lines of this order before")
_OTHER_LINES = Fault("fixed", "the order has other lines already")
_NO_NUMBER = Fault("missing", "the record has no order_number")
_NO_ORDER = Fault("no_order", "there is no old order with this number")
_TWO_ORDERS = Fault("two_orders", "more than one customer has an old order with this number")
_CUT = Fault("truncated", "the file ends too early, perhaps within this order")


@dataclass(slots=True)
class _Group:
    """The lines of one order, which lie together in the file; with a fault none gets in."""

    number: str
    is_spoiled: bool = False
    documents: list[Document] = field(default_factory=list)
    items: list[OldItemIn] = field(default_factory=list)
    faults: dict[int, Fault] = field(default_factory=dict)

    def read(self, orders: Sequence[OldOrderKey], *, is_new: bool) -> OldOrderKey:
        """Read the lines in their order's currency; the order itself, or `RowRefused`."""
        if not is_new:
            raise RowRefused(*_DUPLICATE)
        if len(orders) != 1:
            raise RowRefused(*(_TWO_ORDERS if orders else _NO_ORDER))
        for document in self.documents:
            try:
                self.items.append(old_item(document.content, orders[0].currency))
            except ValidationError as error:
                self.faults[document.line] = Fault("fields", texts_of(error))
        if self.faults or self.is_spoiled:
            raise RowRefused(*SAME_ORDER)
        return orders[0]

    def refuse(self, report: Report, reason: Fault) -> None:
        """Report every line: for its own fault, or else for `reason`."""
        told = {document.line: reason for document in self.documents} | self.faults
        for line, fault in sorted(told.items()):
            report.add(line, self.number or None, fault)


def import_old_items(path: Path, *, channel_id: int, report: Report, progress: Progress) -> Summary:
    """Take in the file; the figures count the orders that got their lines."""
    summary = Summary()
    with closing(SeenNumbers()) as seen:
        groups = _groups(records(path, ITEM_REQUIRED, progress), report, summary)
        while batch := list(islice(groups, BATCH)):
            _write(batch, channel_id, seen, report, summary)
    return summary


def _write(
    batch: Sequence[_Group], channel_id: int, seen: SeenNumbers, report: Report, summary: Summary
) -> None:
    keys = old_order_keys(channel_id, {group.number for group in batch})
    ready: list[tuple[int, _Group]] = []
    for group in batch:
        try:
            order = group.read(keys.get(group.number, []), is_new=seen.is_new(group.number))
            ready.append((order.order_id, group))
        except RowRefused as refused:
            summary.count(REFUSED)
            group.refuse(report, refused.fault)
    answers = write_items([(order_id, group.items) for order_id, group in ready])
    for (_, group), answer in zip(ready, answers, strict=True):
        summary.count(answer)
        if answer == REFUSED:
            group.refuse(report, _OTHER_LINES)


def _groups(documents: Iterator[Document], report: Report, summary: Summary) -> Iterator[_Group]:
    """Runs of records with one order number.

    A record that cannot be read may belong to the order before it or to the one after it:
    neither gets its lines.
    """
    group, is_spoiled = _Group(""), False
    try:
        for document in documents:
            summary.lines += 1
            number = str(document.content.get("order_number", ""))
            if document.fault or not number:
                group.faults[document.line] = document.fault or _NO_NUMBER
                is_spoiled = True
                continue
            if number != group.number:
                yield from _filled(group)
                group = _Group(number, is_spoiled)
            is_spoiled = False
            group.documents.append(document)
    except Unreadable as error:
        summary.broken = error.fault
        group.refuse(report, _CUT)
        report.add(error.line, None, error.fault)
    else:
        yield from _filled(group)


def _filled(group: _Group) -> Iterator[_Group]:
    if group.documents or group.faults:
        yield group
