"""A file of JSON Lines has an order per line, in the wire form of the channel API."""

import json
from pathlib import Path
from typing import Any

import pytest
import zeal

from takeback.importer.jsonl import import_documents
from takeback.importer.report import Report
from takeback.orders.models import Order, OrderItem
from tests.factories import create_channel
from tests.importer.files import ONCE_PER_BATCH, Imported

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _shop() -> None:
    create_channel()


def document(number: str = "2745", **fields: Any) -> dict[str, Any]:
    """An order of two items."""
    order = {
        "number": number,
        "date_placed": "2026-03-01T10:00:00Z",
        "currency": "try",
        "amount": "30.10",
        "customer": {"email": "Guest@example.com"},
        "shipping_address": {"line": "Long Street 1", "city": "Adana", "country": "tr"},
    }
    items = [
        {"product": {"sku": "A"}, "price": "10.10", "status": 400},
        {"product": {"sku": "B"}, "price": "20.00", "quantity": 2},
    ]
    return {"order": order | fields, "order_item": items}


def import_lines(folder: Path, *lines: bytes | dict[str, Any]) -> Imported:
    """Import these lines; dictionaries are written as JSON."""
    path, target = folder / "orders.jsonl", folder / "report.jsonl"
    path.write_bytes(
        b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    )
    with zeal.zeal_ignore(ONCE_PER_BATCH), Report(target) as report:
        summary = import_documents(path, channel_id=1, report=report, progress=lambda _: None)
    return Imported(summary, target)


def imported_numbers() -> list[str]:
    """The numbers of the imported orders."""
    return list(Order.objects.order_by("number").values_list("number", flat=True))


def test_each_line_is_an_order(tmp_path: Path) -> None:
    result = import_lines(tmp_path, document("1"), b"", document("2"))

    assert result.counts == (2, 0, 0, 0)
    assert result.lines == []
    assert dict(result.summary.totals) == {"try": 6020}
    order = Order.objects.get(number="1")
    assert (order.amount_minor, order.source) == (3010, "import")
    assert OrderItem.objects.filter(order=order).count() == 2


def test_a_second_run_writes_nothing(tmp_path: Path) -> None:
    import_lines(tmp_path, document("1"), document("2"))
    before = list(Order.objects.order_by("id").values())

    again = import_lines(tmp_path, document("1"), document("2"))

    assert again.counts == (0, 0, 2, 0)
    assert list(Order.objects.order_by("id").values()) == before


def test_an_invalid_line_is_reported(tmp_path: Path) -> None:
    result = import_lines(
        tmp_path,
        b"\xef\xbb\xbf" + json.dumps(document("1")).encode(),
        b'{"order": {"number": "2"',
        json.dumps(document("3")).encode().replace(b"Long", b"L\xe9ng"),
        b"[]",
        document("5", currency="xyz"),
        document("6", amount="30.11"),
        document("1"),
        {"order": {"number": "8", "number2": None}},
        document("9"),
    )

    assert imported_numbers() == ["1", "9"]
    assert result.counts == (2, 0, 0, 7)
    assert sorted(result.errors, key=lambda error: error[0]) == [
        (2, None, "json"),
        (3, None, "encoding"),
        (4, None, "json"),
        (5, "5", "fields"),
        (6, "6", "totals"),
        (7, "1", "duplicate"),
        (8, "8", "fields"),
    ]
    reasons = {entry["line"]: entry["reason"] for entry in result.lines}
    assert reasons[5] == "currency: This currency is unknown. Send an ISO 4217 code."
    assert reasons[6] == "the parts add up to 30.10 TRY, but the order's amount is 30.11 TRY"


def test_a_complete_last_line_needs_no_line_break(tmp_path: Path) -> None:
    complete = json.dumps(document("2")).encode()

    result = import_lines(tmp_path, document("1"), complete[:-1])

    assert imported_numbers() == ["1"]
    assert result.errors == [(2, None, "json")]
    assert import_lines(tmp_path, document("1"), complete).counts == (1, 0, 1, 0)


def test_an_order_refused_by_the_database_stops_no_other(tmp_path: Path) -> None:
    points = [{"uuid": "0f0c9a55-5d1b-4d3e-8f0a-1f1c8a3f7a10", "amount": "1.00"}]

    result = import_lines(
        tmp_path,
        document("1"),
        document("2", loyaltytransaction_set=points),
        document("3", loyaltytransaction_set=points),
        document("4"),
    )

    assert imported_numbers() == ["1", "2", "4"]
    assert result.errors == [(3, "3", "totals")]
    assert result.lines[0]["reason"] == "refused by the database"
