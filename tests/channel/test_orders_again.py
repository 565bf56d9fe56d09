"""Orders that are received again: later, twice, out of order, changed, with other clients."""

from typing import Any

import pytest
import zeal

from takeback.orders.audit import unbalanced_orders
from takeback.orders.models import Order, OrderItem, Payment
from tests import factories
from tests.channel import shop
from tests.channel.shop import item_body, order_body
from tests.storefront.api import look_up

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

ITEMS = "/api/v1/channel/1/order_items/"
SHIPPED = "2026-03-05T10:00:00Z"


@pytest.fixture
def caller() -> Any:
    return shop.client()


def send(caller: Any, order: dict[str, Any] | None = None, *items: dict[str, Any]) -> Any:
    """Send an order; returns the response."""
    return shop.create_order(caller, order_body(order, *items))


def skipped(response: Any) -> list[str]:
    text = response.headers.get("X-Takeback-Skipped", "")
    return text.split(",") if text else []


def shown_item() -> dict[str, Any]:
    """The item as its guest sees it."""
    with zeal.zeal_context():
        (order,) = look_up(number=factories.NUMBER).json()
    item: dict[str, Any] = order["orderitem_set"][0]
    return item


def item_document(response: Any, position: int = 0) -> dict[str, Any]:
    document: dict[str, Any] = response.json()["orderitem_set"][position]
    return document


def test_order_sent_again_does_not_revert_its_shipment(caller: Any) -> None:
    first = send(caller, {}, item_body(status=400)).json()
    pk = first["orderitem_set"][0]["pk"]
    shipment = {
        "status": 500,
        "tracking_number": "T1",
        "shipped_date": SHIPPED,
        "invoice_number": "I1",
    }
    assert shop.patch(f"{ITEMS}{pk}/", shipment, caller).status_code == 200
    before = shop.stored_rows()

    for order, item, fields in (
        ({"status": 450}, {"status": 450}, ["order_item.0.status", "status"]),
        ({"status": 400}, {"status": 400}, ["order_item.0.status", "status"]),
        ({"status": 400}, {"status": None, "tracking_number": None}, ["status"]),
        ({"status": None}, {"invoice_number": None}, []),
    ):
        again = send(caller, order, item_body(**item))
        assert (again.status_code, again.json()["status"]) == (200, 500)
        assert item_document(again)["tracking_number"] == "T1"
        assert item_document(again)["invoice_number"] == "I1"
        assert not shown_item()["is_cancellable"]
        assert skipped(again) == fields
        after = shop.stored_rows()
        assert [row | {"fingerprint": ""} for row in after] == [
            row | {"fingerprint": ""} for row in before
        ]

    back = shop.patch(f"{ITEMS}{pk}/", {"status": 450}, caller)
    assert (back.status_code, back.json()["code"]) == (400, "order_item_status_goes_back")


def test_order_sent_again_keeps_its_delivery_date(caller: Any) -> None:
    delivered = {"status": 550, "delivered_date": "2026-02-20T10:00:00Z"}
    first = send(caller, {"date_placed": "2026-02-10T09:00:00Z"}, item_body(**delivered))
    assert item_document(first)["delivered_date"] == "2026-02-20T10:00:00Z"

    order = {"date_placed": "2026-02-10T09:00:00Z", "notes": "gift"}
    again = send(caller, order, item_body(status=550))
    later = send(caller, order, item_body(status=550, delivered_date=SHIPPED))

    for response in (again, later):
        assert response.json()["notes"] == "gift"
        assert item_document(response)["delivered_date"] == "2026-02-20T10:00:00Z"
        assert not shown_item()["is_refundable"]
    assert (skipped(again), skipped(later)) == ([], ["order_item.0.delivered_date"])


@pytest.mark.parametrize(
    ("order", "item", "field"),
    [
        ({"customer": {"email": "b@example.com"}}, {}, "customer.email"),
        ({}, {"product": {"sku": "B", "name": "A thing"}}, "order_item.0.sku"),
        (
            {"shipping_address": {
                "first_name": "A", "last_name": "B", "phone_number": "+905321112233",
                "line": "Other Street 2", "city": "Adana", "country": "tr",
            }},
            {},
            "shipping_address",
        ),
        ({"date_placed": "2026-03-02T09:00:00Z"}, {}, "date_placed"),
        ({"payment_type": "credit_card"}, {}, "payment_type"),
        ({"amount": "20.38", "shipping_amount": 8.51}, {}, "shipping_amount"),
        ({"amount": "21.00"}, {}, "amount"),
        ({"currency": "eur"}, {}, "currency"),
    ],
)  # fmt: skip
def test_change_that_cannot_be_applied_is_refused_by_its_field(
    caller: Any, order: dict[str, Any], item: dict[str, Any], field: str
) -> None:
    address = {
        "first_name": "A", "last_name": "B", "phone_number": "+905321112233",
        "line": "Long Street 1", "city": "Adana", "country": "tr",
    }  # fmt: skip
    first = {"shipping_address": address, "payment_type": "funds_transfer"}
    assert send(caller, first, item_body()).status_code == 201
    before = shop.stored_rows()

    response = send(caller, first | order, item_body(**{"status": 500} | item))

    body = response.json()
    assert (response.status_code, field in body) == (406, True)
    assert body["code"] in {"order_is_fixed", "order_addition_does_not_add_up"}
    assert shop.stored_rows() == before


def test_added_item_and_units_are_an_addition(caller: Any) -> None:
    send(caller, {}, item_body(extra_field={"id": "a"}))
    first = OrderItem.objects.values().get()
    items = [
        item_body(extra_field={"id": "a"}, quantity=2, price="20.00", status=550),
        item_body(extra_field={"id": "b"}, product={"sku": "NEW", "name": "Cap"}, price="5.00"),
    ]

    response = send(caller, {"amount": "33.50"}, *items)

    assert (response.status_code, response.json()["amount"]) == (200, 33.5)
    rows = OrderItem.objects.order_by("pk")
    assert list(rows.values_list("remote_id", "split_from", "quantity", "goods_minor")) == [
        ("a", None, 1, 1187),
        ("a/1", first["id"], 1, 813),
        ("b", None, 1, 500),
    ]
    assert list(rows.values_list("shipping_minor", flat=True)) == [850, 0, 0]
    assert list(Payment.objects.order_by("pk").values_list("amount_minor", flat=True)) == [
        2037,
        1313,
    ]
    order = Order.objects.get()
    assert (order.amount_minor, order.goods_minor, order.is_finalized) == (3350, 2500, True)
    assert unbalanced_orders(order.pk, order.pk) == []
    again = send(caller, {"amount": "33.50"}, *items)
    assert (again.status_code, again.content) == (200, response.content)


def test_missing_item_is_left_alone(caller: Any) -> None:
    items = [item_body(extra_field={"id": name}) for name in "ab"]
    send(caller, {"amount": "32.24"}, *items)

    response = send(caller, {"amount": "32.24"}, {**items[1], "status": 500})

    assert response.status_code == 200
    assert [row["status"] for row in response.json()["orderitem_set"]] == ["approved", "shipped"]


UNKNOWN = [999, 0, "999", "gone", {"value": 999}, {"code": 400}, [400], 400.5, True, 10**30]


@pytest.mark.parametrize("status", UNKNOWN)
def test_unknown_status_of_an_order_or_item_is_refused(caller: Any, status: Any) -> None:
    order = send(caller, {"status": status}, item_body())
    item = send(caller, {}, item_body(status=status))

    assert (order.status_code, set(order.json())) == (400, {"status", "code"})
    assert (item.status_code, set(item.json())) == (400, {"order_item.0.status", "code"})
    assert Order.objects.count() == 0


@pytest.mark.parametrize("status", [50, "cancellation_waiting"])
def test_status_50_needs_a_case(caller: Any, status: Any) -> None:
    order = send(caller, {"status": status}, item_body())
    item = send(caller, {}, item_body(status=status))

    assert (order.status_code, set(order.json())) == (400, {"status", "code"})
    assert item.json()["code"] == "order_item_status_needs_case"
    assert Order.objects.count() == 0


def test_feed_that_repeats_status_50_changes_nothing(caller: Any) -> None:
    send(caller, {}, item_body(status=400))
    OrderItem.objects.update(status=50)
    Order.objects.update(status=50)

    response = send(caller, {"status": 50}, item_body(status=50))

    assert (response.status_code, skipped(response)) == (200, [])
    assert OrderItem.objects.values_list("status", "deferred_status").get() == (50, None)


@pytest.mark.parametrize("status", [100, "canceled", 600, {"value": 600}])
def test_order_may_arrive_cancelled_or_refunded(caller: Any, status: Any) -> None:
    assert send(caller, {}, item_body(status=status)).status_code == 201
    assert OrderItem.objects.get().status in (100, 600)


def test_status_without_a_date_gets_the_time_of_the_call(caller: Any) -> None:
    pk = item_document(send(caller, {}, item_body(status=400)))["pk"]

    shop.patch(f"{ITEMS}{pk}/", {"status": 500}, caller)
    dates = OrderItem.objects.values_list("shipped_date", "delivered_date")
    assert list(dates) == [(factories.NOW, None)]
    delivered = shop.patch(f"{ITEMS}{pk}/", {"status": 550}, caller).json()
    repeated = shop.patch(f"{ITEMS}{pk}/", {"status": 550, "delivered_date": None}, caller)

    assert delivered["delivered_date"] == "2026-03-10T12:00:00Z"
    assert (repeated.status_code, repeated.json()) == (200, delivered)


@pytest.mark.parametrize("name", ["shipped_date", "delivered_date"])
def test_second_date_is_refused_and_the_first_counts(caller: Any, name: str) -> None:
    pk = item_document(send(caller, {}, item_body(**{"status": 550, name: SHIPPED})))["pk"]
    before = shop.stored_rows()
    other = {name: "2026-03-09T10:00:00Z"}

    single = shop.patch(f"{ITEMS}{pk}/", {"tracking_number": "T", **other}, caller)
    many = shop.patch(
        f"{ITEMS}bulk_status_update/", {"orderitem_set": [{"id": pk, **other}]}, caller
    )

    assert (single.status_code, set(single.json())) == (400, {name, "code"})
    assert single.json()["code"] == "order_item_date_is_set"
    assert (many.status_code, set(many.json())) == (400, {f"orderitem_set.0.{name}", "code"})
    assert shop.stored_rows() == before


@pytest.mark.parametrize("name", ["shipped_date", "delivered_date"])
@pytest.mark.parametrize(
    "date",
    ["2026-03-10T12:16:00Z", "2030-01-01", "9999-12-31", "1969-12-31", "1970-01-01", "0001-01-01"],
)
def test_date_in_the_future_or_long_ago_is_refused(caller: Any, name: str, date: str) -> None:
    pk = item_document(send(caller, {"number": "1"}, item_body(status=500)))["pk"]
    OrderItem.objects.update(shipped_date=None)
    before = shop.stored_rows()

    new = send(caller, {"number": "2"}, item_body(**{"status": 550, name: date}))
    again = send(caller, {"number": "1"}, item_body(**{name: date}))
    change = shop.patch(f"{ITEMS}{pk}/", {name: date}, caller)

    for response, field in (
        (new, f"order_item.0.{name}"),
        (again, f"order_item.0.{name}"),
        (change, name),
    ):
        assert (response.status_code, set(response.json())) == (400, {field, "code"})
    assert shop.stored_rows() == before


def test_order_of_another_channel_is_another_order(caller: Any) -> None:
    other = shop.client(shop.key(channels=(shop.OTHER,)))
    send(caller, {}, item_body(status=500))

    response = shop.create_order(
        other,
        order_body({"customer": {"email": "b@example.com"}}, item_body(status=400)),
        channel=shop.OTHER,
    )

    assert response.status_code == 201
    statuses = OrderItem.objects.order_by("order__channel_id").values_list("status", flat=True)
    assert list(statuses) == [500, 400]


def test_header_of_skipped_fields_stays_short(caller: Any) -> None:
    bodies = [item_body(extra_field={"id": n}, status=500) for n in range(200)]
    order = {"amount": None, "shipping_amount": None, "status": None}
    send(caller, order, *bodies)

    response = send(caller, order, *[body | {"status": 450} for body in bodies])

    paths = skipped(response)
    assert len(response.headers["X-Takeback-Skipped"]) <= 2_010
    assert paths[0] == "order_item.0.status"
    assert int(paths[-1].removeprefix("+")) + len(paths) - 1 == 200


def test_unknown_keys_and_older_values_report_no_update(caller: Any) -> None:
    send(caller, {"status": 500}, item_body(status=500))
    modified = Order.objects.get().modified_date

    response = send(caller, {"status": 450}, item_body(status=450, unknown=1))

    assert response.status_code == 200
    assert Order.objects.get().modified_date == modified
