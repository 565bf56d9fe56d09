"""Imports orders of a previous system, and their items: history that customers can only read."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from rest_framework.exceptions import ValidationError

from takeback.archive.commands import REFUSED, OldItemIn, OldOrderIn, write_items, write_orders
from takeback.importer.old_order_serializers import (
    ITEM_REQUIRED,
    ORDER_REQUIRED,
    old_item,
    old_order,
)
from takeback.importer.queries import OldOrderKey, old_order_keys
from takeback.importer.report import (
    CUT_OFF,
    DUPLICATE,
    SAME_ORDER,
    Report,
    RowError,
    RowRefused,
    Summary,
    invalid_fields,
)
from takeback.importer.sources import (
    Document,
    Progress,
    Unreadable,
    records,
    report_unreadable,
    until_unreadable,
)
from takeback.importer.temporary_files import NumberIndex

BATCH_ORDERS = 1_000
BATCH_GROUPS = 500

_SECOND_GROUP = RowError(
    "duplicate", "duplicate number: the file has had lines of this order before"
)
_OTHER_ITEMS = RowError("fixed", "the order has other lines already")
_NO_NUMBER = RowError("missing", "the record has no order_number")
_NO_ORDER = RowError("no_order", "there is no old order with this number")
_TWO_ORDERS = RowError("two_orders", "more than one customer has an old order with this number")


def import_old_orders(
    path: Path, *, channel_id: int, report: Report, progress: Progress
) -> Summary:
    """Import the file. Customers that are new to the channel are added."""
    summary = Summary()
    documents = until_unreadable(records(path, ORDER_REQUIRED, progress), report, summary)
    orders = _orders(documents, report, summary)
    while batch := list(islice(orders, BATCH_ORDERS)):
        results = write_orders(channel_id, [order for _, order in batch])
        for (line, order), result in zip(batch, results, strict=True):
            summary.count(result)
            if result == REFUSED:
                report.add(line, order.number, DUPLICATE)
    return summary


def _orders(
    documents: Iterable[Document], report: Report, summary: Summary
) -> Iterator[tuple[int, OldOrderIn]]:
    """The valid orders, each with its line; the others are reported."""
    with closing(NumberIndex()) as numbers:
        for document in documents:
            try:
                yield document.line, _order(document, numbers)
            except RowRefused as refused:
                summary.count(REFUSED)
                number = document.content.get("number")
                report.add(document.line, number and str(number), refused.error)


def _order(document: Document, numbers: NumberIndex) -> OldOrderIn:
    if document.error:
        raise RowRefused(*document.error)
    try:
        order = old_order(document.content)
    except ValidationError as error:
        raise invalid_fields(error) from error
    if not numbers.add(f"{order.customer.channel_code}\0{order.number}"):
        raise RowRefused(*DUPLICATE)
    return order


@dataclass(slots=True)
class _Group:
    """The adjacent records of one order's items; an error in one of them refuses all."""

    number: str
    is_incomplete: bool = False
    documents: list[Document] = field(default_factory=list)
    items: list[OldItemIn] = field(default_factory=list)
    errors: dict[int, RowError] = field(default_factory=dict)

    def parse(self, orders: Sequence[OldOrderKey], *, is_new: bool) -> OldOrderKey:
        """Parse the items in their order's currency; the result is the order, or `RowRefused`."""
        if not is_new:
            raise RowRefused(*_SECOND_GROUP)
        if len(orders) != 1:
            raise RowRefused(*(_TWO_ORDERS if orders else _NO_ORDER))
        for document in self.documents:
            try:
                self.items.append(old_item(document.content, orders[0].currency))
            except ValidationError as error:
                self.errors[document.line] = invalid_fields(error).error
        if self.errors or self.is_incomplete:
            raise RowRefused(*SAME_ORDER)
        return orders[0]

    def refuse(self, report: Report, error: RowError) -> None:
        """Report every record: invalid ones with their own error, the others with this one."""
        errors = {document.line: error for document in self.documents} | self.errors
        for line, own in sorted(errors.items()):
            report.add(line, self.number or None, own)


def import_old_items(path: Path, *, channel_id: int, report: Report, progress: Progress) -> Summary:
    """Import the items of old orders; the summary counts orders."""
    summary = Summary()
    with closing(NumberIndex()) as numbers:
        groups = _groups(records(path, ITEM_REQUIRED, progress), report, summary)
        while batch := list(islice(groups, BATCH_GROUPS)):
            _write(batch, channel_id, numbers, report, summary)
    return summary


def _write(
    batch: Sequence[_Group], channel_id: int, numbers: NumberIndex, report: Report, summary: Summary
) -> None:
    keys = old_order_keys(channel_id, {group.number for group in batch})
    valid: list[tuple[int, _Group]] = []
    for group in batch:
        try:
            order = group.parse(keys.get(group.number, []), is_new=numbers.add(group.number))
            valid.append((order.order_id, group))
        except RowRefused as refused:
            summary.count(REFUSED)
            group.refuse(report, refused.error)
    results = write_items([(order_id, group.items) for order_id, group in valid])
    for (_, group), result in zip(valid, results, strict=True):
        summary.count(result)
        if result == REFUSED:
            group.refuse(report, _OTHER_ITEMS)


def _groups(documents: Iterator[Document], report: Report, summary: Summary) -> Iterator[_Group]:
    """Adjacent records of one order number.

    An unreadable record may belong to the order before it or to the one after it: the items of
    neither are imported.
    """
    group, is_incomplete = _Group(""), False
    try:
        for document in documents:
            summary.lines += 1
            number = str(document.content.get("order_number", ""))
            if document.error or not number:
                group.errors[document.line] = document.error or _NO_NUMBER
                is_incomplete = True
                continue
            if number != group.number:
                if group.documents or group.errors:
                    yield group
                group = _Group(number, is_incomplete)
            is_incomplete = False
            group.documents.append(document)
    except Unreadable as unreadable:
        group.refuse(report, CUT_OFF)
        report_unreadable(unreadable, report, summary)
        return
    if group.documents or group.errors:
        yield group
