"""Payments of an order in a CSV file: ids, accounts, captured amounts and several captures."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from takeback.importer.mapping import WrongMapping, parse_layout
from takeback.importer.propose import ready_mapping
from takeback.orders.models import Order, Payment
from tests.factories import create_channel
from tests.importer.files import import_file
from tests.importer.records import COLUMNS, GOOD, MAPPING, reasons, run
from tests.importer.sample_exports import ENDED, SHAPES, WAITING, exported_orders

pytestmark = pytest.mark.django_db

PAYMENT = {
    "reference": "{Id}",
    "provider_order": "{Order}",
    "account": "{Account}",
    "currency": "{Charged}",
    "captured": "{Captured}",
}
NAMES = f"{COLUMNS};Id;Order;Account;Charged;Captured"
STORED = (
    "kind", "account", "reference", "provider_order", "currency", "amount_minor", "captured_minor",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _shop() -> None:
    create_channel()


def stored() -> list[tuple[Any, ...]]:
    return list(Payment.objects.order_by("order__number", "id").values_list(*STORED))


def test_ids_and_the_captured_amount_of_a_payment_are_imported(tmp_path: Path) -> None:
    rows = (
        f"{GOOD};pi_1;O-1;stripe;USD;4.50",
        "2;EUR;b@example.com;A;2;9.90;pi_2;;stripe;EUR;",
        "3;EUR;b@example.com;A;1;9.90;;;stripe;;",
        "4;EUR;b@example.com;A;1;9.90;;;;;0",
    )

    result = run(tmp_path, *rows, columns=NAMES, payment=PAYMENT)

    assert result.lines == []
    assert stored() == [
        ("unknown", "stripe", "pi_1", "O-1", "usd", 990, 450),
        ("unknown", "stripe", "pi_2", None, None, 1980, 1980),
        ("unknown", None, None, None, None, 990, 990),
        ("unknown", None, None, None, None, 990, 0),
    ]
    assert run(tmp_path, *rows, columns=NAMES, payment=PAYMENT).counts == (0, 0, 4, 0)


def test_ids_that_a_later_file_has_are_filled_in(tmp_path: Path) -> None:
    run(tmp_path, GOOD)

    later = run(tmp_path, f"{GOOD};pi_1;;stripe;;", columns=NAMES, payment=PAYMENT)
    other = run(tmp_path, f"{GOOD};pi_2;;stripe;;", columns=NAMES, payment=PAYMENT)

    assert (later.counts, other.counts) == ((0, 1, 0, 0), (0, 0, 0, 1))
    assert (list(other.codes), reasons(other)[0].split(":")[0]) == (
        ["fixed"],
        "payments.0.reference",
    )
    assert stored() == [("unknown", "stripe", "pi_1", None, None, 990, 990)]


SEVERAL = {
    "separator": "|",
    "reference": "{Id}",
    "kind": "{Kind}",
    "account": "{Account}",
    "amount": "{Amount}",
    "captured": "{Captured}",
}


def several(folder: Path, cells: str, **order: Any) -> Any:
    columns = f"{COLUMNS};Id;Kind;Account;Amount;Captured"
    return run(folder, f"{GOOD};{cells}", columns=columns, payment=SEVERAL, **order)


def test_a_cell_may_hold_several_payments(tmp_path: Path) -> None:
    result = several(tmp_path, "c1 | c2|;card|card|points;stripe||;5.00|3|1.90;5|0|")

    assert result.lines == []
    assert stored() == [
        ("card", "stripe", "c1", None, None, 500, 500),
        ("card", None, "c2", None, None, 300, 0),
        ("points", None, None, None, None, 190, 190),
    ]


def test_a_single_value_holds_for_all_payments(tmp_path: Path) -> None:
    assert several(tmp_path, "c1|c2;card;stripe;5|4.9;").lines == []

    assert [row[:3] for row in stored()] == [("card", "stripe", "c1"), ("card", "stripe", "c2")]


def test_ids_of_several_payments_without_amounts_are_left_out(tmp_path: Path) -> None:
    result = several(tmp_path, "c1|c2;card;stripe;;4.00")

    assert result.lines == []
    assert stored() == [("card", None, None, None, None, 990, 400)]


@pytest.mark.parametrize(
    ("cells", "code", "reason"),
    [
        ("c1;;;;9.91", "payment", "captured 9.91 exceeds the payment of 9.90 EUR"),
        ("c1;;;;9.999", "amount", "not an amount in eur: '9.999'"),
        ("c1;;;;-1", "amount", "captured must not be negative: -1"),
        ("c1|c1;;;5|4.9;", "payment", "two payments have the reference 'c1'"),
        ("c1|c1;;a|;5|4.9;", "payment", "two payments have the reference 'c1'"),
        ("c1|c2;;;5|4;", "totals", "the payments do not add up to the order's amount"),
        ("c1|c2;;;5|4.9;1", "payment", "captured has 1 values, but the order has 2 payments"),
        ("c1|c2|c3;;;5|4.9;", "payment", "amount has 2 values, but the order has 3 payments"),
        ("c\u00071;;;;", "payment", "reference has control or invisible characters"),
        (f"{'x' * 10_000};;;;", "too_long", "reference has more than 255 characters"),
        (f"c1;;{'x' * 65};;", "too_long", "account has more than 64 characters"),
        (f"c1;{'x' * 65};;;", "too_long", "kind has more than 64 characters"),
        ("|".join(map(str, range(101))) + ";;;;", "payment", "an order has at most 100 payments"),
    ],
)
def test_an_invalid_payment_is_refused(tmp_path: Path, cells: str, code: str, reason: str) -> None:
    result = several(tmp_path, cells)

    assert (list(result.codes), reasons(result)) == ([code], [reason])
    assert Order.objects.count() == 0


def test_an_unknown_currency_of_a_payment_is_refused(tmp_path: Path) -> None:
    result = run(tmp_path, f"{GOOD};pi_1;;;XXX;", columns=NAMES, payment=PAYMENT)

    assert reasons(result) == ["unknown currency: 'xxx'"]


def test_rows_of_an_order_agree_on_its_payment(tmp_path: Path) -> None:
    second = "1;EUR;a@example.com;B;1;5.00"
    options: dict[str, Any] = {"columns": NAMES, "payment": PAYMENT}

    other = run(tmp_path, f"{GOOD};pi_1;;;;", f"{second};pi_2;;;;", **options)
    blank = run(tmp_path, f"{GOOD};pi_1;;;;", f"{second};;;;;", fill_down=True, **options)

    assert list(other.codes) == ["rows_disagree"]
    assert blank.lines == []
    assert [row[2:6:3] for row in stored()] == [("pi_1", 1490)]


def test_an_order_that_waits_for_its_payment_is_not_captured(tmp_path: Path) -> None:
    columns, order = f"{NAMES};State", {"status": "{State}"}
    waiting = f"{GOOD};;;;;;payment_waiting", "2;EUR;b@example.com;A;1;9.90;pi;;;;;payment_waiting"
    paid = f"{GOOD};pi_1;;;;;approved", "2;EUR;b@example.com;A;1;9.90;pi;;;;9.90;approved"

    run(tmp_path, *waiting, columns=columns, payment=PAYMENT, order=order)
    assert [row[-1] for row in stored()] == [0, 0]
    assert run(tmp_path, *paid, columns=columns, payment=PAYMENT, order=order).lines == []

    assert [row[2::4] for row in stored()] == [("pi_1", 990), ("pi", 990)]


@pytest.mark.parametrize("shop", ["woocommerce", "magento", "prestashop"])
def test_payment_ids_of_an_export_are_imported(tmp_path: Path, shop: str) -> None:
    orders = exported_orders(7)
    path = tmp_path / "orders.csv"
    path.write_text(SHAPES[shop](orders), encoding="utf-8")

    import_file(path, parse_layout(tomllib.loads(ready_mapping(shop))))

    assert [row[2] for row in stored()] == [order.transaction or None for order in orders]
    captured = [row[-1] > 0 for row in stored()]
    # The other exports do not say whether a cancelled order had been paid.
    unpaid = {WAITING, ENDED} if shop == "magento" else {WAITING}
    if shop != "magento":
        assert captured == [order.state not in unpaid for order in orders]
    else:
        assert captured[:2] == [False, True]


def test_the_section_is_validated() -> None:
    with pytest.raises(WrongMapping, match=r"unknown key in \[payment\]: id"):
        parse_layout(MAPPING | {"payment": {"id": "{Id}"}})
    with pytest.raises(WrongMapping, match="separator must be text"):
        parse_layout(MAPPING | {"payment": {"separator": ["|"]}})
