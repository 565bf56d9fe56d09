"""Old orders and their items are imported by their documented columns, idempotently."""

import json
from pathlib import Path
from typing import Any

import pytest
import zeal

from takeback.accounts.models import User
from takeback.archive.models import OldOrder, OldOrderItem
from takeback.importer.old_orders import import_old_items, import_old_orders
from takeback.importer.report import Report
from takeback.importer.sources import WrongFile
from tests.factories import create_channel
from tests.importer.files import ONCE_PER_BATCH, Imported

pytestmark = pytest.mark.django_db

ORDER = {
    "number": "O-1",
    "user": "4711",
    "user_email": "ayla@example.com",
    "status": "passive",
    "created_date": "2019-05-06T07:08:09Z",
    "amount": "120.50",
    "discount_amount": "20.50",
    "currency": "try",
    "payment_type": "card",
    "bank": "First",
    "installment_count": "3",
    "tracking_number": "T1",
    "shipping_company": "Swift",
    "shipping_address": "Long Street 1",
    "billing_address": "Long Street 1",
    "extra_field": '{"note": 1.5}',
}
ITEM = {
    "order_number": "O-1",
    "product": "Scarf",
    "sku": "S1",
    "quantity": "2",
    "price": "60.25",
    "image_url": "https://cdn.example.com/s1.jpg",
    "extra_field": "",
}


@pytest.fixture(autouse=True)
def _shop() -> None:
    create_channel()


def _write(path: Path, *records: dict[str, Any]) -> Path:
    """As CSV or as JSON Lines, by its name."""
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        return path
    quoted = [
        ",".join('"' + str(value).replace('"', '""') + '"' for value in record.values())
        for record in records
    ]
    path.write_text("\n".join([",".join(records[0]), *quoted]) + "\n")
    return path


def import_orders(folder: Path, *records: dict[str, Any], name: str = "old.csv") -> Imported:
    """Import these old orders into channel 1."""
    target = folder / "report.jsonl"
    path = _write(folder / name, *records)
    with zeal.zeal_ignore(ONCE_PER_BATCH), Report(target) as report:
        summary = import_old_orders(path, channel_id=1, report=report, progress=lambda _: None)
    return Imported(summary, target)


def import_items(folder: Path, *records: dict[str, Any], name: str = "items.csv") -> Imported:
    """Import these items of old orders."""
    target = folder / "report.jsonl"
    path = _write(folder / name, *records)
    with zeal.zeal_ignore(ONCE_PER_BATCH), Report(target) as report:
        summary = import_old_items(path, channel_id=1, report=report, progress=lambda _: None)
    return Imported(summary, target)


@pytest.mark.parametrize("name", ["old.csv", "old.jsonl"])
def test_an_old_order_belongs_to_the_customer_of_its_code(tmp_path: Path, name: str) -> None:
    result = import_orders(tmp_path, ORDER, name=name)

    assert result.counts == (1, 0, 0, 0)
    order = OldOrder.objects.select_related("user").get()
    assert (order.user.channel_code, order.user.user_type) == ("4711", "registered")
    assert (order.number, order.status, order.currency) == ("O-1", "passive", "try")
    assert (order.amount_minor, order.discount_minor) == (12050, 2050)
    assert (order.installment_count, order.shipping_company) == (3, "Swift")
    assert order.created_date.isoformat() == "2019-05-06T07:08:09+00:00"
    assert order.extra_field == {"note": 1.5}


def test_only_changed_old_orders_are_updated(tmp_path: Path) -> None:
    import_orders(tmp_path, ORDER, ORDER | {"number": "O-2"})

    again = import_orders(tmp_path, ORDER, ORDER | {"number": "O-2", "status": "active"})

    assert again.counts == (0, 1, 1, 0)
    assert OldOrder.objects.count() == 2
    assert OldOrder.objects.get(number="O-2").status == "active"
    assert User.objects.count() == 1


def test_a_number_is_unique_for_its_customer_only(tmp_path: Path) -> None:
    other = ORDER | {"user": "4712", "user_email": "berk@example.com"}

    result = import_orders(tmp_path, ORDER, other, ORDER)

    assert result.counts == (2, 0, 0, 1)
    assert result.errors == [(4, "O-1", "duplicate")]


def test_two_codes_of_one_customer_cannot_share_a_number(tmp_path: Path) -> None:
    result = import_orders(tmp_path, ORDER, ORDER | {"user": "4712"})

    assert result.counts == (1, 0, 0, 1)
    assert result.errors == [(3, "O-1", "duplicate")]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"number": ""}, "number: This field is required."),
        ({"number": "1" * 129}, "number: Ensure this field has no more than 128 characters."),
        ({"user": ""}, "user: This field is required."),
        ({"user_email": "ayla"}, "user_email: Enter a valid email address."),
        ({"status": "x" * 65}, "status: Ensure this field has no more than 64 characters."),
        ({"created_date": "6.5.2019"}, "created_date: Use an ISO 8601 date or date and time."),
        ({"amount": "12345678901.00"}, "amount: This amount is out of range."),
        ({"amount": "1.005"}, "amount: A valid amount of this currency is required."),
        ({"discount_amount": "120.51"}, "discount_amount: The discount is larger than the amount."),
        ({"currency": "xyz"}, "currency: This currency is unknown. Send an ISO 4217 code."),
        ({"installment_count": "0"}, "installment_count: This number is out of range."),
        ({"bank": "x" * 65}, "bank: Ensure this field has no more than 64 characters."),
        (
            {"shipping_address": "x" * 513},
            "shipping_address: Ensure this field has no more than 512 characters.",
        ),
        ({"extra_field": "[1]"}, "extra_field: An object is required."),
    ],
)
def test_a_wrong_value_refuses_the_old_order(
    tmp_path: Path, changes: dict[str, str], reason: str
) -> None:
    result = import_orders(tmp_path, ORDER | {"number": "O-9"}, ORDER | changes)

    assert result.counts == (1, 0, 0, 1)
    assert [(entry["line"], entry["code"], entry["reason"]) for entry in result.lines] == [
        (3, "fields", reason)
    ]


def test_a_missing_column_refuses_the_file(tmp_path: Path) -> None:
    record = {name: value for name, value in ORDER.items() if name != "amount"}

    with pytest.raises(WrongFile, match="column amount is missing"):
        import_orders(tmp_path, record)

    assert OldOrder.objects.count() == 0


@pytest.mark.parametrize("name", ["items.csv", "items.jsonl"])
def test_items_are_added_to_the_order_of_their_number(tmp_path: Path, name: str) -> None:
    import_orders(tmp_path, ORDER, ORDER | {"number": "O-2"})
    extra: dict[str, Any] = {"extra_field": {} if name.endswith("jsonl") else ""}
    records = (ITEM | extra, ITEM | extra | {"sku": "S2", "image_url": ""})

    result = import_items(tmp_path, *records, name=name)

    assert result.counts == (1, 0, 0, 0)
    items = OldOrderItem.objects.filter(old_order__number="O-1").order_by("id")
    assert list(items.values_list("sku", "quantity", "price_minor", "image_url")) == [
        ("S1", 2, 6025, "https://cdn.example.com/s1.jpg"),
        ("S2", 2, 6025, None),
    ]
    assert import_items(tmp_path, *records, name=name).counts == (0, 0, 1, 0)
    assert OldOrderItem.objects.count() == 2


def test_one_invalid_item_refuses_all_items_of_its_order(tmp_path: Path) -> None:
    import_orders(tmp_path, *(ORDER | {"number": f"O-{n}"} for n in (1, 2, 3)))

    result = import_items(
        tmp_path,
        ITEM,
        ITEM | {"order_number": "O-2"},
        ITEM | {"order_number": "O-2", "price": "free"},
        ITEM | {"order_number": "O-3"},
        ITEM | {"order_number": "O-4"},
        ITEM | {"order_number": "O-1"},
    )

    assert result.counts == (2, 0, 0, 3)
    assert result.errors == [
        (3, "O-2", "order_refused"),
        (4, "O-2", "fields"),
        (6, "O-4", "no_order"),
        (7, "O-1", "duplicate"),
    ]
    numbers = OldOrderItem.objects.order_by("id").values_list("old_order__number", flat=True)
    assert list(numbers) == ["O-1", "O-3"]


def test_items_without_a_number_refuse_both_neighbours(tmp_path: Path) -> None:
    import_orders(tmp_path, *(ORDER | {"number": f"O-{n}"} for n in (1, 2, 3)))

    result = import_items(
        tmp_path,
        ITEM,
        ITEM | {"order_number": ""},
        ITEM | {"order_number": "O-2"},
        ITEM | {"order_number": "O-3"},
    )

    assert result.errors == [
        (2, "O-1", "order_refused"),
        (3, "O-1", "missing"),
        (4, "O-2", "order_refused"),
    ]
    assert OldOrderItem.objects.get().old_order.number == "O-3"


def test_items_of_a_number_of_two_customers_are_refused(tmp_path: Path) -> None:
    import_orders(tmp_path, ORDER, ORDER | {"user": "4712", "user_email": "berk@example.com"})

    assert import_items(tmp_path, ITEM).errors == [(2, "O-1", "two_orders")]


def test_an_order_with_other_items_keeps_them(tmp_path: Path) -> None:
    import_orders(tmp_path, ORDER)
    import_items(tmp_path, ITEM)

    result = import_items(tmp_path, ITEM, ITEM)

    assert result.errors == [(2, "O-1", "fixed"), (3, "O-1", "fixed")]
    assert OldOrderItem.objects.count() == 1


def test_a_cut_file_of_items_lacks_those_of_the_last_order(tmp_path: Path) -> None:
    import_orders(tmp_path, ORDER, ORDER | {"number": "O-2"})
    path = _write(tmp_path / "items.csv", ITEM, ITEM | {"order_number": "O-2"}, ITEM)
    path.write_text(path.read_text()[:-10])
    target = tmp_path / "report.jsonl"
    with Report(target) as report:
        summary = import_old_items(path, channel_id=1, report=report, progress=lambda _: None)

    assert summary.broken is not None
    assert Imported(summary, target).errors == [(3, "O-2", "truncated"), (4, None, "truncated")]
    assert OldOrderItem.objects.get().old_order.number == "O-1"
