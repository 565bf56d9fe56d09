"""Importing the orders of a system that is gone."""

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from rest_framework.exceptions import ValidationError

from takeback.archive.commands import REFUSED, OldOrderIn, write_orders
from takeback.importer.field_errors import texts_of
from takeback.importer.number_index import SeenNumbers
from takeback.importer.old_order_serializers import ORDER_REQUIRED, old_order
from takeback.importer.report import Fault, Report, RowRefused, Summary
from takeback.importer.sources import Document, Progress, Unreadable, records

BATCH = 1_000

_DUPLICATE = Fault("duplicate", "duplicate number: the file has had this order before")


class _Told(NamedTuple):
    line: int
    order: OldOrderIn


def import_old_orders(
    path: Path, *, channel_id: int, report: Report, progress: Progress
) -> Summary:
    """Take in the file; customers whom the channel does not know yet are added."""
    summary = Summary()
    told = _told(records(path, ORDER_REQUIRED, progress), report, summary)
    while batch := list(islice(told, BATCH)):
        answers = write_orders(channel_id, [order for _, order in batch])
        for (line, order), answer in zip(batch, answers, strict=True):
            summary.count(answer)
            if answer == REFUSED:
                report.add(line, order.number, _DUPLICATE)
    return summary


def _told(documents: Iterator[Document], report: Report, summary: Summary) -> Iterator[_Told]:
    with closing(SeenNumbers()) as seen:
        try:
            for document in documents:
                summary.lines += 1
                try:
                    yield _Told(document.line, _order(document, seen))
                except RowRefused as refused:
                    summary.count(REFUSED)
                    number = document.content.get("number")
                    report.add(document.line, number and str(number), refused.fault)
        except Unreadable as error:
            summary.broken = error.fault
            report.add(error.line, None, error.fault)


def _order(document: Document, seen: SeenNumbers) -> OldOrderIn:
    if document.fault:
        raise RowRefused(*document.fault)
    try:
        order = old_order(document.content)
    except ValidationError as error:
        raise RowRefused("fields", texts_of(error)) from error
    if not seen.is_new(f"{order.customer.channel_code}\0{order.number}"):
        raise RowRefused(*_DUPLICATE)
    return order
