"""Fields of a mapping: what exports say about taxes, statuses, refunds and customers."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from takeback.importer.mapping import parse_layout
from takeback.orders.models import Order, OrderItem
from takeback.orders.statuses import Status
from tests.factories import create_channel
from tests.importer.files import import_file
from tests.importer.records import COLUMNS, GOOD, MAPPING, amounts, reasons, run

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _shop() -> None:
    create_channel()


def test_follow_rows_take_the_columns_of_their_order(tmp_path: Path) -> None:
    rows = (
        "1;EUR;a@example.com;A;1;9.90;;19.90",
        "1;;;B;2;5.00;;",
        ";;;C;1;;paid;",
        "2;EUR;b@example.com;A;1;9.90;;9.90",
    )
    result = run(
        tmp_path,
        *rows[:1],
        "1;;;B;2;5.00;paid;",
        rows[3],
        columns=f"{COLUMNS};Notes;Total",
        fill_down=True,
        order={"amount": "{Total}", "notes": "{Notes}"},
    )

    assert result.lines == []
    assert amounts() == [("1", 1990), ("2", 990)]
    assert Order.objects.get(number="1").notes == "paid"
    skus = OrderItem.objects.filter(order__number="1").order_by("id").values_list("sku", flat=True)
    assert list(skus) == ["A", "B"]


def test_follow_rows_may_leave_the_number_empty(tmp_path: Path) -> None:
    result = run(tmp_path, GOOD, ";;;B;2;5.00", fill_down=True)

    assert (result.lines, amounts()) == ([], [("1", 1990)])


def test_follow_rows_that_contradict_their_order_are_refused(tmp_path: Path) -> None:
    result = run(tmp_path, GOOD, "1;USD;;B;2;5.00", fill_down=True)

    assert (list(result.codes), amounts()) == (["rows_disagree"], [])


def test_tax_on_top_of_net_prices_is_part_of_what_was_paid(tmp_path: Path) -> None:
    columns = "No;Cur;Mail;Sku;Qty;Price;Tax;Total"
    mapping = {"amount": "{Total}"}
    of_item = run(
        tmp_path,
        "1;INR;a@example.com;A;1;130.00;11.70;141.70",
        columns=columns,
        prices="net",
        order=mapping,
        item={"tax": "{Tax}"},
    )
    of_order = run(
        tmp_path,
        "2;INR;a@example.com;A;1;100.00;11.70;141.70",
        "2;INR;a@example.com;B;1;30.00;11.70;141.70",
        columns=columns,
        prices="net",
        order=mapping | {"tax": "{Tax}"},
    )

    assert (of_item.lines, of_order.lines) == ([], [])
    assert amounts() == [("1", 14170), ("2", 14170)]
    items = OrderItem.objects.order_by("id").values_list("goods_minor", "tax_minor", "fee_minor")
    assert list(items) == [(14170, 1170, 0), (10900, 900, 0), (3270, 270, 0)]


def test_detected_prices_are_those_that_make_the_amount(tmp_path: Path) -> None:
    result = run(
        tmp_path,
        "1;INR;a@example.com;A;1;130.00;11.70;141.70",
        "2;INR;a@example.com;A;1;141.70;11.70;141.70",
        columns="No;Cur;Mail;Sku;Qty;Price;Tax;Total",
        prices="detect",
        order={"amount": "{Total}", "tax": "{Tax}"},
    )

    assert (result.lines, amounts()) == ([], [("1", 14170), ("2", 14170)])
    assert list(OrderItem.objects.values_list("goods_minor", "tax_minor")) == [(14170, 1170)] * 2


def test_the_tax_of_the_shipping_is_what_the_items_leave(tmp_path: Path) -> None:
    result = run(
        tmp_path,
        "1;EUR;a@example.com;A;1;100.00;19.00;119.95;20.90;10.00;0",
        "1;EUR;a@example.com;B;1;0;0;119.95;20.90;10.00;0",
        columns="No;Cur;Mail;Sku;Qty;Price;Tax;Other;Taxes;Shipping;Fee",
        prices="net",
        order={"tax": "{Taxes}", "shipping": "{Shipping}"},
        item={"tax": "{Tax}"},
    )

    assert result.lines == []
    order = Order.objects.get()
    assert (order.goods_minor, order.shipping_minor, order.amount_minor) == (11900, 1190, 13090)


@pytest.mark.parametrize("rate", ["8.875", "9.975", "7", "19.60"])
def test_tax_rates_may_have_three_decimals(tmp_path: Path, rate: str) -> None:
    result = run(tmp_path, f"{GOOD};{rate}", columns=f"{COLUMNS};Rate", item={"tax_rate": "{Rate}"})

    assert result.lines == []
    assert str(OrderItem.objects.get().tax_rate.normalize()) == str(float(rate)).removesuffix(".0")


def test_a_tax_rate_of_four_decimals_is_refused(tmp_path: Path) -> None:
    result = run(tmp_path, f"{GOOD};8.8755", columns=f"{COLUMNS};Rate", item={"tax_rate": "{Rate}"})

    assert list(result.codes) == ["tax_rate"]


WORDS = {
    "completed": "shipped",
    "wc-completed": "shipped",
    "processing": "approved",
    "closed": "refunded",
    "fulfilled": "shipped",
    "paid": "",
}


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("completed", Status.SHIPPED),
        ("wc-completed", Status.SHIPPED),
        ("Processing", Status.APPROVED),
        ("closed", Status.REFUNDED),
        ("fulfilled", Status.SHIPPED),
        ("550", Status.DELIVERED),
        ("delivered", Status.DELIVERED),
    ],
)
def test_words_of_a_shop_are_statuses(tmp_path: Path, word: str, status: int) -> None:
    result = run(
        tmp_path,
        f"{GOOD};{word}",
        columns=f"{COLUMNS};Status",
        order={"status": "{Status}"},
        statuses=WORDS,
    )

    assert result.lines == []
    assert list(OrderItem.objects.values_list("status", "order__status")) == [(status, status)]


@pytest.mark.parametrize("word", ["lost", "123", "50", "paid"])
def test_a_word_that_is_no_status_is_refused_by_name(tmp_path: Path, word: str) -> None:
    result = run(
        tmp_path,
        f"{GOOD};{word}",
        columns=f"{COLUMNS};Status",
        order={"status": "{Status}"},
        statuses=WORDS,
    )

    named = f"unknown status '{word}': add it to [statuses]"
    assert reasons(result) == ["the record has no status" if word == "paid" else named]
    assert list(result.codes) == ["status"]


def test_items_have_their_own_status_and_dates(tmp_path: Path) -> None:
    result = run(
        tmp_path,
        "1;EUR;a@example.com;A;1;9.90;paid;fulfilled;2026-01-05",
        "1;EUR;a@example.com;B;1;9.90;paid;;2026-01-05",
        columns=f"{COLUMNS};Payment;Goods;Sent",
        order={"status": ["{Payment}", "approved"], "shipped_at": "{Sent}"},
        item={"status": ["{Goods}"]},
        statuses=WORDS,
    )

    assert result.lines == []
    assert list(OrderItem.objects.order_by("id").values_list("status", "shipped_date")) == [
        (Status.SHIPPED, datetime(2026, 1, 5, tzinfo=UTC)),
        (Status.APPROVED, None),
    ]


def test_a_text_replaces_the_value_of_a_column(tmp_path: Path) -> None:
    result = run(
        tmp_path,
        f"{GOOD};2026-01-03",
        GOOD.replace("1", "2", 1) + ";",
        columns=f"{COLUMNS};Cancelled at",
        order={"status": ["{Cancelled at?cancelled}", "approved"]},
    )

    assert result.lines == []
    statuses = Order.objects.order_by("number").values_list("status", flat=True)
    assert list(statuses) == [Status.CANCELLED, Status.APPROVED]


def test_a_delivery_without_a_date_counts_from_its_shipping(tmp_path: Path) -> None:
    run(
        tmp_path,
        f"{GOOD};2026-01-05",
        columns=f"{COLUMNS};Sent",
        order={"shipped_at": "{Sent}"},
    )

    assert OrderItem.objects.get().delivered_date == datetime(2026, 1, 5, tzinfo=UTC)


def test_a_delivery_without_a_date_counts_from_the_order(tmp_path: Path) -> None:
    run(
        tmp_path,
        f"{GOOD};",
        GOOD.replace("1", "2", 1) + ";2026-01-09T10:00:00+01:00",
        columns=f"{COLUMNS};Arrived",
        order={"delivered_at": "{Arrived}"},
    )

    dates = OrderItem.objects.order_by("id").values_list("delivered_date", flat=True)
    assert list(dates) == [
        datetime(2026, 1, 2, tzinfo=UTC),
        datetime(2026, 1, 9, 9, tzinfo=UTC),
    ]


@pytest.mark.parametrize("date", ["1969-12-31", "2999-01-01", "9999-12-31"])
def test_dates_outside_the_life_of_a_shop_are_refused(tmp_path: Path, date: str) -> None:
    result = run(
        tmp_path, f"{GOOD};{date}", columns=f"{COLUMNS};Date", order={"placed_at": "{Date}"}
    )

    assert (list(result.codes), amounts()) == (["date"], [])


def test_a_difference_of_rounding_is_part_of_the_order(tmp_path: Path) -> None:
    rows = [f"1;EUR;a@example.com;{n};1;{p};1.00" for n, p in enumerate(("0.333333",) * 2)]
    result = run(
        tmp_path,
        *rows,
        "1;EUR;a@example.com;2;1;0.333334;1.00",
        columns=f"{COLUMNS};Total",
        order={"amount": "{Total}"},
    )

    assert result.lines == []
    assert list(Order.objects.values_list("goods_minor", "rounding_minor", "amount_minor")) == [
        (99, 1, 100)
    ]


@pytest.mark.parametrize(
    ("price", "total", "rounding"),
    [("0.49", "0.50", 1), ("0.48", "0.50", None), ("0.51", "0.50", -1), ("0.52", "0.50", None)],
)
def test_a_difference_above_one_minor_unit_per_item_is_refused(
    tmp_path: Path, price: str, total: str, rounding: int | None
) -> None:
    result = run(
        tmp_path,
        f"1;EUR;a@example.com;A;1;{price};{total}",
        columns=f"{COLUMNS};Total",
        order={"amount": "{Total}"},
    )

    assert list(result.codes) == (["totals"] if rounding is None else [])
    stored = list(Order.objects.values_list("rounding_minor", flat=True))
    assert stored == ([] if rounding is None else [rounding])


def test_refunds_made_before_the_import_are_stored(tmp_path: Path) -> None:
    result = run(
        tmp_path,
        "1;EUR;a@example.com;A;3;10.00;-10.00;1;2",
        "1;EUR;a@example.com;B;1;10.00;-10.00;;1",
        "2;EUR;a@example.com;A;3;10.00;30.00;;",
        "3;EUR;a@example.com;A;3;10.00;;;1",
        columns=f"{COLUMNS};Refunded;Units;Left",
        order={"refunded": "{Refunded}"},
        item={"refunded_quantity": "{Units}", "remaining_quantity": "{Left}"},
    )

    assert result.lines == []
    orders = Order.objects.order_by("number").values_list("number", "refunded_elsewhere_minor")
    assert list(orders) == [("1", 1000), ("2", 3000), ("3", 0)]
    units = OrderItem.objects.order_by("id").values_list("refunded_elsewhere_quantity", flat=True)
    assert list(units) == [1, 0, 3, 2]


def test_refunds_of_items_add_up_to_that_of_the_order(tmp_path: Path) -> None:
    run(
        tmp_path,
        "1;EUR;a@example.com;A;1;10.00;-4.00",
        "1;EUR;a@example.com;B;1;10.00;2.50",
        columns=f"{COLUMNS};Refunded",
        item={"refunded": "{Refunded}"},
    )

    assert Order.objects.get().refunded_elsewhere_minor == 650


@pytest.mark.parametrize(
    ("refunded", "units", "reason"),
    [
        ("30.01", "", "the refund of 30.01 EUR exceeds the order's amount of 30.00 EUR"),
        ("1.00", "4", "4 units are refunded, but the row has 3"),
        ("1.001", "", "not an amount in eur: '1.001'"),
    ],
)
def test_a_refund_above_the_order_is_refused(
    tmp_path: Path, refunded: str, units: str, reason: str
) -> None:
    result = run(
        tmp_path,
        f"1;EUR;a@example.com;A;3;10.00;{refunded};{units}",
        columns=f"{COLUMNS};Refunded;Units",
        order={"refunded": "{Refunded}"},
        item={"refunded_quantity": "{Units}"},
    )

    assert (reasons(result), amounts()) == ([reason], [])


def test_the_first_text_that_is_not_empty_is_the_sku(tmp_path: Path) -> None:
    run(
        tmp_path,
        "1;EUR;a@example.com;;1;9.90;Scarf",
        "1;EUR;a@example.com;;1;9.90;",
        columns=f"{COLUMNS};Title",
        item={"sku": ["{Sku}", "{Title}", "unknown"], "name": "{Title}"},
    )

    assert list(OrderItem.objects.order_by("id").values_list("sku", flat=True)) == [
        "Scarf",
        "unknown",
    ]


PACKED = {"items": "{Items}", "pattern": r"(?P<sku>.+?) x (?P<quantity>\d+)"}


def test_items_may_be_packed_in_one_cell(tmp_path: Path) -> None:
    document = MAPPING | {
        "order": MAPPING["order"] | {"amount": "{Total}", "shipping": "5.00"},
        "item": {},
        "packed": PACKED | {"share_amount": True},
    }
    path = tmp_path / "orders.csv"
    path.write_text(
        "No;Cur;Mail;Items;Total\n"
        "1;EUR;a@example.com;A x 2 | B-1 x 1;15.00\n"
        "2;EUR;a@example.com;A 2;15.00\n"
        "3;EUR;a@example.com;A x 2 pieces;15.00\n"
    )

    result = import_file(path, parse_layout(document))

    assert result.errors == [(3, "2", "items"), (4, "3", "items")]
    assert reasons(result)[0] == "not an item of the pattern: 'A 2'"
    items = OrderItem.objects.order_by("id").values_list("sku", "quantity", "goods_minor")
    assert list(items) == [("A", 2, 667), ("B-1", 1, 333)]
    assert amounts() == [("1", 1500)]


def test_packed_items_may_have_prices_of_their_own(tmp_path: Path) -> None:
    pattern = r"(?P<name>[^(]+) \((?P<sku>\w+)\) x(?P<quantity>\d+) @ (?P<unit_price>[\d.]+)"
    document = MAPPING | {"item": {}, "packed": {"items": "{Items}", "pattern": pattern}}
    path = tmp_path / "orders.csv"
    path.write_text("No;Cur;Mail;Items\n1;EUR;a@example.com;Red cap (A) x2 @ 1.25|Hat (B) x1 @ 2\n")

    result = import_file(path, parse_layout(document))

    assert result.lines == []
    items = OrderItem.objects.order_by("id").values_list("sku", "goods_minor", "product__document")
    assert [(sku, minor, product["name"]) for sku, minor, product in items] == [
        ("A", 250, "Red cap"),
        ("B", 200, "Hat"),
    ]


def test_an_order_without_an_address_gets_a_placeholder(tmp_path: Path) -> None:
    result = run(
        tmp_path,
        f"{GOOD};;;",
        GOOD.replace("1", "2", 1) + ";Long 1;Adana;tr",
        columns=f"{COLUMNS};Street;City;Country",
        address={"line": "{Street}", "city": "{City}", "country": "{Country}"},
        optional=["address"],
    )

    assert result.lines == []
    rows = Order.objects.order_by("number").values_list(
        "shipping_address__line", "shipping_address__extra_field"
    )
    assert list(rows) == [("-", {"synthetic": True}), ("Long 1", None)]


def test_orders_without_an_email_address_have_different_guests(tmp_path: Path) -> None:
    rows = [f"{number};EUR;;A;1;9.90" for number in (1, 2)]
    result = run(tmp_path, *rows, optional=["email"])

    assert result.lines == []
    orders = Order.objects.order_by("number").values_list("user_type", "user_email", "email_key")
    assert list(orders) == [("guest", "", ""), ("guest", "", "")]
    assert len(set(Order.objects.values_list("user_id", flat=True))) == 2
    again = run(tmp_path, *rows, optional=["email"])
    assert again.counts == (0, 0, 2, 0)


def test_an_order_without_an_email_address_is_refused_by_default(tmp_path: Path) -> None:
    result = run(tmp_path, "1;EUR;;A;1;9.90")

    assert (reasons(result), amounts()) == (["the record has no customer"], [])


def test_no_units_of_a_cancelled_item_are_one_cancelled_unit(tmp_path: Path) -> None:
    columns = f"{COLUMNS};Status"
    status = {"status": "{Status}"}
    result = run(
        tmp_path,
        "1;EUR;a@example.com;A;0;9.90;cancelled",
        "2;EUR;a@example.com;A;0;9.90;shipped",
        columns=columns,
        order=status,
    )

    assert result.errors == [(3, "2", "quantity")]
    assert list(OrderItem.objects.values_list("quantity", "status", "goods_minor")) == [
        (1, Status.CANCELLED, 0)
    ]


def test_rows_may_be_skipped(tmp_path: Path) -> None:
    result = run(
        tmp_path,
        f"{GOOD};",
        "1;EUR;a@example.com;A;1;0;7",
        columns=f"{COLUMNS};Parent",
        rows={"skip": "{Parent}"},
    )

    assert (result.lines, result.summary.skipped_lines) == ([], 1)
    assert OrderItem.objects.count() == 1


def test_the_last_line_break_may_be_missing(tmp_path: Path) -> None:
    result = run(tmp_path, GOOD, end="", final_line_break=False)

    assert (result.summary.broken, amounts()) == (None, [("1", 990)])


def test_an_order_with_too_many_items_is_refused_by_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("takeback.importer.csv_orders.ITEMS_MAX", 3)
    result = run(tmp_path, *[GOOD] * 5, GOOD.replace("1", "2", 1))

    assert amounts() == [("2", 990)]
    assert [code for _, _, code in result.errors] == ["order_refused"] * 3 + ["too_many_items"] * 2
