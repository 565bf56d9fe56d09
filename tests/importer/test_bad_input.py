"""Invalid files: only complete orders are imported, and each refused line is reported."""

import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from takeback.importer.mapping import WrongMapping
from takeback.importer.sources import WrongFile, read_layout
from takeback.orders.models import Order, OrderItem
from tests.factories import create_channel
from tests.importer.files import EXAMPLE, HEADER, import_file, line, write

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _shop() -> None:
    create_channel()


def imported_numbers() -> list[str]:
    """The numbers of the imported orders."""
    return list(Order.objects.order_by("number").values_list("number", flat=True))


def test_broken_encoding_refuses_that_order_only(tmp_path: Path) -> None:
    path = write(tmp_path, line(number="1"), line(number="2", sku="CAF@"), line(number="2"))
    path.write_bytes(path.read_bytes().replace(b"@", b"\xe9"))

    result = import_file(path)

    assert imported_numbers() == ["1"]
    assert result.errors == [(3, "2", "encoding"), (4, "2", "order_refused")]
    assert result.lines[0]["reason"] == "not encoded as utf-8"


def test_a_missing_column_refuses_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, line())
    path.write_text(path.read_text().replace("UnitPrice", "Price"))

    with pytest.raises(WrongMapping, match="the file has no column UnitPrice"):
        import_file(path)

    assert imported_numbers() == []


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("", "the header is missing"),
        (HEADER.replace("Country", "Quantity"), "the header names a column twice: Quantity"),
        (HEADER.replace("Country", '"Country'), "the first line is no CSV header"),
    ],
    ids=["empty", "twice", "unclosed"],
)
def test_a_wrong_header_refuses_the_file(tmp_path: Path, header: str, message: str) -> None:
    path = write(tmp_path, line())
    path.write_text(path.read_text().replace(HEADER, header) if header else "")

    with pytest.raises(WrongFile, match=message):
        import_file(path)


def test_a_record_with_too_few_values_refuses_its_order(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        line(number="1"),
        line(number="2", sku="1"),
        "2,85123A,CUT",
        line(number="2", sku="3"),
        line(number="3"),
    )

    result = import_file(path)

    assert imported_numbers() == ["1", "3"]
    assert result.errors == [
        (3, "2", "order_refused"),
        (4, "2", "columns"),
        (5, "2", "order_refused"),
    ]


def test_a_bad_record_with_a_number_of_its_own_harms_no_other(tmp_path: Path) -> None:
    path = write(tmp_path, line(number="1"), "2,85123A,CUT", line(number="3"))

    result = import_file(path)

    assert imported_numbers() == ["1", "3"]
    assert result.errors == [(3, "2", "columns")]


def test_a_record_without_a_number_refuses_both_neighbours(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        line(number="1"),
        line(number="2"),
        ",85123A,CUT",
        line(number="3"),
        line(number="4"),
    )

    result = import_file(path)

    assert imported_numbers() == ["1", "4"]
    assert result.errors == [
        (4, None, "columns"),
        (3, "2", "order_refused"),
        (5, "3", "order_refused"),
    ]
    reason = "line 4 is not readable and may belong to this order"
    assert [entry["reason"] for entry in result.lines[1:]] == [reason, reason]


def test_an_unclosed_quote_refuses_the_orders_inside_it(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        line(number="1"),
        line(number="2", name='"WHITE'),
        line(number="3", name='"RED"'),
        line(number="4"),
        line(number="5"),
    )

    result = import_file(path)

    assert imported_numbers() == ["5"]
    assert [code for _, _, code in result.errors] == ["unreadable", *["order_refused"] * 2]
    assert result.lines[0]["line"] == 3
    assert result.lines[0]["reason"].startswith("not readable as CSV (lines 3 to 4)")


def test_a_repeated_number_is_a_duplicate(tmp_path: Path) -> None:
    path = write(
        tmp_path, line(number="1"), line(number="2"), line(number="1"), line(number="1", sku="2")
    )

    result = import_file(path)

    assert imported_numbers() == ["1", "2"]
    assert OrderItem.objects.count() == 2
    assert result.errors == [(4, "1", "duplicate"), (5, "1", "duplicate")]
    assert result.lines[0]["reason"].startswith("duplicate number")


def test_a_repeated_cancellation_is_a_duplicate(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        line(number="1"),
        line(number="C2", quantity=-1),
        line(number="C3", quantity=-1),
        line(number="C2", quantity=-1),
    )

    result = import_file(path)

    assert result.errors == [(5, "C2", "duplicate")]
    assert OrderItem.objects.get().units_closed == 2


MAPPED_TOTAL = 'amount = "{Total}"\n'


def test_totals_that_do_not_add_up_refuse_the_order(tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(EXAMPLE.read_text().replace("[customer]", MAPPED_TOTAL + "[customer]"))
    path = write(tmp_path)
    rows = [line(number="1") + ",15.30", line(number="2") + ",15.31", line(number="2") + ",15.31"]
    path.write_text("\n".join([HEADER + ",Total", *rows]) + "\n")

    result = import_file(path, read_layout(mapping))

    assert imported_numbers() == ["1"]
    assert result.errors == [(3, "2", "totals"), (4, "2", "totals")]
    assert result.lines[0]["reason"] == (
        "the parts add up to 30.60 GBP, but the order's amount is 15.31 GBP"
    )


def test_an_unknown_currency_refuses_the_order(tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(EXAMPLE.read_text().replace('"gbp"', '"{Country}"'))

    path = write(tmp_path, line(number="1", country="GBP"), line(number="2", country="xyz"))
    layout = read_layout(mapping)

    result = import_file(path, layout)

    assert imported_numbers() == []  # "GBP" is a currency, but no country
    assert result.errors == [(2, "1", "country"), (3, "2", "currency")]
    assert result.lines[1]["reason"] == "unknown currency: 'xyz'"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"quantity": "six"}, "quantity"),
        ({"quantity": "0"}, "quantity"),
        ({"quantity": "2.50"}, "quantity"),
        ({"quantity": "1.5"}, "quantity"),
        ({"quantity": "99999999999"}, "quantity"),
        ({"quantity": "٦"}, "quantity"),
        ({"price": "2,55"}, "columns"),
        ({"price": "1e3"}, "amount"),
        ({"price": "NaN"}, "amount"),
        ({"price": ""}, "missing"),
        ({"quantity": "2000000000", "price": "9999999999999"}, "amount"),
        ({"at": "2010-13-01 08:26:00"}, "date"),
        ({"at": "1969-12-31 08:26:00"}, "date"),
        ({"at": "2099-01-01 08:26:00"}, "date"),
        ({"at": "9999-12-31 08:26:00"}, "date"),
        ({"country": "Atlantis"}, "country"),
        ({"sku": ""}, "missing"),
        ({"sku": "x" * 129}, "too_long"),
        ({"number": "1" * 129}, "too_long"),
        ({"number": "100\u0664"}, "number"),
        ({"number": "1\u200b0"}, "number"),
        ({"name": "x" * 1001}, "too_long"),
        ({"customer": "1 2"}, "email"),
        ({"sku": "\x00"}, "unreadable"),
    ],
)
def test_a_wrong_value_refuses_the_order(tmp_path: Path, values: dict[str, str], code: str) -> None:
    result = import_file(write(tmp_path, line(**values)))

    assert [code for _, _, code in result.errors] == [code]
    assert result.errors[0][0] == 2
    assert imported_numbers() == []


def test_records_of_one_order_must_have_one_customer(tmp_path: Path) -> None:
    result = import_file(write(tmp_path, line(), line(customer="17851.0")))

    assert result.errors == [(2, "536365", "rows_disagree"), (3, "536365", "rows_disagree")]
    assert imported_numbers() == []


Pack = Callable[[bytes], bytes]
LINES = [line(number=str(number), sku=str(sku)) for number in range(100) for sku in range(3)]


def test_a_file_cut_in_its_last_line_lacks_the_last_order(tmp_path: Path) -> None:
    path = write(tmp_path, line(number="1"), line(number="2"), line(number="2"), end="")

    result = import_file(path)

    assert imported_numbers() == ["1"]
    assert result.summary.broken is not None
    assert result.errors == [(3, "2", "truncated"), (4, None, "truncated")]


@pytest.mark.parametrize(("suffix", "pack"), [("gz", gzip.compress), ("xz", lzma.compress)])
def test_a_compressed_file_is_imported(tmp_path: Path, suffix: str, pack: Pack) -> None:
    plain = write(tmp_path, *LINES)
    path = tmp_path / f"orders.csv.{suffix}"
    path.write_bytes(pack(plain.read_bytes()))

    result = import_file(path)

    assert result.counts == (100, 0, 0, 0)
    assert OrderItem.objects.count() == 300


@pytest.mark.parametrize(("suffix", "pack"), [("gz", gzip.compress), ("xz", lzma.compress)])
def test_a_cut_compressed_file_imports_complete_orders(
    tmp_path: Path, suffix: str, pack: Pack
) -> None:
    plain = write(tmp_path, *LINES, line(number="C1", quantity=-1))
    path = tmp_path / f"orders.csv.{suffix}"
    packed = pack(plain.read_bytes())
    path.write_bytes(packed[: len(packed) - 12])

    broken = import_file(path)

    assert broken.summary.broken is not None
    assert broken.lines[-1]["code"] == "truncated"
    assert OrderItem.objects.count() == 3 * Order.objects.count()
    path.write_bytes(packed)
    complete = import_file(path)
    assert complete.summary.created + complete.summary.unchanged == 100
    assert OrderItem.objects.count() == 300


def test_a_file_that_is_not_compressed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv.gz"
    path.write_text("no archive")

    with pytest.raises(WrongFile, match="the first line is no CSV header"):
        import_file(path)
