"""Bulk requests: all items or none; errors contain the position of their item."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine

from takeback.cancellations import errors
from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.logistics.models import EasyReturn
from takeback.orders.models import OrderItem
from takeback.orders.statuses import Status
from tests import factories
from tests.storefront.api import CLASSIC, assert_refused, nothing_written, token_of, verify_order
from tests.storefront.routes import (
    BULK_ROUTES,
    ITEMS,
    LOOKUP_FAILED,
    ROUTES,
    Route,
    Shop,
    in_both_dialects,
    texts,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

OPEN_CASES, GUEST_OPEN_CASES = ROUTES["customer, bulk"], ROUTES["guest, bulk"]


def items_in(count: int, **fields: Any) -> list[Any]:
    """Inputs of this many items."""
    return [factories.item_input(remote_id=str(number), **fields) for number in range(count)]


@pytest.fixture
def shop() -> Shop:
    """Both orders have three items."""
    return Shop(items=items_in(3))


MALFORMED: dict[str, tuple[Any, Any]] = {
    "missing": (..., "This field is required."),
    "null": (None, "This field may not be null."),
    "object": ({}, 'Expected a list of items but got type "dict".'),
    "text": ("x", 'Expected a list of items but got type "str".'),
    "empty": ([], "This list may not be empty."),
    "51 items": ([{}] * 51, "Ensure this field has no more than 50 elements."),
    "list of null": ([None], {"0": "This field may not be null."}),
    "list of lists": ([[]], {"0": "Invalid data. Expected a dictionary, but got list."}),
    "list of numbers": ([1], {"0": "Invalid data. Expected a dictionary, but got int."}),
    "list of texts": (["x"], {"0": "Invalid data. Expected a dictionary, but got str."}),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_invalid_list_of_items_is_refused(name: str, shop: Shop) -> None:
    items, text = MALFORMED[name]
    with nothing_written():
        for route_name, route, dialect in in_both_dialects(BULK_ROUTES):
            body = shop.body(route, shop.item_body(route)) | {ITEMS: items}
            body = {key: value for key, value in body.items() if value is not ...}
            response = shop.send(route, body, dialect)
            expected = (
                {key: texts(value, dialect) for key, value in text.items()}
                if isinstance(text, dict)
                else texts(text, dialect)
            )
            assert response.status_code == 400, route_name
            assert response.json() == {ITEMS: expected}, route_name


def test_field_errors_of_items_are_keyed_by_position(shop: Shop) -> None:
    with nothing_written():
        for name, route, dialect in in_both_dialects(BULK_ROUTES):
            body = shop.body(
                route, shop.item_body(route), None, shop.item_body(route, 2, quantity="x")
            )
            response = shop.send(route, body, dialect)
            assert response.status_code == 400, name
            assert response.json() == {
                ITEMS: {
                    "1": texts("This field may not be null.", dialect),
                    "2": {"quantity": texts("A whole number is required.", dialect)},
                }
            }, name


def test_body_with_100000_items_is_not_parsed(shop: Shop) -> None:
    body = '{"cancel_order_items": [' + "{}," * 100_000 + "{}]}"
    with nothing_written():
        for route in BULK_ROUTES.values():
            assert_refused(shop.send(route, body), 400, "malformed_json")


def test_fifty_items_are_accepted() -> None:
    shop = Shop(items=items_in(50))
    for route in (OPEN_CASES, GUEST_OPEN_CASES):
        body = shop.body(route, *(shop.item_body(route, index) for index in range(50)))
        response = shop.send(route, body)

        assert response.status_code == 201
        opened = [case["order_item"] for case in response.json()]
        assert opened == [item["order_item"] for item in body[ITEMS]]
    assert CancellationRequest.objects.count() == 100


@pytest.mark.parametrize("kind", [int, str])
def test_same_item_twice_is_refused(kind: type, shop: Shop) -> None:
    with nothing_written():
        for name, route, dialect in in_both_dialects(BULK_ROUTES):
            first = shop.item_body(route)
            second = first | {"order_item": kind(first["order_item"])}
            response = shop.send(route, shop.body(route, first, second), dialect)
            actual = response.status_code, response.json()
            assert actual == route.refusal(dialect, errors.ITEM_TWICE, 1), name


@pytest.mark.parametrize("foreign", ["unknown", "the other visitor's"])
def test_one_foreign_item_refuses_all_items(foreign: str) -> None:
    shop = Shop(items=items_in(9))
    with nothing_written():
        for name, route, dialect in in_both_dialects(BULK_ROUTES):
            other = ROUTES["customer, one item" if route.is_guest else "guest, one item"]
            pk = 10**9 if foreign == "unknown" else shop.item(other).pk
            bodies = [shop.item_body(route, index) for index in range(9)]
            response = shop.send(
                route, shop.body(route, *bodies, shop.item_body(route, order_item=pk)), dialect
            )
            actual = response.status_code, response.json()
            assert actual == route.refusal(dialect, errors.UNKNOWN_ITEM, 9), name


def test_refusal_contains_the_position_of_its_item(shop: Shop) -> None:
    # The last item was shipped before the request got the lock.
    for order in (shop.customer_order, shop.guest_order):
        last = factories.items_of(order)[2]
        OrderItem.objects.filter(pk=last.pk).update(status=Status.SHIPPED)
    with nothing_written():
        for name, route, dialect in in_both_dialects(BULK_ROUTES):
            body = shop.body(route, *(shop.item_body(route, index) for index in range(3)))
            response = shop.send(route, body, dialect)
            actual = response.status_code, response.json()
            assert actual == route.refusal(dialect, errors.CANNOT_CANCEL_NOW, 2), name


def test_items_of_two_own_orders_are_accepted(shop: Shop) -> None:
    second = factories.create_order(customer=shop.user, number="1002")
    body = shop.body(
        OPEN_CASES,
        shop.item_body(OPEN_CASES),
        shop.item_body(OPEN_CASES, order_item=factories.items_of(second)[0].pk),
    )

    assert shop.send(OPEN_CASES, body).status_code == 201
    assert CancellationRequest.objects.count() == 2


def test_items_of_two_orders_get_two_parcels() -> None:
    shop = Shop(kind="refund", items=items_in(1, status=Status.DELIVERED))
    second = factories.create_order(
        customer=shop.user, number="1002", items=items_in(2, status=Status.DELIVERED)
    )
    bodies = [
        shop.item_body(OPEN_CASES),
        *(shop.item_body(OPEN_CASES, order_item=i.pk) for i in factories.items_of(second)),
    ]
    shared = {
        "shipping_company": factories.create_carrier(needs_pickup=True).pk,
        "pickup_address": factories.create_address(user=shop.user).pk,
    }
    response = shop.send(
        OPEN_CASES, shop.body(OPEN_CASES, *({**body, **shared} for body in bodies))
    )

    assert response.status_code == 201, response.content
    rows = CancellationRequest.objects.order_by("pk").values_list("easy_return_id", flat=True)
    first, *others = rows
    assert others == [others[0]] * 2
    assert first != others[0]
    assert list(EasyReturn.objects.order_by("pk").values_list("max_count", flat=True)) == [1, 2]


def test_guests_and_cancel_order_are_limited_to_one_order(shop: Shop) -> None:
    guests, own = (
        factories.create_order(number="9"),
        factories.create_order(customer=shop.user, number="1002"),
    )
    for route, order in ((GUEST_OPEN_CASES, guests), (ROUTES["cancel order"], own)):
        foreign = shop.item_body(route, order_item=factories.items_of(order)[0].pk)
        with nothing_written():
            response = shop.send(route, shop.body(route, shop.item_body(route), foreign))
        assert (response.status_code, response.json()) == route.refusal(
            CLASSIC, errors.UNKNOWN_ITEM, 1
        )


def test_verified_guest_gets_the_refusal_of_the_look_up(shop: Shop) -> None:
    other = factories.create_order(number="9")
    verify_order(shop.guest)
    foreign = shop.item_body(GUEST_OPEN_CASES, order_item=factories.items_of(other)[0].pk)
    body = {ITEMS: [shop.item_body(GUEST_OPEN_CASES), foreign]}
    with nothing_written():
        response = shop.send(GUEST_OPEN_CASES, body, headers=token_of(shop.guest))
    assert (response.status_code, response.json()) == (400, LOOKUP_FAILED)


def test_guest_with_two_verified_orders_acts_for_the_order_of_the_item(
    shop: Shop, frozen_now: datetime
) -> None:
    # Promises P9, P10.
    key = {"Idempotency-Key": "a-key"}
    second = factories.create_order(number="9")
    other_item = shop.item_body(GUEST_OPEN_CASES, order_item=factories.items_of(second)[0].pk)

    def open_cases(*items: Any) -> Any:
        return shop.send(GUEST_OPEN_CASES, {ITEMS: items}, headers=token_of(shop.guest) | key)

    verify_order(shop.guest)
    first = open_cases(shop.item_body(GUEST_OPEN_CASES))
    with time_machine.travel(frozen_now + timedelta(seconds=5), tick=False):
        verify_order(shop.guest, number="9")
        again = open_cases(shop.item_body(GUEST_OPEN_CASES))
        other = shop.send(GUEST_OPEN_CASES, {ITEMS: [other_item]}, headers=token_of(shop.guest))
        with nothing_written():
            both = [shop.item_body(GUEST_OPEN_CASES, 1), other_item]
            mixed = shop.send(GUEST_OPEN_CASES, {ITEMS: both}, headers=token_of(shop.guest))

    assert [response.status_code for response in (first, again, other)] == [201] * 3
    assert again.content == first.content
    assert (mixed.status_code, mixed.json()) == (400, LOOKUP_FAILED)
    steps = CaseHistory.objects.order_by("pk").values_list("actor_kind", "actor_number")
    assert list(steps) == [("guest", shop.guest_order.pk), ("guest", second.pk)]


@pytest.mark.parametrize("route", [OPEN_CASES, GUEST_OPEN_CASES], ids=["customer", "guest"])
def test_cancellation_and_return_in_one_request(route: Route) -> None:
    shop = Shop(
        items=[factories.item_input(), factories.item_input(remote_id="2", status=Status.DELIVERED)]
    )
    carrier = factories.create_carrier().pk
    refund = shop.item_body(route, 1, cancellation_type="refund", shipping_company=carrier)
    response = shop.send(route, shop.body(route, shop.item_body(route), refund))

    assert response.status_code == 201
    assert [case["cancellation_type"] for case in response.json()] == ["cancel", "refund"]
    easy_return = EasyReturn.objects.get()
    rows = CancellationRequest.objects.order_by("pk").values_list("easy_return_id", flat=True)
    assert list(rows) == [None, easy_return.pk]
    assert easy_return.max_count == 1


def test_value_of_an_item_overrides_the_shared_value() -> None:
    shop = Shop(kind="refund", items=items_in(3, status=Status.DELIVERED))
    home, work = (
        factories.create_address(user=shop.user, line=text).pk for text in ("Home", "Work")
    )
    carrier = factories.create_carrier(needs_pickup=True).pk
    bodies = [
        shop.item_body(OPEN_CASES, 0, shipping_company=carrier),
        shop.item_body(OPEN_CASES, 1, shipping_company=carrier, pickup_address=work),
        shop.item_body(OPEN_CASES, 2, shipping_company=carrier, fully_refund_as_loyalty_money=False,
                  pickup_address=None),
    ]  # fmt: skip
    shared = {"pickup_address": home, "fully_refund_as_loyalty_money": True}
    response = shop.send(OPEN_CASES, shop.body(OPEN_CASES, *bodies, **shared))

    assert response.status_code == 201
    assert [case["fully_refund_as_loyalty_money"] for case in response.json()] == [
        True,
        True,
        False,
    ]
    rows = CancellationRequest.objects.order_by("pk")
    places = rows.values_list("easy_return__pickup_address_id", "easy_return__max_count")
    assert list(places) == [(home, 2), (work, 1), (home, 2)]


@pytest.mark.parametrize("route", [OPEN_CASES, GUEST_OPEN_CASES], ids=["customer", "guest"])
def test_unknown_address_is_an_error_of_its_own_field(route: Route) -> None:
    shop = Shop(kind="refund", items=items_in(2, status=Status.DELIVERED))
    foreign = factories.create_address(user=factories.create_customer(email="b@example.com")).pk
    text = "There is no such address."
    with nothing_written():
        for name, _, dialect in in_both_dialects({"": route}):
            bodies = [shop.item_body(route, index) for index in (0, 1)]
            shared = shop.send(route, shop.body(route, *bodies, pickup_address=foreign), dialect)
            assert shared.status_code == 400, name
            assert shared.json() == {"pickup_address": texts(text, dialect)}, name
            bodies[1]["pickup_address"] = foreign
            inside = shop.send(route, shop.body(route, *bodies), dialect)
            assert inside.status_code == 400, name
            assert inside.json() == {ITEMS: {"1": {"pickup_address": texts(text, dialect)}}}, name


def test_cancel_order_uses_shared_values(shop: Shop) -> None:
    route = ROUTES["cancel order"]
    body = shop.body(
        route, shop.item_body(route), shop.item_body(route, 1), fully_refund_as_loyalty_money=True
    )
    response = shop.send(route, body)

    assert [case["fully_refund_as_loyalty_money"] for case in response.json()] == [True, True]
    events = CaseHistory.objects.order_by("cancellation_request_id", "seq")
    assert list(events.values_list("event", flat=True)) == ["open", "confirm"] * 2
