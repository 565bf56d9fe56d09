"""Refunds of other systems in orders that channels send: created, changed, shown and refused."""

from decimal import Decimal
from typing import Any

import pytest

from takeback.core import clock
from takeback.orders.models import Order, OrderItem, Payment
from tests import factories
from tests.channel import shop
from tests.channel.shop import item_body, order_body
from tests.storefront.api import look_up

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several requests"),
]

ITEMS = f"/api/v1/channel/{shop.SHOP}/order_items/"
MANY = f"{ITEMS}bulk_status_update/"


def three_units(order: dict[str, Any] | None = None, **item: Any) -> Any:
    """POST an order of three units for 30.00, which have just been delivered."""
    fields = {"amount": "30.00", "shipping_amount": 0, "status": 550} | (order or {})
    delivered = {"delivered_date": clock.now().isoformat()}
    body = order_body(fields, item_body(price="30.00", quantity=3, **delivered) | item)
    return shop.create_order(shop.client(), body)


def patch_order(**fields: Any) -> Any:
    """PATCH the only order."""
    return shop.patch(f"/api/v1/orders/{Order.objects.get().pk}/", fields)


def patch_item(**fields: Any) -> Any:
    """PATCH the only item."""
    return shop.patch(f"{ITEMS}{OrderItem.objects.get().pk}/", fields)


def patch_items(**fields: Any) -> Any:
    """PATCH the only item as one of several."""
    change = {"id": OrderItem.objects.get().pk} | fields
    return shop.patch(MANY, {"orderitem_set": [change]})


@pytest.mark.parametrize(
    ("fields", "minor"),
    [
        ({"refunded_elsewhere_amount": "10.00"}, 1000),
        ({"refund_amount": "10.00"}, 1000),
        ({"refund_amount": 10, "refunded_elsewhere_amount": 12.5}, 1250),
        ({"refund_amount": "30.00"}, 3000),
        ({"shipping_refund_amount": "5.00"}, 500),
        ({"refund_amount": "10.00", "shipping_refund_amount": "5.00"}, 1000),
        ({"refund_amount": 0}, 0),
        ({"refunded_elsewhere_amount": None, "refund_amount": ""}, 0),
        ({}, 0),
    ],
)
def test_refunds_before_the_import_are_stored(fields: dict[str, Any], minor: int) -> None:
    response = three_units(fields)

    if "" in fields.values():
        assert (response.status_code, set(response.json())) == (400, {"refund_amount", "code"})
        return
    assert response.status_code == 201, response.content
    amount = Decimal(minor) / 100
    document = response.json()
    assert (document["refund_amount"], document["refunded_elsewhere_amount"]) == (0, amount)
    order = Order.objects.get()
    assert (order.refund_minor, order.refunded_elsewhere_minor) == (0, minor)
    assert look_up().json()[0]["refund_amount"] == f"{amount:.2f}"


def test_units_refunded_before_the_import_are_stored() -> None:
    (item,) = three_units(refunded_elsewhere_quantity="2").json()["orderitem_set"]

    assert (item["quantity"], item["refunded_elsewhere_quantity"]) == (3, 2)
    assert OrderItem.objects.get().refunded_elsewhere_quantity == 2
    assert look_up().json()[0]["is_refundable"] is True


def test_item_refunded_elsewhere_can_be_neither_returned_nor_cancelled() -> None:
    three_units(refunded_elsewhere_quantity=3)

    for status in (400, 550):
        OrderItem.objects.update(status=status)
        (shown,) = look_up().json()
        assert (shown["is_cancellable"], shown["is_refundable"]) == (False, False)
        assert shown["orderitem_set"][0]["closed_because"]["code"] == "cancellation_request_100_2"


@pytest.mark.parametrize(
    ("ours", "stored", "fields", "minor"),
    [
        (0, 0, {"refunded_elsewhere_amount": "10.00"}, 1000),
        (0, 1000, {"refunded_elsewhere_amount": 12}, 1200),
        (1000, 0, {"refund_amount": "10.00"}, 0),  # our own refund in the shop's feed
        (1000, 0, {"refund_amount": "15.00"}, 500),
        (1000, 500, {"refund_amount": "12.00"}, 500),  # the total of refunds never falls
        (1000, 0, {"refund_amount": "30.00", "refunded_elsewhere_amount": "20.00"}, 2000),
        (2000, 2000, {"refunded_elsewhere_amount": "20.00"}, 2000),  # accepted before ours grew
    ],
)
def test_later_refunds_raise_the_total(
    ours: int, stored: int, fields: dict[str, Any], minor: int
) -> None:
    three_units()
    Payment.objects.update(refunded_minor=ours)
    Order.objects.update(refund_minor=ours, refunded_elsewhere_minor=stored)
    before = Order.objects.get().modified_date

    response = patch_order(**fields)

    assert response.status_code == 200, response.content
    assert response.json()["refunded_elsewhere_amount"] == Decimal(minor) / 100
    order = Order.objects.get()
    assert (order.refund_minor, order.refunded_elsewhere_minor) == (ours, minor)
    assert (order.modified_date > before) is (minor > stored)
    assert patch_order(**fields).json() == response.json()


def test_shown_order_and_item_can_be_sent_back() -> None:
    three_units({"refund_amount": "10.00"}, refunded_elsewhere_quantity=1)
    Payment.objects.update(refunded_minor=500)
    Order.objects.update(refund_minor=500)
    rows = shop.stored_rows()
    order = shop.find_orders(shop.client()).json()["results"][0]
    item = order["orderitem_set"][0]
    names = ("refund_amount", "refunded_elsewhere_amount")

    assert patch_order(**{name: order[name] for name in names}).status_code == 200
    units = {"refunded_elsewhere_quantity": item["refunded_elsewhere_quantity"]}
    assert patch_item(**units).status_code == 200
    assert shop.stored_rows() == rows


@pytest.mark.parametrize("change", [patch_item, patch_items])
def test_later_units_refunded_elsewhere_are_stored(change: Any) -> None:
    three_units(refunded_elsewhere_quantity=1)

    response = change(refunded_elsewhere_quantity=3)

    assert response.status_code == 200, response.content
    assert OrderItem.objects.get().refunded_elsewhere_quantity == 3


TOTALS = ("refunded_elsewhere_amount", "refund_amount")
INVALID_AMOUNTS: tuple[Any, ...] = ("30.01", -1, "1.001", "ten", "1e1", True, [], {}, 10**30)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((name, value) for name in TOTALS for value in INVALID_AMOUNTS),
        ("shipping_refund_amount", "30.01"),
    ],
)
def test_invalid_refund_of_a_new_order_is_refused_by_name(field: str, value: Any) -> None:
    response = three_units({field: value})

    named = "refund_amount" if field == "shipping_refund_amount" else field
    assert (response.status_code, set(response.json())) == (400, {named, "code"})
    assert not Order.objects.exists()


@pytest.mark.parametrize("value", [4, -1, "1.5", 1.5, "one", True, [], {}, 10**30])
def test_invalid_units_of_a_new_order_are_refused_by_name(value: Any) -> None:
    response = three_units(refunded_elsewhere_quantity=value)

    expected = {"order_item.0.refunded_elsewhere_quantity", "code"}
    assert (response.status_code, set(response.json())) == (400, expected)
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        (
            "refunded_elsewhere_amount",
            "20.01",
            "Refunds cannot exceed what the order was charged. Send at most 20.00 TRY.",
        ),
        (
            "refund_amount",
            "30.01",
            "Refunds cannot exceed what the order was charged. Send at most 30.00 TRY.",
        ),
        (
            "refunded_elsewhere_amount",
            "4.99",
            "The total of refunds made elsewhere cannot fall. Send 5.00 TRY or more.",
        ),
        ("refunded_elsewhere_amount", -1, "This amount is out of range."),
        ("refunded_elsewhere_amount", "1.001", "A valid amount of this currency is required."),
        ("refunded_elsewhere_amount", {}, "A valid amount of this currency is required."),
        ("refunded_elsewhere_amount", None, "This field may not be null."),
        ("refund_amount", "ten", "A valid amount of this currency is required."),
        ("refund_amount", None, "This field may not be null."),
    ],
)
def test_invalid_refund_of_an_order_is_refused_by_name(field: str, value: Any, text: str) -> None:
    three_units({"refunded_elsewhere_amount": "5.00"})
    Payment.objects.update(refunded_minor=1000)
    Order.objects.update(refund_minor=1000)
    rows = shop.stored_rows()

    response = patch_order(is_send=True, **{field: value})

    assert (response.status_code, response.json()[field]) == (400, [text])
    assert set(response.json()) == {field, "code"}
    assert shop.stored_rows() == rows


def test_decimals_of_a_refund_are_those_of_the_currency() -> None:
    three_units({"currency": "jpy", "amount": 30}, price=30)

    assert patch_order(refunded_elsewhere_amount="1.5").status_code == 400
    assert patch_order(refunded_elsewhere_amount="15").status_code == 200
    assert Order.objects.get().refunded_elsewhere_minor == 15


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            3,
            "The item does not have that many units left to refund. Send at most 2.",
        ),
        (0, "The number of units refunded elsewhere cannot fall. Send 1 or more."),
        (-1, "This number is out of range."),
        (10**30, "This number is out of range."),
        ("one", "A whole number is required."),
        (1.5, "A whole number is required."),
        ({}, "A whole number is required."),
        (None, "This field may not be null."),
    ],
)
@pytest.mark.parametrize(
    ("change", "prefix"), [(patch_item, ""), (patch_items, "orderitem_set.0.")]
)
def test_invalid_units_of_an_item_are_refused_by_name(
    change: Any, prefix: str, value: Any, text: str
) -> None:
    three_units(refunded_elsewhere_quantity=1)
    OrderItem.objects.update(units_closed=1)
    rows = shop.stored_rows()

    response = change(refunded_elsewhere_quantity=value, tracking_number="T")

    field = f"{prefix}refunded_elsewhere_quantity"
    assert (response.status_code, response.json()) == (
        400,
        {field: [text], "code": response.json()["code"]},
    )
    assert shop.stored_rows() == rows


def test_order_of_another_channel_is_not_found() -> None:
    order = factories.create_order()
    stranger = shop.client(shop.key(channels=[shop.OTHER]))
    body = {"refunded_elsewhere_amount": "1.00"}

    assert shop.patch(f"/api/v1/orders/{order.pk}/", body, stranger).status_code == 404
    assert Order.objects.get().refunded_elsewhere_minor == 0
