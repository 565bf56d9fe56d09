"""What the fields of an order may say, in how many ways, and what they may not say together."""

from typing import Any

import pytest

from tests.channel import shop
from tests.channel.shop import document, item

pytestmark = pytest.mark.django_db


def test_all_fields_at_fault_are_named_at_once() -> None:
    order = {"number": 7, "currency": "xxq", "customer": {"email": "no"}, "is_send": "yes"}
    lines = [item(status="gone", quantity="\u0661"), item(product=None)]
    caller = shop.client()
    before = shop.rows()

    answer = shop.send(caller, document(order, *lines))

    assert answer.status_code == 400
    assert answer.json() == {
        "number": ["Not a valid string."],
        "currency": ["This currency is unknown. Send an ISO 4217 code."],
        "customer.email": ["Enter a valid email address."],
        "is_send": ["Must be true or false."],
        "order_item.0.status": ["This status is unknown. Send a status code or its name."],
        "order_item.0.quantity": ["A whole number is required."],
        "order_item.1.product": ["This field is required."],
        "code": "invalid",
    }
    assert shop.rows() == before


STATUSES: list[tuple[Any, int, str]] = [
    (550, 550, "delivered"),
    ("550", 550, "delivered"),
    ("delivered", 550, "delivered"),
    ("canceled", 100, "cancelled"),
    ("cancelled", 100, "cancelled"),
    ({"value": "450", "label": "x"}, 450, "preparing"),
    (777, 777, "777"),
]


@pytest.mark.parametrize(("told", "code", "name"), STATUSES)
def test_a_status_comes_as_a_number_its_digits_or_a_name(told: Any, code: int, name: str) -> None:
    answer = shop.send(shop.client(), document({"status": told}, item(status=told)))

    order = answer.json()
    assert (order["status"], order["orderitem_set"][0]["status"]) == (code, name)


def test_a_line_without_a_status_has_the_orders_and_without_that_is_approved() -> None:
    caller = shop.client()

    told = shop.send(caller, document({"status": 550})).json()
    untold = shop.send(caller, document({"number": "2", "status": None})).json()

    assert told["orderitem_set"][0]["status"] == "delivered"
    assert (untold["status"], untold["orderitem_set"][0]["status"]) == (400, "approved")


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
def test_quantity_and_prices_may_be_told_in_several_ways(
    fields: dict[str, Any], quantity: int, unit: float
) -> None:
    answer = shop.send(shop.client(), document(None, item(**fields)))

    line = answer.json()["orderitem_set"][0]
    assert (line["quantity"], line["unit_price"]) == (quantity, unit)
    assert (line["price"], line["total_price"]) == (11.87, 11.87)


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
def test_a_line_that_says_two_things_is_refused(fields: dict[str, Any], field: str) -> None:
    caller = shop.client()
    before = shop.rows()

    answer = shop.send(caller, document(None, item(**fields)))

    assert answer.status_code == 400
    assert set(answer.json()) == {f"order_item.0.{field}", "code"}
    assert shop.rows() == before
