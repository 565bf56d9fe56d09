"""Orders that a file holds again, with other values, and what an import cannot know."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import zeal

from takeback.cancellations.commands.open import open_cases
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.statuses import Kind
from takeback.core.actor import Actor, ActorKind
from takeback.core.errors import Refused
from takeback.core.ids import ItemId
from takeback.importer.jsonl import import_documents
from takeback.importer.mapping import Layout
from takeback.importer.report import Report
from takeback.importer.sources import read_layout
from takeback.orders.models import Order, OrderItem
from takeback.orders.scope import OrderScope
from takeback.orders.statuses import Status
from tests import factories
from tests.channel.shop import item_body, order_body
from tests.importer.files import EXAMPLE, Imported, import_file, line, write

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _shop() -> None:
    factories.create_channel()


def layout(folder: Path, status: str | None, extra: str = "") -> Layout:
    """The mapping of the example with another status, or without one."""
    new = "" if status is None else f'status = "{status}"'
    mapping = folder / "mapping.toml"
    mapping.write_text(EXAMPLE.read_text().replace('status = "delivered"', new + extra))
    return read_layout(mapping)


def import_json(folder: Path, *bodies: dict[str, Any]) -> Imported:
    """Import orders in the form of the API."""
    path = folder / "orders.jsonl"
    path.write_text("".join(json.dumps(body) + "\n" for body in bodies))
    report_path = folder / "report.jsonl"
    with zeal.zeal_ignore(), Report(report_path) as report:
        summary = import_documents(path, channel_id=1, report=report, progress=lambda _: None)
    return Imported(summary, report_path)


def test_imported_delivery_without_a_date_counts_from_the_order(tmp_path: Path) -> None:
    old = line(at="2015-11-20 10:00:00")

    import_file(write(tmp_path, old), layout(tmp_path, None))

    item = OrderItem.objects.get()
    assert item.status == Status.DELIVERED
    assert item.delivered_date == item.shipped_date == datetime(2015, 11, 20, 10, tzinfo=UTC)
    reason = factories.create_reason(kind="refund").pk
    new = NewCase(order_item=ItemId(item.pk), kind=Kind.RETURN, reason=reason)
    shopper = Actor(ActorKind.CUSTOMER, 1)
    with pytest.raises(Refused), zeal.zeal_ignore():
        open_cases([new], OrderScope(1), actor=shopper, now=factories.NOW)


def test_imported_shipment_without_a_date_gets_the_time_of_the_import(tmp_path: Path) -> None:
    before = datetime.now(UTC)

    import_file(write(tmp_path, line()), layout(tmp_path, "shipped"))

    item = OrderItem.objects.get()
    assert item.shipped_date is not None
    assert timedelta(0) <= item.shipped_date - before < timedelta(minutes=10)
    assert item.delivered_date is None


@pytest.mark.parametrize("status", ["123", "999", "gone", "50", "cancellation_waiting"])
def test_unknown_status_in_a_file_is_refused(tmp_path: Path, status: str) -> None:
    result = import_file(write(tmp_path, line()), layout(tmp_path, status))

    assert result.counts == (0, 0, 0, 1)
    assert result.errors == [(2, "536365", "status")]


def test_file_does_not_revert_the_shipment(tmp_path: Path) -> None:
    import_file(write(tmp_path, line()), layout(tmp_path, "approved"))
    shipment = {"status": 500, "tracking_number": "T1", "invoice_number": "I1"}
    OrderItem.objects.update(**shipment)
    Order.objects.update(status=500, fingerprint="")

    result = import_file(write(tmp_path, line()), layout(tmp_path, "preparing"))
    silent = import_file(write(tmp_path, line()), layout(tmp_path, None))

    assert result.counts == silent.counts == (0, 0, 1, 0)
    assert dict(result.summary.skipped) == {"order_item.0.status": 1}
    assert dict(silent.summary.skipped) == {}
    item = OrderItem.objects.values(*shipment).get()
    assert item == shipment


def test_file_with_another_sku_is_refused_as_fixed(tmp_path: Path) -> None:
    import_file(write(tmp_path, line(sku="A")))

    result = import_file(write(tmp_path, line(sku="B")))

    assert result.errors == [(2, "536365", "fixed")]
    assert result.lines[0]["reason"].startswith("order_item.0: ")
    assert OrderItem.objects.get().sku == "A"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"customer": "99.0"}, "customer.email"),
        ({"at": "2010-12-02 08:26:00"}, "date_placed"),
        ({"country": "France"}, "shipping_address"),
        ({"price": "2.56"}, "order_item.0.price"),
        ({"quantity": 5}, "order_item.0.quantity"),
    ],
)
def test_other_value_in_a_file_is_refused_by_its_field(
    tmp_path: Path, changed: dict[str, Any], field: str
) -> None:
    import_file(write(tmp_path, line()))

    result = import_file(write(tmp_path, line(**changed)))

    assert result.counts == (0, 0, 0, 1)
    assert result.errors == [(2, "536365", "fixed")]
    assert field in result.lines[0]["reason"]


def test_units_and_items_in_a_file_are_an_addition(tmp_path: Path) -> None:
    import_file(write(tmp_path, line(sku="A", quantity=2), line(sku="B", quantity=1)))

    lines = line(sku="C", quantity=1), line(sku="B", quantity=1), line(sku="A", quantity=3)
    result = import_file(write(tmp_path, *lines))
    again = import_file(write(tmp_path, *lines))

    assert (result.counts, again.counts) == ((0, 1, 0, 0), (0, 0, 1, 0))
    rows = OrderItem.objects.order_by("pk").values_list("sku", "quantity", "goods_minor")
    assert list(rows) == [("A", 2, 510), ("B", 1, 255), ("C", 1, 255), ("A", 1, 255)]
    order = Order.objects.get()
    assert (order.amount_minor, order.is_finalized) == (1275, True)


def test_delivery_date_in_a_file_in_the_future_is_refused(tmp_path: Path) -> None:
    body = order_body({}, item_body(status=550, delivered_date="2999-01-01"))

    result = import_json(tmp_path, body)

    assert result.errors == [(1, factories.NUMBER, "fields")]
    assert result.lines[0]["reason"].startswith("order_item.0.delivered_date: ")
    assert Order.objects.count() == 0


def test_items_of_json_lines_match_by_sku(tmp_path: Path) -> None:
    first = [item_body(extra_field={"id": n}, product={"sku": n, "name": n}) for n in "AB"]
    import_json(tmp_path, order_body({"amount": "32.24"}, *first))
    other_ids = [
        item_body(extra_field={"id": f"x{n}"}, product={"sku": n, "name": n}, status=500)
        for n in "BA"
    ]

    result = import_json(tmp_path, order_body({"amount": "32.24"}, *other_ids))

    assert result.counts == (0, 1, 0, 0)
    rows = OrderItem.objects.order_by("pk").values_list("sku", "status")
    assert list(rows) == [("A", 500), ("B", 500)]
