"""Odd records harm no other order, and numbers are read as their file writes them."""

from pathlib import Path
from typing import Any

import pytest

from takeback.importer.mapping import WrongMapping, parse_layout
from takeback.importer.sources import WrongFile
from takeback.orders.models import Order, OrderItem
from tests.factories import create_channel
from tests.importer.files import import_file
from tests.importer.records import COLUMNS, GOOD, MAPPING, amounts, reasons, run

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _shop() -> None:
    create_channel()


@pytest.mark.parametrize("blank", [";;;;;", " ; ;;;;", ";;", ""])
def test_a_blank_row_harms_no_order(tmp_path: Path, blank: str) -> None:
    result = run(tmp_path, GOOD, blank, GOOD.replace("1", "2", 1), blank)

    assert amounts() == [("1", 990), ("2", 990)]
    assert (result.lines, result.summary.lines) == ([], 2)


def test_an_unclosed_quote_at_the_end_breaks_the_file_off(tmp_path: Path) -> None:
    result = run(tmp_path, GOOD, '2;EUR;b@example.com;"A;1;9.90', "3;EUR;c@example.com;A;1;9.90")

    assert result.summary.broken is not None
    assert result.errors == [(2, "1", "truncated"), (3, None, "truncated")]
    assert reasons(result)[1] == (
        "a quotation mark in the record of line 3 is not closed before the end of the file"
    )
    assert amounts() == []


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le"])
def test_a_file_in_utf16_is_named_as_such(tmp_path: Path, encoding: str) -> None:
    run(tmp_path, GOOD)
    path = tmp_path / "orders.csv"
    path.write_bytes(path.read_text().encode(encoding))

    with pytest.raises(WrongFile, match="is encoded in UTF-16: save it as CSV in UTF-8"):
        import_file(path, parse_layout(MAPPING))


def test_a_wrong_delimiter_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(WrongFile, match=r"5 times ';': set delimiter = \";\" in the mapping"):
        run(tmp_path, GOOD, delimiter=",")
    with pytest.raises(WrongFile, match=r"set delimiter = \"\\t\" in the mapping"):
        run(tmp_path, GOOD, columns=COLUMNS.replace(";", "\t"))


def test_a_missing_column_is_named_with_the_columns_of_the_file(tmp_path: Path) -> None:
    reason = "the file has no column Colour; its columns are: No, Cur, Mail, Sku, Qty, Price"
    with pytest.raises(WrongMapping, match=reason):
        run(tmp_path, GOOD, item={"name": "{Colour}"})


@pytest.mark.parametrize(
    ("currency", "price", "decimal", "minor"),
    [
        ("EUR", "1.234", ",", 123400),
        ("JPY", "1.234", ",", 1234),
        ("EUR", "1.234,56", ",", 123456),
        ("EUR", "1 234 567,5", ",", 123456750),
        ("EUR", "1\u00a0234,50", ",", 123450),
        ("CHF", "1'234.50", ".", 123450),
        ("EUR", "1,234", ".", 123400),
        ("EUR", "0,333333", ",", 33),
        ("EUR", "1.23", ",", None),
        ("EUR", "1.2345", ",", None),
        ("EUR", "1.234.56", ",", None),
        ("EUR", "1,234.56", ",", None),
        ("EUR", "12 34,00", ",", None),
        ("EUR", "1.234 567,00", ",", None),
        ("EUR", "2,55", ".", None),
        ("EUR", "1,234", "", None),
    ],
)
def test_thousands_separators_must_group_by_three(
    tmp_path: Path, currency: str, price: str, decimal: str, minor: int | None
) -> None:
    result = run(tmp_path, f"1;{currency};a@example.com;A;1;{price}", decimal=decimal)

    assert [amount for _, amount in amounts()] == ([] if minor is None else [minor])
    assert list(result.codes) == (["amount"] if minor is None else [])


@pytest.mark.parametrize(
    ("quantity", "units"), [("2.0000", 2), ("1.0", 1), ("3.", 3), ("1.5", None), (".0", None)]
)
def test_quantities_may_have_decimals_that_are_zero(
    tmp_path: Path, quantity: str, units: int | None
) -> None:
    result = run(tmp_path, f"1;EUR;a@example.com;A;{quantity};9.90")

    assert list(OrderItem.objects.values_list("quantity", flat=True)) == [units] * bool(units)
    assert list(result.codes) == ([] if units else ["quantity"])


def test_a_negative_discount_is_taken_as_its_absolute_value(tmp_path: Path) -> None:
    columns = f"{COLUMNS};Discount;Total"
    for number, section in enumerate(("order", "item")):
        row = f"{number};EUR;a@example.com;A;1;9.90;-3.40;6.50"
        changes: dict[str, Any] = {section: {"discount": "{Discount}"}}
        changes.setdefault("order", {})["amount"] = "{Total}"

        assert run(tmp_path, row, columns=columns, **changes).lines == []

    stored = Order.objects.values_list("discount_minor", "amount_minor")
    assert list(stored) == [(340, 650), (340, 650)]


@pytest.mark.parametrize("name", ["shipping", "fee", "tax", "amount"])
def test_other_negative_amounts_are_refused(tmp_path: Path, name: str) -> None:
    result = run(tmp_path, f"{GOOD};-1.00", columns=f"{COLUMNS};Other", order={name: "{Other}"})

    assert (amounts(), list(result.codes)) == ([], ["amount"])
    assert reasons(result) == [f"{name} must not be negative: -1.00"]


def test_contradicting_amounts_are_shown_in_their_currency(tmp_path: Path) -> None:
    columns = f"{COLUMNS};Total"
    result = run(
        tmp_path,
        "1;EUR;a@example.com;A;1;0.95;1.00",
        "2;JPY;a@example.com;A;1;95;100",
        columns=columns,
        order={"amount": "{Total}"},
    )

    assert reasons(result) == [
        "the parts add up to 0.95 EUR, but the order's amount is 1.00 EUR",
        "the parts add up to 95 JPY, but the order's amount is 100 JPY",
    ]
