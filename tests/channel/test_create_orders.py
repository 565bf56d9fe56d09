"""Importing orders: stored rows, the response, and repeated requests."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from takeback.orders.models import BenefitApplicant, DiscountItem, Order, OrderItem, Payment
from tests import factories
from tests.channel import shop
from tests.channel.shop import item_body, order_body
from tests.storefront.api import verify_order

pytestmark = pytest.mark.django_db


def test_order_is_stored_with_all_its_rows() -> None:
    response = shop.create_order(shop.client(), order_body())

    assert response.status_code == 201
    assert shop.row_counts() == {
        "accounts.ApiKey": 1,
        "accounts.Channel": 1,
        "accounts.User": 1,
        "addresses.Address": 1,
        "addresses.City": 1,
        "addresses.Country": 1,
        "orders.Order": 1,
        "orders.OrderItem": 1,
        "orders.Snapshot": 1,
        "orders.Payment": 1,
    }
    order = Order.objects.get()
    assert (order.number, order.user_type, order.user_email) == (
        factories.NUMBER,
        "guest",
        factories.GUEST,
    )
    assert (order.goods_minor, order.shipping_minor, order.amount_minor) == (1187, 850, 2037)
    assert (order.source, order.is_finalized) == ("channel", True)
    payment = Payment.objects.get()
    assert (payment.kind, payment.amount_minor, payment.captured_minor) == ("unknown", 2037, 2037)


DOCUMENT: dict[str, Any] = {
    "number": factories.NUMBER,
    "channel": shop.SHOP,
    "date_placed": "2026-03-01T09:00:00Z",
    "extra_field": {},
    "payment_option": None,
    "payment_option_slug": None,
    "bin_number": None,
    "installment": None,
    "installment_count": 1,
    "installment_interest_amount": 0,
    "cargo_company": None,
    "is_send": False,
    "delivery_type": None,
    "cancellation_info": {},
    "cancel_status": None,
    "shipping_interest_amount": 0,
    "external_status": None,
    "client_type": "default",
    "carrier_shipping_code": None,
    "segment": None,
    "checkout_provider_id": None,
    "status": 400,
    "currency": "try",
    "amount": 20.37,
    "discount_amount": 0,
    "shipping_amount": 8.5,
    "shipping_tax_rate": None,
    "refund_amount": 0,
    "discount_refund_amount": 0,
    "shipping_refund_amount": 0,
    "refunded_elsewhere_amount": 0,
    "invoice_number": None,
    "invoice_date": None,
    "e_archive_url": None,
    "tracking_number": None,
    "defined_tracking_url": None,
    "shipping_company": None,
    "remote_addr": None,
    "has_gift_box": False,
    "gift_box_note": None,
    "language_code": "",
    "notes": None,
    "delivery_range": None,
    "shipping_option_slug": None,
    "refund_set": [],
}


def test_response_has_all_keys_and_exact_amounts() -> None:
    response = shop.create_order(shop.client(), order_body())

    order = response.json()
    item = order.pop("orderitem_set")[0]
    row = Order.objects.get()
    times = {"created_date": order["created_date"], "modified_date": order["modified_date"]}
    ids = {"pk": row.pk, "id": row.pk, "customer": row.user_id}
    assert order == DOCUMENT | times | ids
    assert (item["pk"], item["order"]) == (item["id"], row.pk)
    assert (item["status"], item["price_currency"]) == ("approved", "try")
    assert (item["product"]["pk"], item["product"]["id"]) == (4283, 4283)
    for literal in (b'"amount":20.37,', b'"shipping_amount":8.50,', b'"discount_amount":0.00,'):
        assert literal in response.content


@pytest.mark.parametrize(
    ("currency", "price", "unit", "literal"),
    [
        ("try", 11.87, "11.87", b'"amount":11.87,'),
        ("eur", "1.5", 1.5, b'"amount":1.50,'),
        ("jpy", 1000, "1000", b'"amount":1000,'),
        ("kwd", "1.250", 1.25, b'"amount":1.250,'),
    ],
)
def test_amounts_have_the_decimals_of_their_currency(
    currency: str, price: Any, unit: Any, literal: bytes
) -> None:
    order = {"currency": currency, "amount": price, "shipping_amount": 0}

    response = shop.create_order(
        shop.client(), order_body(order, item_body(price=price, unit_price=unit))
    )

    assert response.status_code == 201
    assert literal in response.content
    assert literal.replace(b"amount", b"price") in response.content


@pytest.mark.parametrize(
    ("rate", "shown"), [("8.875", "8.875"), (9.975, "9.975"), (18, "18.00"), ("19.60", "19.60")]
)
def test_rates_are_shown_with_their_decimals(rate: Any, shown: str) -> None:
    client = shop.client()
    body = order_body({"shipping_tax_rate": rate}, item_body(tax_rate=rate))

    response = shop.create_order(client, body)

    assert response.status_code == 201
    assert f'"tax_rate":{shown},' in response.content.decode()
    assert f'"shipping_tax_rate":{shown},' in response.content.decode()
    order = verify_order(factories.HttpClient()).json()[0]
    assert (order["shipping_tax_rate"], order["orderitem_set"][0]["tax_rate"]) == (shown, shown)


def test_repeated_order_is_the_same_order() -> None:
    caller = shop.client()
    first = shop.create_order(caller, order_body())
    before = shop.row_counts()

    second = shop.create_order(caller, order_body())
    third = shop.create_order(caller, order_body())

    assert [response.status_code for response in (first, second, third)] == [201, 200, 200]
    assert first.content == second.content == third.content
    assert shop.row_counts() == before


def test_repeated_order_updates_mutable_fields() -> None:
    caller = shop.client()
    first = shop.create_order(caller, order_body()).json()
    moved = {"status": "shipped", "tracking_number": "TN-1"}
    before = shop.row_counts()

    again = shop.create_order(
        caller, order_body(moved, item_body(status=500, tracking_number="TN-1"))
    )

    assert again.status_code == 200
    order = again.json()
    assert (order["id"], order["status"], order["tracking_number"]) == (first["id"], 500, "TN-1")
    assert order["orderitem_set"][0]["status"] == "shipped"
    assert order["orderitem_set"][0]["id"] == first["orderitem_set"][0]["id"]
    assert shop.row_counts() == before


def test_repeated_order_with_other_amounts_is_refused() -> None:
    caller = shop.client()
    first = shop.create_order(caller, order_body())
    other = order_body({"amount": "20.50"}, item_body(price="12.00"))

    response = shop.create_order(caller, other)

    assert response.status_code == 406
    fixed = (
        "This cannot change once the order has been received."
        " Leave the field out, or send the value that was sent first."
    )
    assert response.json() == {"order_item.0.price": [fixed], "code": "order_is_fixed"}
    assert shop.find_orders(caller).json()["results"] == [first.json()]


CONTRADICTIONS: list[tuple[dict[str, Any], list[dict[str, Any]], str]] = [
    (
        {"amount": "20.38"},
        [item_body()],
        "the parts add up to 20.37 TRY, but the order's amount is 20.38 TRY",
    ),
    (
        {"discount_amount": 1},
        [item_body(discount_amount=2)],
        "the items' discounts do not add up to the order's discount",
    ),
    ({"discount_amount": 12, "amount": None}, [item_body()], "exceeds the price of its items"),
    ({"payments": [{"amount": 1}]}, [item_body()], "the payments do not add up"),
]


@pytest.mark.parametrize(("order", "items", "reason"), CONTRADICTIONS)
def test_order_with_contradicting_amounts_is_refused(
    order: dict[str, Any], items: list[dict[str, Any]], reason: str
) -> None:
    caller = shop.client()
    before = shop.row_counts()

    response = shop.create_order(caller, order_body(order, *items))

    body = response.json()
    assert response.status_code == 400
    assert set(body) == {"amount", "code"}
    assert body["code"] == "order_does_not_add_up"
    assert body["amount"][0] == "The amounts of this order do not add up."
    assert reason in body["amount"][1]
    assert shop.row_counts() == before


def test_discount_applies_to_the_items_that_are_linked_to_it() -> None:
    order = {
        "amount": None,
        "shipping_amount": None,
        "discountitem_set": [
            {"id": 7, "name": "Named by a line", "amount": 1},
            {"name": "Names a line", "amount": 2, "items": ["B"]},
            {"name": "For all", "amount": "3.00"},
        ],
    }
    items = [
        item_body(price=10, extra_field={"id": "A"}, benefitapplicant_set=[{"discount_item": 7}]),
        item_body(price=20, extra_field={"id": "B"}),
    ]

    response = shop.create_order(shop.client(), order_body(order, *items))

    assert response.json()["discount_amount"] == 6
    assert [row["discount_amount"] for row in response.json()["orderitem_set"]] == [2, 4]
    names = dict(DiscountItem.objects.values_list("pk", "name"))
    remote = dict(OrderItem.objects.values_list("pk", "remote_id"))
    shares = BenefitApplicant.objects.values_list("discount_item", "order_item", "amount_minor")
    assert {(names[d], remote[i], amount) for d, i, amount in shares} == {
        ("Named by a line", "A", 100),
        ("Names a line", "B", 200),
        ("For all", "A", 100),
        ("For all", "B", 200),
    }
    first = response.json()["orderitem_set"][0]["benefitapplicant_set"]
    assert [row["amount"] for row in first] == [1, 1]


def test_units_with_one_remote_id_become_separate_items() -> None:
    items = [item_body(extra_field={"id": 9}), item_body(extra_field={"id": 9}), item_body()]

    response = shop.create_order(shop.client(), order_body({"amount": None}, *items))

    assert response.status_code == 201
    remote = OrderItem.objects.order_by("pk").values_list("remote_id", flat=True)
    assert list(remote) == ["9", "9-2", "3"]


def test_unused_keys_are_repeated_and_unknown_keys_ignored() -> None:
    fields: dict[str, Any] = {
        "extra_field": {"id": 77, "rate": 1.25},
        "installment": 3,
        "installment_count": 6,
        "cargo_company": 2,
        "delivery_type": "next_day",
        "cancellation_info": {"reason": "none"},
        "shipping_interest_amount": 1.5,
        "external_status": 1,
        "carrier_shipping_code": "C-1",
        "segment": "premium",
        "checkout_provider_id": 12345,
        "defined_tracking_url": "https://track.example.com/1",
        "delivery_range": {"start": "2026-03-02T00:00:00Z"},
        "shipping_option_slug": "fast",
    }
    unknown = {"id": 5, "pk": 6, "remote_id": 7, "__proto__": {}, "constructor": 1, "uuid": "x"}

    document = shop.create_order(shop.client(), order_body(fields | unknown)).json()

    assert {name: document[name] for name in fields} == fields
    assert not set(unknown) - {"id", "pk"} & set(document)


def test_numbers_in_free_objects_are_kept() -> None:
    body = order_body({"extra_field": {"huge": 10**39, "tiny": 1e-7, "half": 0.5}})
    caller = shop.client()

    first, second = shop.create_order(caller, body), shop.create_order(caller, body)

    assert (first.status_code, second.status_code) == (201, 200)
    numbers = first.json()["extra_field"]
    assert Decimal(numbers["huge"]) == pytest.approx(Decimal(10**39))
    assert (numbers["tiny"], numbers["half"]) == (1e-7, 0.5)
    assert first.content == second.content


@pytest.mark.parametrize("items", [1, 40])
def test_order_needs_the_same_queries_for_any_length(items: int) -> None:
    caller = shop.client()
    shop.create_order(caller, order_body({"number": "warm"}))
    body = order_body(
        {"amount": None}, *[item_body(product={"pk": n, "sku": f"S{n}"}) for n in range(items)]
    )

    with CaptureQueriesContext(connection) as first:
        assert shop.create_order(caller, body).status_code == 201
    with CaptureQueriesContext(connection) as again:
        assert shop.create_order(caller, body).status_code == 200

    # Two of them read and count the key, four read the response.
    assert (len(first), len(again)) == (22, 10)


@pytest.mark.django_db(transaction=True)
def test_concurrent_imports_of_one_order_create_one_order() -> None:
    caller = shop.client()

    def send(_: int) -> Any:
        try:
            return shop.create_order(caller, order_body())
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=4) as pool:
        responses = list(pool.map(send, range(8)))

    assert sorted(response.status_code for response in responses) == [200] * 7 + [201]
    assert len({response.content for response in responses}) == 1
    assert (Order.objects.count(), OrderItem.objects.count(), Payment.objects.count()) == (1, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_points_sent_for_two_orders_at_once_belong_to_one() -> None:
    caller = shop.client()
    both_have_started = Barrier(2)

    def body(number: str) -> shop.Document:
        points = {"uuid": "123e4567-e89b-12d3-a456-426614174000", "amount": 1}
        return order_body({"number": number, "loyaltytransaction_set": [points]})

    def whose_points(execute: Any, sql: str, *rest: Any) -> Any:
        """Makes both requests read that the points are unused before either writes."""
        result = execute(sql, *rest)
        if sql.startswith("SELECT") and 'FROM "orders_loyaltytransaction"' in sql:
            both_have_started.wait(timeout=30)
        return result

    def send(number: str) -> Any:
        try:
            with connection.execute_wrapper(whose_points):
                return shop.create_order(caller, body(number))
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=2) as pool:
        responses = dict(zip("12", pool.map(send, "12"), strict=True))

    lost, won = sorted(responses, key=lambda number: responses[number].status_code, reverse=True)
    assert (responses[won].status_code, responses[lost].status_code) == (201, 409)
    assert responses[lost].json()["code"] == "conflict"
    assert responses[lost].headers["Retry-After"] == "1"
    assert list(Order.objects.values_list("number", flat=True)) == [won]
    assert OrderItem.objects.count() == 1
    assert set(shop.create_order(caller, body(lost)).json()) == {"loyaltytransaction_set", "code"}


def test_repeated_request_with_its_key_gets_the_first_response() -> None:
    client = shop.client()
    responses = [
        shop.create_order(client, order_body(), **{"Idempotency-Key": "1"}) for _ in range(2)
    ]

    assert [response.status_code for response in responses] == [201, 201]
    assert responses[0].content == responses[1].content
    assert shop.create_order(client, order_body()).status_code == 200
