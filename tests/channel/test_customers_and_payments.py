"""Customer, addresses and payments of an order: as an object, as an id, or missing."""

from typing import Any

import pytest

from takeback.accounts.models import User
from takeback.addresses.models import Address
from takeback.orders.models import Order, Payment
from tests.channel import shop
from tests.channel.shop import order_body

pytestmark = pytest.mark.django_db


def test_payments_are_stored() -> None:
    payments = [
        {"payment_type": "credit_card", "amount": "15.37", "reference": "P-1"},
        {"payment_type": "loyalty_money", "amount": 5, "captured_amount": 0},
    ]

    shop.create_order(shop.client(), order_body({"payments": payments}))

    stored = Payment.objects.order_by("pk").values_list("kind", "reference", "amount_minor")
    assert list(stored) == [("credit_card", "P-1", 1537), ("loyalty_money", None, 500)]
    captured = Payment.objects.order_by("pk").values_list("captured_minor", flat=True)
    assert list(captured) == [1537, 0]


def test_payment_on_delivery_is_not_captured() -> None:
    shop.create_order(shop.client(), order_body({"payment_option_slug": "pay-on-delivery"}))

    payment = Payment.objects.get()
    assert (payment.kind, payment.captured_minor) == ("pay_on_delivery", 0)


def test_bank_transfer_is_its_own_kind_of_payment() -> None:
    transfer = [{"amount": "20.37", "reference": "T"}]

    shop.create_order(shop.client(), order_body({"fundstransfertransaction_set": transfer}))

    payment = Payment.objects.get()
    assert (payment.kind, payment.reference) == ("funds_transfer", "T")


def test_order_without_address_gets_a_synthetic_one() -> None:
    shop.create_order(shop.client(), order_body())

    address = Address.objects.get()
    assert (address.line, address.country.code) == ("-", "zz")
    assert (address.first_name, address.last_name) == ("Ayla", "Ray")
    assert address.extra_field == {"synthetic": True}


ADDRESS = {
    "first_name": "Ayla",
    "line": "Long Street 1",
    "country": {"pk": 1, "name": "Türkiye", "code": "TR"},
    "city": {"pk": 80, "name": "Adana"},
    "township": "Seyhan",
    "postcode": 1000,
}


def test_address_is_an_object_or_the_id_of_a_stored_one() -> None:
    caller = shop.client()
    shop.create_order(caller, order_body({"shipping_address": ADDRESS}))
    first = Order.objects.get().shipping_address
    assert (first.country.code, first.city.name, first.postcode) == ("tr", "Adana", "1000")
    assert first.extra_field is None

    shop.create_order(caller, order_body({"number": "2", "shipping_address": first.pk}))

    second = Order.objects.get(number="2").shipping_address
    assert (second.pk != first.pk, second.hash_data) == (True, first.hash_data)


def test_single_address_serves_for_shipping_and_billing() -> None:
    shop.create_order(shop.client(), order_body({"billing_address": ADDRESS}))

    order = Order.objects.get()
    assert order.shipping_address_id == order.billing_address_id
    assert order.shipping_address.line == "Long Street 1"


def test_customer_is_an_object_or_an_id_and_stored_once() -> None:
    caller = shop.client()
    first = shop.create_order(caller, order_body()).json()

    second = shop.create_order(
        caller, order_body({"number": "2", "customer": first["customer"]})
    ).json()
    third = shop.create_order(
        caller, order_body({"number": "3", "customer": {"email": "GUEST@example.com"}})
    )

    assert first["customer"] == second["customer"] == third.json()["customer"]
    assert User.objects.count() == 1


@pytest.mark.parametrize("number", [0, -1, 2**31, 2**63 - 1, 2**63, 10**39, "00", "x", True])
def test_unknown_customer_or_address_id_is_a_field_error(number: Any) -> None:
    caller = shop.client()
    before = shop.row_counts()

    fields = {"customer": number, "shipping_address": number, "billing_address": number}
    response = shop.create_order(caller, order_body(fields))

    assert response.status_code == 400
    assert set(response.json()) == {"customer", "shipping_address", "billing_address", "code"}
    assert shop.row_counts() == before


def test_customers_addresses_and_points_of_other_channels_are_unknown() -> None:
    stranger = shop.client(shop.key(channels=[shop.OTHER]))
    points = {"uuid": "123e4567-e89b-12d3-a456-426614174000", "amount": 1}
    theirs = order_body({"shipping_address": ADDRESS, "loyaltytransaction_set": [points]})
    other = shop.create_order(stranger, theirs, channel=shop.OTHER).json()
    address = Order.objects.get().shipping_address_id
    caller = shop.client()
    before = shop.row_counts()

    foreign = {"customer": other["customer"], "shipping_address": address}
    absent = {"customer": 10**9, "shipping_address": 10**9}
    responses = [shop.create_order(caller, order_body(fields)) for fields in (foreign, absent)]
    booked = shop.create_order(caller, order_body({"loyaltytransaction_set": [points]}))

    assert responses[0].json() == {
        "customer": ["Not found."],
        "shipping_address": ["Not found."],
        "code": "invalid",
    }
    assert responses[0].content == responses[1].content
    assert set(booked.json()) == {"loyaltytransaction_set", "code"}
    assert shop.row_counts() == before


def test_channel_in_the_body_must_match_the_path() -> None:
    caller = shop.client(shop.key(channels=[shop.SHOP, shop.OTHER]))

    assert set(shop.create_order(caller, order_body({"channel": 2})).json()) == {"channel", "code"}
    assert shop.create_order(caller, order_body({"channel": 1})).status_code == 201
