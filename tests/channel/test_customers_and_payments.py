"""Who ordered, where it goes and how it is paid: told in full, by number, or not at all."""

from typing import Any

import pytest

from takeback.accounts.models import User
from takeback.addresses.models import Address
from takeback.orders.models import Order, Tender
from tests.channel import shop
from tests.channel.shop import document

pytestmark = pytest.mark.django_db


def test_payments_are_kept_as_tenders() -> None:
    payments = [
        {"payment_type": "credit_card", "amount": "15.37", "reference": "P-1"},
        {"payment_type": "loyalty_money", "amount": 5, "captured_amount": 0},
    ]

    shop.send(shop.client(), document({"payments": payments}))

    told = Tender.objects.order_by("pk").values_list("kind", "reference", "amount_minor")
    assert list(told) == [("credit_card", "P-1", 1537), ("loyalty_money", None, 500)]
    captured = Tender.objects.order_by("pk").values_list("captured_minor", flat=True)
    assert list(captured) == [1537, 0]


def test_a_payment_on_delivery_is_not_captured_yet() -> None:
    shop.send(shop.client(), document({"payment_option_slug": "pay-on-delivery"}))

    tender = Tender.objects.get()
    assert (tender.kind, tender.captured_minor) == ("pay_on_delivery", 0)


def test_a_transfer_is_a_tender_of_its_own_kind() -> None:
    transfer = [{"amount": "20.37", "reference": "T"}]

    shop.send(shop.client(), document({"fundstransfertransaction_set": transfer}))

    tender = Tender.objects.get()
    assert (tender.kind, tender.reference) == ("funds_transfer", "T")


def test_an_order_without_an_address_gets_one_that_says_so() -> None:
    shop.send(shop.client(), document())

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


def test_an_address_is_told_whole_or_by_the_number_of_one_of_this_channel() -> None:
    caller = shop.client()
    shop.send(caller, document({"shipping_address": ADDRESS}))
    first = Order.objects.get().shipping_address
    assert (first.country.code, first.city.name, first.postcode) == ("tr", "Adana", "1000")
    assert first.extra_field is None

    shop.send(caller, document({"number": "2", "shipping_address": first.pk}))

    second = Order.objects.get(number="2").shipping_address
    assert (second.pk != first.pk, second.hash_data) == (True, first.hash_data)


def test_an_order_with_one_address_has_it_for_both() -> None:
    shop.send(shop.client(), document({"billing_address": ADDRESS}))

    order = Order.objects.get()
    assert order.shipping_address_id == order.billing_address_id
    assert order.shipping_address.line == "Long Street 1"


def test_a_customer_is_told_whole_or_by_number_and_is_one_person() -> None:
    caller = shop.client()
    first = shop.send(caller, document()).json()

    second = shop.send(caller, document({"number": "2", "customer": first["customer"]})).json()
    third = shop.send(caller, document({"number": "3", "customer": {"email": "GUEST@example.com"}}))

    assert first["customer"] == second["customer"] == third.json()["customer"]
    assert User.objects.count() == 1


@pytest.mark.parametrize("number", [0, -1, 2**31, 2**63 - 1, 2**63, 10**39, "00", "x", True])
def test_an_unknown_number_of_a_customer_or_address_is_a_field_error(number: Any) -> None:
    caller = shop.client()
    before = shop.rows()

    told = {"customer": number, "shipping_address": number, "billing_address": number}
    answer = shop.send(caller, document(told))

    assert answer.status_code == 400
    assert set(answer.json()) == {"customer", "shipping_address", "billing_address", "code"}
    assert shop.rows() == before


def test_people_addresses_and_points_of_another_channel_are_unknown() -> None:
    stranger = shop.client(shop.key(channels=[shop.OTHER]))
    points = {"uuid": "123e4567-e89b-12d3-a456-426614174000", "amount": 1}
    theirs = document({"shipping_address": ADDRESS, "loyaltytransaction_set": [points]})
    other = shop.send(stranger, theirs, channel=shop.OTHER).json()
    address = Order.objects.get().shipping_address_id
    caller = shop.client()
    before = shop.rows()

    told = {"customer": other["customer"], "shipping_address": address}
    absent = {"customer": 10**9, "shipping_address": 10**9}
    answers = [shop.send(caller, document(fields)) for fields in (told, absent)]
    booked = shop.send(caller, document({"loyaltytransaction_set": [points]}))

    assert answers[0].json() == {
        "customer": ["Not found."],
        "shipping_address": ["Not found."],
        "code": "invalid",
    }
    assert answers[0].content == answers[1].content
    assert set(booked.json()) == {"loyaltytransaction_set", "code"}
    assert shop.rows() == before


def test_the_channel_in_the_body_must_be_the_one_in_the_path() -> None:
    caller = shop.client(shop.key(channels=[shop.SHOP, shop.OTHER]))

    assert set(shop.send(caller, document({"channel": 2})).json()) == {"channel", "code"}
    assert shop.send(caller, document({"channel": 1})).status_code == 201
