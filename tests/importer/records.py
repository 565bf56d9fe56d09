"""Small files of records, and a mapping for them whose sections tests change."""

import json
from pathlib import Path
from typing import Any

from takeback.importer.mapping import parse_layout
from takeback.orders.models import Order
from tests.importer.files import Imported, import_file

MAPPING: dict[str, Any] = {
    "delimiter": ";",
    "order": {"number": "{No}", "placed_at": "2026-01-02", "currency": "{Cur}"},
    "guest": {"email": "{Mail}"},
    "address": {"line": "Long 1", "city": "Adana", "country": "tr"},
    "item": {"sku": "{Sku}", "quantity": "{Qty}", "unit_price": "{Price}"},
}
COLUMNS = "No;Cur;Mail;Sku;Qty;Price"
GOOD = "1;EUR;a@example.com;A;1;9.90"


def run(
    folder: Path, *rows: str, columns: str = COLUMNS, end: str = "\n", **changes: Any
) -> Imported:
    """Import the rows with the mapping above; its sections are merged with the changes."""
    document = {
        key: MAPPING.get(key, {}) | value if isinstance(value, dict) else value
        for key, value in (MAPPING | changes).items()
    }
    path = folder / "orders.csv"
    path.write_text("\n".join((columns, *rows)) + end, encoding="utf-8")
    return import_file(path, parse_layout(json.loads(json.dumps(document))))


def amounts() -> list[tuple[str, int]]:
    return list(Order.objects.order_by("number").values_list("number", "amount_minor"))


def reasons(result: Imported) -> list[str]:
    return [entry["reason"] for entry in result.lines]
