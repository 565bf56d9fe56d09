"""A CSV file with the columns of the example is imported, idempotently."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from takeback.accounts.models import User
from takeback.cancellations.models import CancellationRequest
from takeback.importer.sources import read_layout
from takeback.orders.models import Order, OrderItem, Payment
from takeback.orders.statuses import Status
from tests.factories import create_channel
from tests.importer.files import EXAMPLE, import_file, line, write

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _shop() -> None:
    create_channel()


def counts() -> tuple[int, int, int, int]:
    """Numbers of orders, items, customers and cases."""
    return (
        Order.objects.count(),
        OrderItem.objects.count(),
        User.objects.count(),
        CancellationRequest.objects.count(),
    )


def test_records_with_one_number_make_one_order(tmp_path: Path) -> None:
    result = import_file(
        write(
            tmp_path,
            line(sku="85123A", quantity=6, price="2.55"),
            line(sku="71053", quantity=8, price="3.39", at="2010-12-01 08:27:00"),
            line(number="536366", sku="22633", quantity=1, price="0", customer="", country="EIRE"),
        )
    )

    assert result.counts == (2, 0, 0, 0)
    assert result.lines == []
    assert result.summary.lines == 3
    assert dict(result.summary.totals) == {"gbp": 1530 + 2712}
    order = Order.objects.select_related("user", "shipping_address").get(number="536365")
    assert (order.amount_minor, order.currency, order.status) == (4242, "gbp", Status.DELIVERED)
    assert order.placed_at == datetime(2010, 12, 1, 8, 26, tzinfo=UTC)
    assert (order.source, order.user_type) == ("import", "registered")
    assert (order.user_email, order.user.channel_code) == ("c17850@example.com", "17850")
    assert order.user.attributes == {"synthetic": True}
    assert order.shipping_address.extra_field == {"synthetic": True}
    assert order.shipping_address.place["country"]["code"] == "gb"
    items = OrderItem.objects.filter(order=order).order_by("id")
    assert list(items.values_list("remote_id", "sku", "quantity", "goods_minor")) == [
        ("1", "85123A", 6, 1530),
        ("2", "71053", 8, 2712),
    ]
    assert items[0].product.document == {
        "sku": "85123A",
        "base_code": "85123A",
        "name": "WHITE HEART HOLDER",
    }
    assert Payment.objects.get(order=order).captured_minor == 4242
    guest = Order.objects.get(number="536366")
    assert (guest.user_email, guest.user_type) == ("g536366@example.com", "guest")
    assert guest.amount_minor == 0


def test_times_are_in_the_time_zone_of_the_mapping(tmp_path: Path) -> None:
    import_file(write(tmp_path, line(at="2011-07-01 08:26:00")))

    assert Order.objects.get().placed_at == datetime(2011, 7, 1, 7, 26, tzinfo=UTC)


def test_an_amount_is_rounded_half_up(tmp_path: Path) -> None:
    import_file(write(tmp_path, line(quantity=5, price="0.001"), line(quantity=4, price="0.001")))

    worths = OrderItem.objects.order_by("id").values_list("goods_minor", flat=True)
    assert list(worths) == [1, 0]


def test_a_cancelled_invoice_closes_the_latest_item_of_its_price(tmp_path: Path) -> None:
    result = import_file(
        write(
            tmp_path,
            line(number="1", quantity=6, price="2.55", at="2010-12-01 08:00:00"),
            line(number="2", quantity=6, price="2.10", at="2010-12-02 08:00:00"),
            line(number="C3", quantity=-8, price="2.55", at="2010-12-03 08:00:00"),
            line(number="4", quantity=6, price="2.55", at="2010-12-04 08:00:00"),
        )
    )

    assert (result.summary.matched_lines, result.summary.cases) == (1, 2)
    assert result.lines == []
    used = OrderItem.objects.order_by("order__number")
    assert list(used.values_list("order__number", "units_closed", "status", "order__status")) == [
        ("1", 6, Status.CANCELLED, Status.CANCELLED),
        ("2", 2, Status.DELIVERED, Status.DELIVERED),
        ("4", 0, Status.DELIVERED, Status.DELIVERED),
    ]
    requests = CancellationRequest.objects.order_by("-quantity").select_related("reason")
    assert [
        (case.quantity, case.status, case.cancellation_type, case.source, case.remote_id)
        for case in requests
    ] == [
        (6, "completed", "cancel", "import", "C3/1"),
        (2, "completed", "cancel", "import", "C3/1"),
    ]
    assert requests[0].created_date == datetime(2010, 12, 3, 8, tzinfo=UTC)
    assert (requests[0].reason.subject, requests[0].reason.is_active) == ("Imported", False)


def test_no_more_units_are_cancelled_than_were_bought(tmp_path: Path) -> None:
    result = import_file(
        write(
            tmp_path,
            line(number="1", quantity=6),
            line(number="C2", quantity=-4),
            line(number="C3", quantity=-4),
            line(number="C4", quantity=-1),
        )
    )

    assert result.errors == [(4, "C3", "partly_matched"), (5, "C4", "unmatched")]
    assert result.lines[0]["reason"] == "only 2 of 4 units could be matched"
    assert (result.summary.matched_lines, result.summary.cases) == (1, 2)
    assert OrderItem.objects.get().units_closed == 6


@pytest.mark.parametrize(
    "values",
    [
        {"customer": "17851.0"},
        {"customer": ""},
        {"sku": "71053"},
        {"at": "2010-12-01 08:25:59"},
    ],
    ids=["another customer", "no customer", "another product", "before the purchase"],
)
def test_a_cancellation_without_a_match_is_reported(tmp_path: Path, values: dict[str, str]) -> None:
    cancelled = line(number="C2", quantity=-1, **values)

    result = import_file(write(tmp_path, line(number="1"), cancelled))

    assert result.errors == [(3, "C2", "unmatched")]
    assert CancellationRequest.objects.count() == 0
    assert OrderItem.objects.get().units_closed == 0


def test_a_cancellation_inside_an_order_does_not_split_it(tmp_path: Path) -> None:
    result = import_file(
        write(tmp_path, line(sku="1"), line(number="C2", sku="9", quantity=-1), line(sku="2"))
    )

    assert result.counts == (1, 0, 0, 0)
    assert result.errors == [(3, "C2", "unmatched")]
    assert OrderItem.objects.count() == 2


def test_adjustments_and_negative_lines_are_reported_and_counted(tmp_path: Path) -> None:
    result = import_file(
        write(
            tmp_path,
            line(number="A1", quantity=1, price="11062.06", customer=""),
            line(number="A2", quantity=1, price="-11062.06", customer=""),
            line(number="3", quantity=-5, price="0", customer=""),
            line(number="4", sku="1"),
            line(number="4", sku="2", quantity=-1),
        )
    )

    assert result.errors == [
        (2, "A1", "adjustment"),
        (3, "A2", "adjustment"),
        (4, "3", "negative"),
        (5, "4", "order_refused"),
        (6, "4", "negative"),
    ]
    assert result.counts == (0, 0, 0, 2)
    assert dict(result.summary.totals) == {"gbp": 1530 - 255}
    assert counts() == (0, 0, 0, 0)


def test_a_second_run_writes_nothing(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        line(number="1"),
        line(number="2", customer=""),
        line(number="C3", quantity=-4),
        line(number="C4", quantity=-4),
    )
    import_file(path)
    before = counts(), list(OrderItem.objects.order_by("id").values())
    assert before[0] == (2, 2, 2, 2)

    again = import_file(path)

    assert (counts(), list(OrderItem.objects.order_by("id").values())) == before
    assert again.counts == (0, 0, 2, 0)
    assert (again.summary.matched_lines, again.summary.cases) == (1, 2)
    assert again.errors == [(5, "C4", "partly_matched")]


def test_a_longer_file_adds_only_what_is_new(tmp_path: Path) -> None:
    import_file(write(tmp_path, line(number="1"), line(number="C2", quantity=-2)))

    longer = import_file(
        write(
            tmp_path,
            line(number="1"),
            line(number="C2", quantity=-2),
            line(number="3"),
            line(number="C4", quantity=-3, at="2011-01-01 00:00:00"),
        )
    )

    assert longer.counts == (1, 0, 1, 0)
    assert counts() == (2, 2, 1, 2)
    used = OrderItem.objects.order_by("id").values_list("units_closed", flat=True)
    assert list(used) == [2, 3]


def test_a_status_is_updated_but_changed_items_are_refused(
    tmp_path: Path,
) -> None:
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(EXAMPLE.read_text().replace('status = "delivered"', 'status = "shipped"'))
    import_file(write(tmp_path, line(number="1"), line(number="2")), read_layout(mapping))

    result = import_file(write(tmp_path, line(number="1"), line(number="2", sku="other")))

    assert result.counts == (0, 1, 0, 1)
    assert result.errors == [(3, "2", "fixed")]
    assert Order.objects.get(number="1").status == Status.DELIVERED
    item = OrderItem.objects.get(order__number="2")
    assert (item.sku, item.status) == ("85123A", Status.SHIPPED)


def test_each_line_of_a_cancelled_invoice_has_its_own_remote_id(tmp_path: Path) -> None:
    result = import_file(
        write(
            tmp_path,
            line(number="1"),
            line(number="C2", quantity=-1),
            line(number="C2", quantity="one"),
            line(number="C2", quantity=-2),
        )
    )

    assert result.errors == [(4, "C2", "quantity")]
    cases = CancellationRequest.objects.order_by("id")
    assert list(cases.values_list("remote_id", "quantity")) == [("C2/1", 1), ("C2/3", 2)]
    assert OrderItem.objects.get().units_closed == 3


def test_a_later_cancellation_closes_further_units(tmp_path: Path) -> None:
    lines = [line(number="1"), line(number="C2", quantity=-2), line(number="C3", quantity=-3)]
    import_file(write(tmp_path, *lines[:2]))

    result = import_file(write(tmp_path, *lines))

    assert (result.summary.matched_lines, result.lines) == (2, [])
    assert OrderItem.objects.get().units_closed == 5
