"""Importing JSON Lines: on each line one order, as the channel API takes it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from rest_framework.exceptions import ValidationError

from takeback.api.order_payload.serializers import order_from
from takeback.importer.field_errors import texts_of
from takeback.importer.number_index import SeenNumbers
from takeback.importer.report import Report, RowRefused, Summary
from takeback.importer.sources import Document, Progress, Unreadable, json_lines
from takeback.importer.writer import DUPLICATE, Intake, Told
from takeback.orders.order_input import OrderIn


def import_documents(path: Path, *, channel_id: int, report: Report, progress: Progress) -> Summary:
    """Take in the file; a line that cannot be an order is reported."""
    summary = Summary()
    intake = Intake(channel_id, report, summary)
    try:
        for told in _told(json_lines(path, progress), channel_id, report, summary):
            intake.add(told)
    except Unreadable as error:
        summary.broken = error.fault
        report.add(error.line, None, error.fault)
    intake.flush()
    return summary


def _told(
    documents: Iterator[Document], channel_id: int, report: Report, summary: Summary
) -> Iterator[Told]:
    with closing(SeenNumbers()) as seen:
        for document in documents:
            summary.lines += 1
            try:
                order = _order(document, channel_id, seen)
            except RowRefused as refused:
                summary.refused += 1
                report.add(document.line, _number(document.content), refused.fault)
            else:
                summary.worth[order.currency] += sum(item.goods_minor for item in order.items)
                yield Told(order, [document.line])


def _order(document: Document, channel_id: int, seen: SeenNumbers) -> OrderIn:
    if document.fault:
        raise RowRefused(*document.fault)
    try:
        order = order_from(document.content, channel_id=channel_id)
    except ValidationError as error:
        raise RowRefused("fields", texts_of(error)) from error
    if not seen.is_new(order.number):
        raise RowRefused(*DUPLICATE)
    return order


def _number(content: dict[str, Any]) -> str | None:
    """The order's number, if the line is far enough an order to have one."""
    order = content.get("order")
    number = order.get("number") if isinstance(order, dict) else None
    return number if isinstance(number, str) else None
