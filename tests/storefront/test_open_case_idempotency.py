"""Idempotency keys: a repeated request runs once (promise P10)."""

from typing import Any

import pytest

from takeback.cancellations.models import CancellationRequest
from takeback.idempotency.models import Reply
from takeback.outbox.models import Message
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import post, token_of
from tests.storefront.routes import GUEST_OPEN_CASE, OPEN_CASES
from tests.storefront.test_open_case import item_body, open_case

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

KEY = {"Idempotency-Key": "a-key"}


def test_repeated_request_returns_the_stored_response() -> None:
    user = factories.create_customer()
    client, body = (
        factories.client_of(user),
        item_body(factories.items_of(factories.create_order(customer=user))[0]),
    )
    first, again = (open_case(client, body, **KEY) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert CancellationRequest.objects.count() == Message.objects.count() == 1


def test_same_key_with_another_body_is_refused() -> None:
    user = factories.create_customer()
    items_in = [factories.item_input(remote_id=name) for name in ("1", "2")]
    first_item, second_item = factories.items_of(
        factories.create_order(customer=user, items=items_in)
    )
    client, bodies = factories.client_of(user), [item_body(first_item), item_body(second_item)]
    assert open_case(client, {"cancel_order_items": bodies}, OPEN_CASES, **KEY).status_code == 201
    # The order of the items is part of the body.
    response = open_case(client, {"cancel_order_items": bodies[::-1]}, OPEN_CASES, **KEY)
    assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")


def test_key_belongs_to_its_requester_and_route() -> None:
    users = [factories.create_customer(email=f"{name}@example.com") for name in "ab"]
    for number, user in enumerate(users):
        items_in = [factories.item_input(remote_id=name) for name in ("1", "2")]
        order = factories.create_order(customer=user, number=str(number), items=items_in)
        first_item, second_item = factories.items_of(order)
        client = factories.client_of(user)
        assert open_case(client, item_body(first_item), **KEY).status_code == 200
        assert (
            open_case(
                client, {"cancel_order_items": [item_body(second_item)]}, OPEN_CASES, **KEY
            ).status_code
            == 201
        )
    assert CancellationRequest.objects.count() == 4


def test_final_slash_is_irrelevant_to_the_key_but_the_order_is_not() -> None:
    user = factories.create_customer()
    items = [
        factories.items_of(factories.create_order(customer=user, number=number))[0]
        for number in ("1", "2")
    ]
    client, body = factories.client_of(user), {"cancel_order_items": [item_body(items[0])]}
    first, again = (
        open_case(client, body, path, **KEY) for path in ("/orders/1/cancel/", "/orders/1/cancel")
    )
    assert (first.status_code, again.status_code) == (200, 200)
    assert again["Idempotent-Replayed"] == "true"
    response = open_case(client, body, "/orders/2/cancel/", **KEY)
    assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")


def test_refusal_is_not_stored() -> None:
    user = factories.create_customer()
    item = factories.items_of(factories.create_order(customer=user))[0]
    client, body = factories.client_of(user), item_body(item)
    refusal = open_case(client, body | {"reason": 10**9}, **KEY)
    assert refusal.status_code == 400
    assert Reply.objects.count() == 0
    assert open_case(client, body, **KEY).status_code == 200


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256, "\t", "a,b"])
def test_invalid_key_is_refused(key: str) -> None:
    user = factories.create_customer()
    body = item_body(factories.items_of(factories.create_order(customer=user))[0])
    response = open_case(factories.client_of(user), body, **{"Idempotency-Key": key})
    assert (response.status_code, response.json()["code"]) == (400, "idempotency_key_invalid")
    assert CancellationRequest.objects.count() == 0


def test_guest_can_repeat_a_request() -> None:
    order = factories.create_order()
    body = item_body(factories.items_of(order)[0], number=order.number, email=factories.GUEST)
    responses = [post(HttpClient(), GUEST_OPEN_CASE, body, headers=KEY) for _ in range(2)]
    assert [response.status_code for response in responses] == [201, 201]
    assert responses[0].content == responses[1].content
    assert CancellationRequest.objects.count() == 1


def test_address_is_added_once() -> None:
    user = factories.create_customer()
    entry = factories.create_address(user=user)
    client = factories.client_of(user)
    body: dict[str, Any] = {
        "title": "Work", "first_name": "Ayla", "last_name": "Ray",
        "phone_number": "05550000000", "line": "Short Street 2", "country": entry.country_id,
        "city": entry.city_id, "township": entry.township_id,
    }  # fmt: skip
    headers = token_of(client) | KEY
    responses = [post(client, "/address/", body, headers=headers) for _ in range(2)]
    assert [response.status_code for response in responses] == [201, 201]
    assert responses[0].json() == responses[1].json()
