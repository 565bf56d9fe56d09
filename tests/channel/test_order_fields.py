"""Fields of an order: alternative forms, and values that contradict each other."""

from typing import Any

import pytest

from tests.channel import shop
from tests.channel.shop import item_body, order_body
from tests.storefront.api import look_up

pytestmark = pytest.mark.django_db


def test_all_invalid_fields_are_named_at_once() -> None:
    order = {"number": 7, "currency": "xxq", "customer": {"email": "no"}, "is_send": "yes"}
    items = [item_body(status="gone", quantity="\u0661"), item_body(product=None)]
    caller = shop.client()
    before = shop.row_counts()

    response = shop.create_order(caller, order_body(order, *items))

    assert response.status_code == 400
    assert response.json() == {
        "number": ["Not a valid string."],
        "currency": ["This currency is unknown. Send an ISO 4217 code."],
        "customer.email": ["Enter a valid email address."],
        "is_send": ["Must be true or false."],
        "order_item.0.status": ["This status is unknown. Send a status code or its name."],
        "order_item.0.quantity": ["A whole number is required."],
        "order_item.1.product": ["This field is required."],
        "code": "invalid",
    }
    assert shop.row_counts() == before


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("100\u0664", "Use digits of one script only, such as 0 to 9."),
        ("\u0661\u06f1", "Use digits of one script only, such as 0 to 9."),
        ("1\u200b0", "Control and invisible characters are not allowed."),
        ("\u00a0", "This field may not be blank."),
    ],
)
def test_number_that_readers_cannot_type_is_refused(number: str, message: str) -> None:
    response = shop.create_order(shop.client(), order_body({"number": number}))

    assert response.status_code == 400
    assert response.json() == {"number": [message], "code": "invalid"}


def test_number_with_digits_of_one_other_script_is_found_with_ascii_digits() -> None:
    response = shop.create_order(shop.client(), order_body({"number": "\u0661\u0660\u0664"}))

    assert response.status_code == 201
    assert response.json()["number"] == "\u0661\u0660\u0664"
    assert look_up(number="104").status_code == 200


STATUSES: list[tuple[Any, int, str]] = [
    (550, 550, "delivered"),
    ("550", 550, "delivered"),
    ("delivered", 550, "delivered"),
    ("canceled", 100, "cancelled"),
    ("cancelled", 100, "cancelled"),
    ({"value": "450", "label": "x"}, 450, "preparing"),
]


@pytest.mark.parametrize(("status", "code", "name"), STATUSES)
def test_status_is_a_number_its_digits_or_a_name(status: Any, code: int, name: str) -> None:
    response = shop.create_order(
        shop.client(), order_body({"status": status}, item_body(status=status))
    )

    order = response.json()
    assert (order["status"], order["orderitem_set"][0]["status"]) == (code, name)


def test_item_without_status_has_the_status_of_its_order() -> None:
    caller = shop.client()

    delivered = shop.create_order(caller, order_body({"status": 550})).json()
    default = shop.create_order(caller, order_body({"number": "2", "status": None})).json()

    assert delivered["orderitem_set"][0]["status"] == "delivered"
    assert (default["status"], default["orderitem_set"][0]["status"]) == (400, "approved")


QUANTITIES: list[tuple[dict[str, Any], int, float]] = [
    ({}, 1, 11.87),
    ({"quantity": 2}, 2, 5.94),
    ({"attributes": {"quantity": 3}}, 3, 3.96),
    ({"attributes": {"quantity": "3"}, "quantity": "3"}, 3, 3.96),
    ({"quantity": 2, "unit_price": 5.94}, 2, 5.94),
    ({"price": None, "unit_price": "11.87"}, 1, 11.87),
    ({"price": None, "total_price": 11.87}, 1, 11.87),
]


@pytest.mark.parametrize(("fields", "quantity", "unit"), QUANTITIES)
def test_quantity_and_price_have_several_forms(
    fields: dict[str, Any], quantity: int, unit: float
) -> None:
    response = shop.create_order(shop.client(), order_body(None, item_body(**fields)))

    item = response.json()["orderitem_set"][0]
    assert (item["quantity"], item["unit_price"]) == (quantity, unit)
    assert (item["price"], item["total_price"]) == (11.87, 11.87)


DISAGREEMENTS: list[tuple[dict[str, Any], str]] = [
    ({"quantity": 2, "attributes": {"quantity": 3}}, "quantity"),
    ({"attributes": {"quantity": "many"}}, "attributes"),
    ({"total_price": 11.88}, "total_price"),
    ({"unit_price": 11.88}, "unit_price"),
    ({"quantity": 2, "unit_price": 11.87}, "unit_price"),
    ({"price": None}, "price"),
    ({"price_currency": "eur"}, "price_currency"),
    ({"product": {"name": "A thing"}}, "product"),
    ({"benefitapplicant_set": [{"discount_item": 9}]}, "benefitapplicant_set"),
]


@pytest.mark.parametrize(("fields", "field"), DISAGREEMENTS)
def test_contradicting_values_of_an_item_are_refused(fields: dict[str, Any], field: str) -> None:
    caller = shop.client()
    before = shop.row_counts()

    response = shop.create_order(caller, order_body(None, item_body(**fields)))

    assert response.status_code == 400
    assert set(response.json()) == {f"order_item.0.{field}", "code"}
    assert shop.row_counts() == before
