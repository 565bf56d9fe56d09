"""Imports JSON Lines: each line is an order in the wire form of the channel API."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from rest_framework.exceptions import ValidationError

from takeback.api.order_payload.serializers import order_from
from takeback.importer.report import DUPLICATE, Report, RowRefused, Summary, invalid_fields
from takeback.importer.sources import Document, Progress, json_lines, until_unreadable
from takeback.importer.temporary_files import NumberIndex
from takeback.importer.trial import SampleOrder, writer_for
from takeback.importer.writer import SourceOrder
from takeback.orders.order_input import OrderIn


def import_documents(
    path: Path,
    *,
    channel_id: int,
    report: Report,
    progress: Progress,
    samples: list[SampleOrder] | None = None,
) -> Summary:
    """Import the file. Lines that are not valid orders are reported.

    With `samples` it is a trial, which adds its first orders to them and writes nothing.
    """
    summary = Summary()
    documents = until_unreadable(json_lines(path, progress), report, summary)
    orders = _orders(documents, channel_id, report, summary)
    writer_for(channel_id, report, summary, samples).write_all(orders)
    return summary


def _orders(
    documents: Iterable[Document], channel_id: int, report: Report, summary: Summary
) -> Iterator[SourceOrder]:
    with closing(NumberIndex()) as numbers:
        for document in documents:
            try:
                order = _order(document, channel_id, numbers)
            except RowRefused as refused:
                summary.refused += 1
                report.add(document.line, _number(document.content), refused.error)
            else:
                summary.totals[order.currency] += sum(item.goods_minor for item in order.items)
                yield SourceOrder(order, [document.line])


def _order(document: Document, channel_id: int, numbers: NumberIndex) -> OrderIn:
    if document.error:
        raise RowRefused(*document.error)
    try:
        order = order_from(document.content, channel_id=channel_id)
    except ValidationError as error:
        raise invalid_fields(error) from error
    if not numbers.add(order.number):
        raise RowRefused(*DUPLICATE)
    return order


def _number(content: dict[str, Any]) -> str | None:
    order = content.get("order")
    number = order.get("number") if isinstance(order, dict) else None
    return number if isinstance(number, str) else None
