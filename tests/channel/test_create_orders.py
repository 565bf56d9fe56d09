"""Telling an order: what is kept, what is answered, and that twice is the same as once."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from takeback.orders.models import BenefitApplicant, DiscountItem, Order, OrderItem, Tender
from tests import factories
from tests.channel import shop
from tests.channel.shop import document, item

pytestmark = pytest.mark.django_db


def test_an_order_is_taken_in_whole() -> None:
    answer = shop.send(shop.client(), document())

    assert answer.status_code == 201
    assert shop.rows() == {
        "accounts.ApiKey": 1,
        "accounts.Channel": 1,
        "accounts.User": 1,
        "addresses.Address": 1,
        "addresses.City": 1,
        "addresses.Country": 1,
        "orders.Order": 1,
        "orders.OrderItem": 1,
        "orders.Snapshot": 1,
        "orders.Tender": 1,
    }
    order = Order.objects.get()
    assert (order.number, order.user_type, order.user_email) == (
        factories.NUMBER,
        "guest",
        factories.GUEST,
    )
    assert (order.goods_minor, order.shipping_minor, order.amount_minor) == (1187, 850, 2037)
    assert (order.source, order.is_finalized) == ("channel", True)
    tender = Tender.objects.get()
    assert (tender.kind, tender.amount_minor, tender.captured_minor) == ("unknown", 2037, 2037)


ANSWER: dict[str, Any] = {
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
    "cancellation_info": None,
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
}


def test_the_answer_has_every_key_and_exact_amounts() -> None:
    answer = shop.send(shop.client(), document())

    order = answer.json()
    line = order.pop("orderitem_set")[0]
    kept = Order.objects.get()
    times = {"created_date": order["created_date"], "modified_date": order["modified_date"]}
    ids = {"pk": kept.pk, "id": kept.pk, "customer": kept.user_id}
    assert order == ANSWER | times | ids
    assert (line["pk"], line["order"]) == (line["id"], kept.pk)
    assert (line["status"], line["price_currency"]) == ("approved", "try")
    assert (line["product"]["pk"], line["product"]["id"]) == (4283, 4283)
    for literal in (b'"amount":20.37,', b'"shipping_amount":8.50,', b'"discount_amount":0.00,'):
        assert literal in answer.content


@pytest.mark.parametrize(
    ("currency", "price", "unit", "literal"),
    [
        ("try", 11.87, "11.87", b'"amount":11.87,'),
        ("eur", "1.5", 1.5, b'"amount":1.50,'),
        ("jpy", 1000, "1000", b'"amount":1000,'),
        ("kwd", "1.250", 1.25, b'"amount":1.250,'),
    ],
)
def test_amounts_have_the_currencys_own_decimals(
    currency: str, price: Any, unit: Any, literal: bytes
) -> None:
    order = {"currency": currency, "amount": price, "shipping_amount": 0}

    answer = shop.send(shop.client(), document(order, item(price=price, unit_price=unit)))

    assert answer.status_code == 201
    assert literal in answer.content
    assert literal.replace(b"amount", b"price") in answer.content


def test_an_order_told_again_is_the_same_order() -> None:
    caller = shop.client()
    first = shop.send(caller, document())
    before = shop.rows()

    second = shop.send(caller, document())
    third = shop.send(caller, document())

    assert [answer.status_code for answer in (first, second, third)] == [201, 200, 200]
    assert first.content == second.content == third.content
    assert shop.rows() == before


def test_an_order_told_again_may_move_on() -> None:
    caller = shop.client()
    first = shop.send(caller, document()).json()
    moved = {"status": "shipped", "tracking_number": "TN-1"}
    before = shop.rows()

    again = shop.send(caller, document(moved, item(status=500, tracking_number="TN-1")))

    assert again.status_code == 200
    order = again.json()
    assert (order["id"], order["status"], order["tracking_number"]) == (first["id"], 500, "TN-1")
    assert order["orderitem_set"][0]["status"] == "shipped"
    assert order["orderitem_set"][0]["id"] == first["orderitem_set"][0]["id"]
    assert shop.rows() == before


def test_an_order_told_again_with_other_amounts_is_refused_and_stays() -> None:
    caller = shop.client()
    first = shop.send(caller, document())
    other = document({"amount": "20.50"}, item(price="12.00"))

    answer = shop.send(caller, other)

    assert answer.status_code == 406
    assert answer.json() == {
        "detail": "An order's lines and amounts are fixed once it has arrived.",
        "code": "order_is_fixed",
    }
    assert shop.find(caller).json()["results"] == [first.json()]


CONTRADICTIONS: list[tuple[dict[str, Any], list[dict[str, Any]], str]] = [
    ({"amount": "20.38"}, [item()], "the parts add up to 2037, but the order's amount is 2038"),
    ({"discount_amount": 1}, [item(discount_amount=2)], "the items' discounts do not add up"),
    ({"discount_amount": 12, "amount": None}, [item()], "exceeds the price of its items"),
    ({"payments": [{"amount": 1}]}, [item()], "the payments do not add up"),
]


@pytest.mark.parametrize(("order", "items", "reason"), CONTRADICTIONS)
def test_an_order_that_contradicts_itself_is_refused_whole(
    order: dict[str, Any], items: list[dict[str, Any]], reason: str
) -> None:
    caller = shop.client()
    before = shop.rows()

    answer = shop.send(caller, document(order, *items))

    body = answer.json()
    assert answer.status_code == 400
    assert set(body) == {"amount", "code"}
    assert body["code"] == "order_does_not_add_up"
    assert body["amount"][0] == "The parts of this order do not add up."
    assert reason in body["amount"][1]
    assert shop.rows() == before


def test_a_discount_falls_on_the_lines_that_name_it_or_that_it_names() -> None:
    order = {
        "amount": None,
        "shipping_amount": None,
        "discountitem_set": [
            {"id": 7, "name": "Named by a line", "amount": 1},
            {"name": "Names a line", "amount": 2, "items": ["B"]},
            {"name": "For all", "amount": "3.00"},
        ],
    }
    lines = [
        item(price=10, extra_field={"id": "A"}, benefitapplicant_set=[{"discount_item": 7}]),
        item(price=20, extra_field={"id": "B"}),
    ]

    answer = shop.send(shop.client(), document(order, *lines))

    assert answer.json()["discount_amount"] == 6
    assert [row["discount_amount"] for row in answer.json()["orderitem_set"]] == [2, 4]
    names = dict(DiscountItem.objects.values_list("pk", "name"))
    remote = dict(OrderItem.objects.values_list("pk", "remote_id"))
    shares = BenefitApplicant.objects.values_list("discount_item", "order_item", "amount_minor")
    assert {(names[d], remote[i], amount) for d, i, amount in shares} == {
        ("Named by a line", "A", 100),
        ("Names a line", "B", 200),
        ("For all", "A", 100),
        ("For all", "B", 200),
    }
    first = answer.json()["orderitem_set"][0]["benefitapplicant_set"]
    assert [row["amount"] for row in first] == [1, 1]


def test_units_of_one_remote_line_become_lines_of_their_own() -> None:
    lines = [item(extra_field={"id": 9}), item(extra_field={"id": 9}), item()]

    answer = shop.send(shop.client(), document({"amount": None}, *lines))

    assert answer.status_code == 201
    remote = OrderItem.objects.order_by("pk").values_list("remote_id", flat=True)
    assert list(remote) == ["9", "9-2", "3"]


def test_what_we_do_not_use_is_repeated_and_what_we_do_not_know_is_ignored() -> None:
    told: dict[str, Any] = {
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

    answer = shop.send(shop.client(), document(told | unknown)).json()

    assert {name: answer[name] for name in told} == told
    assert not set(unknown) - {"id", "pk"} & set(answer)


def test_refunds_are_ours_to_count() -> None:
    told = {"refund_amount": 20, "discount_refund_amount": 1, "shipping_refund_amount": "2"}

    answer = shop.send(shop.client(), document(told)).json()

    assert {name: answer[name] for name in told} == dict.fromkeys(told, 0)


def test_numbers_inside_free_objects_survive() -> None:
    body = document({"extra_field": {"huge": 10**39, "tiny": 1e-7, "half": 0.5}})
    caller = shop.client()

    first, second = shop.send(caller, body), shop.send(caller, body)

    assert (first.status_code, second.status_code) == (201, 200)
    kept = first.json()["extra_field"]
    assert Decimal(kept["huge"]) == pytest.approx(Decimal(10**39))
    assert (kept["tiny"], kept["half"]) == (1e-7, 0.5)
    assert first.content == second.content


@pytest.mark.parametrize("lines", [1, 40])
def test_an_order_costs_the_same_number_of_queries_however_long_it_is(lines: int) -> None:
    caller = shop.client()
    shop.send(caller, document({"number": "warm"}))
    body = document(
        {"amount": None}, *[item(product={"pk": n, "sku": f"S{n}"}) for n in range(lines)]
    )

    with CaptureQueriesContext(connection) as first:
        assert shop.send(caller, body).status_code == 201
    with CaptureQueriesContext(connection) as again:
        assert shop.send(caller, body).status_code == 200

    # Of which two find and count the key and three read the answer.
    assert (len(first), len(again)) == (21, 9)


@pytest.mark.django_db(transaction=True)
def test_an_order_told_by_many_at_once_is_one_order() -> None:
    caller = shop.client()

    def tell(_: int) -> Any:
        try:
            return shop.send(caller, document())
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=4) as pool:
        answers = list(pool.map(tell, range(8)))

    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.content for answer in answers}) == 1
    assert (Order.objects.count(), OrderItem.objects.count(), Tender.objects.count()) == (1, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_points_told_for_two_orders_at_once_go_to_one_and_the_other_may_try_again() -> None:
    caller = shop.client()
    both_have_asked = Barrier(2)

    def body(number: str) -> shop.Document:
        points = {"uuid": "123e4567-e89b-12d3-a456-426614174000", "amount": 1}
        return document({"number": number, "loyaltytransaction_set": [points]})

    def whose_points(execute: Any, sql: str, *rest: Any) -> Any:
        """Each is told that the points are nobody's before either writes."""
        answer = execute(sql, *rest)
        if sql.startswith("SELECT") and 'FROM "orders_loyaltytransaction"' in sql:
            both_have_asked.wait(timeout=30)
        return answer

    def tell(number: str) -> Any:
        try:
            with connection.execute_wrapper(whose_points):
                return shop.send(caller, body(number))
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=2) as pool:
        answers = dict(zip("12", pool.map(tell, "12"), strict=True))

    lost, won = sorted(answers, key=lambda number: answers[number].status_code, reverse=True)
    assert (answers[won].status_code, answers[lost].status_code) == (201, 409)
    assert answers[lost].json()["code"] == "conflict"
    assert answers[lost].headers["Retry-After"] == "1"
    assert list(Order.objects.values_list("number", flat=True)) == [won]
    assert OrderItem.objects.count() == 1
    assert set(shop.send(caller, body(lost)).json()) == {"loyaltytransaction_set", "code"}


def test_a_repeated_call_with_its_key_is_answered_as_the_first_time() -> None:
    client = shop.client()
    answers = [shop.send(client, document(), **{"Idempotency-Key": "1"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert shop.send(client, document()).status_code == 200
