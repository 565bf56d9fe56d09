"""A mapping file is validated before the first record is read."""

import subprocess
import sys
from typing import Any

import pytest

from takeback.importer.columns import Columns
from takeback.importer.mapping import WrongMapping, parse_layout
from takeback.importer.row_orders import ItemRow
from takeback.importer.rows import RowParser

MAPPING: dict[str, Any] = {
    "order": {"number": "{No}", "placed_at": "{Date}", "currency": "{Currency}"},
    "guest": {"email": "{Mail}"},
    "address": {"line": "{Street}", "city": "{City}", "country": "tr"},
    "item": {"sku": "{Sku}", "quantity": "1", "amount": "{Price}"},
}
HEADER = ["No", "Date", "Currency", "Mail", "Street", "City", "Sku", "Price"]
VALUES = ["1", "2026-01-02T03:04:05+03:00", "TRY", "a@example.com", "Long 1", "Adana", "S", "9.90"]


def table(**changes: Any) -> RowParser:
    """The mapping above with some of its keys replaced, bound to its header."""
    return RowParser(parse_layout(MAPPING | changes), HEADER)


def lines(*values: list[str], **changes: Any) -> list[ItemRow]:
    """Records of one order."""
    bound = table(**changes)
    return [bound.item_row(at, bound.number(row), row) for at, row in enumerate(values, start=2)]


def test_records_become_an_order() -> None:
    order = table().order(lines(VALUES))

    assert (order.number, order.currency) == ("1", "try")
    assert order.placed_at.isoformat() == "2026-01-02T00:04:05+00:00"
    assert (order.customer.email, order.customer.user_type) == ("a@example.com", "guest")
    assert (order.shipping_address.country, order.shipping_address.city) == ("tr", "Adana")
    (item,) = order.items
    assert (item.goods_minor, item.quantity, order.status_of_item(item)) == (990, 1, 550)
    assert item.status is None


def test_amounts_may_have_a_decimal_comma() -> None:
    values = [*VALUES[:-1], "9,90"]

    assert lines(values, decimal=",")[0].amount_minor == 990


def test_an_invalid_mapping_is_refused_with_the_reason() -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"orders": {}}, "unknown key: orders"),
        ({"order": {"number": "{No}"}}, r"missing in \[order\]: placed_at, currency"),
        ({"order": MAPPING["order"] | {"sku": "x"}}, r"unknown key in \[order\]: sku"),
        ({"order": "x"}, "order must be a section"),
        ({"delimiter": ["x"]}, "delimiter must be text"),
        ({"delimiter": ",,"}, "delimiter must be one character"),
        ({"encoding": "utf-99"}, "unknown encoding: utf-99"),
        ({"encoding": "utf-16"}, "encoding utf-16 is not supported"),
        ({"timezone": "Mars/Olympus"}, "unknown timezone: Mars/Olympus"),
        ({"item": {"sku": "x", "quantity": "1"}}, "needs unit_price or amount"),
        ({"guest": {"email": "{Post}"}}, "the file has no column Post"),
    ]
    for changes, message in cases:
        with pytest.raises(WrongMapping, match=message):
            table(**changes)


def test_a_mapping_needs_a_customer_or_guest() -> None:
    with pytest.raises(WrongMapping, match=r"\[customer\] or \[guest\] is needed"):
        parse_layout({name: part for name, part in MAPPING.items() if name != "guest"})


def test_a_mapping_needs_its_sections() -> None:
    with pytest.raises(WrongMapping, match=r"section \[address\] is missing"):
        parse_layout({"order": MAPPING["order"], "item": MAPPING["item"]})


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("plain", "plain"),
        ("{a}", "x"),
        ("c{n}@{a}.b", "c17@x.b"),
        ("{empty}@{a}", ""),
        ("{n}", "17"),
    ],
)
def test_templates_are_filled_with_columns(template: str, filled: str) -> None:
    columns = Columns(["a", "n", "empty"], {"n": ".0"}, {})

    assert columns.reader(template)(["x", "17.0", ""]) == filled


def test_mapping_and_matching_import_no_framework() -> None:
    program = (
        "import sys; import takeback.importer.matching, takeback.importer.rows;"
        "print(sorted({'django', 'rest_framework', 'msgspec'} & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
