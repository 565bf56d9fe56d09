"""The same key, the same answer: a repeated call acts once (promise P10)."""

from typing import Any

import pytest

from takeback.cancellations.models import CancellationRequest
from takeback.idempotency.models import Reply
from takeback.outbox.models import Message
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import post, token_of
from tests.storefront.test_asking import GUEST_ONE, MANY, ask, body_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

KEY = {"Idempotency-Key": "a-key"}


def test_a_repeated_call_is_answered_the_same_and_acts_once() -> None:
    user = factories.create_customer()
    client, body = (
        factories.client_of(user),
        body_of(factories.items_of(factories.create_order(customer=user))[0]),
    )
    first, again = (ask(client, body, **KEY) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert CancellationRequest.objects.count() == Message.objects.count() == 1


def test_the_same_key_with_another_wish_is_refused() -> None:
    user = factories.create_customer()
    lines = [factories.item_input(remote_id=name) for name in ("1", "2")]
    one, two = factories.items_of(factories.create_order(customer=user, items=lines))
    client, told = factories.client_of(user), [body_of(one), body_of(two)]
    assert ask(client, {"cancel_order_items": told}, MANY, **KEY).status_code == 201
    # B-12: the order of the items is part of what was said.
    answer = ask(client, {"cancel_order_items": told[::-1]}, MANY, **KEY)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


def test_a_key_belongs_to_its_caller_and_its_route() -> None:
    # C39
    users = [factories.create_customer(email=f"{name}@example.com") for name in "ab"]
    for number, user in enumerate(users):
        lines = [factories.item_input(remote_id=name) for name in ("1", "2")]
        order = factories.create_order(customer=user, number=str(number), items=lines)
        one, two = factories.items_of(order)
        client = factories.client_of(user)
        assert ask(client, body_of(one), **KEY).status_code == 200
        assert ask(client, {"cancel_order_items": [body_of(two)]}, MANY, **KEY).status_code == 201
    assert CancellationRequest.objects.count() == 4


def test_the_last_slash_makes_no_other_call_but_another_order_does() -> None:
    user = factories.create_customer()
    items = [
        factories.items_of(factories.create_order(customer=user, number=number))[0]
        for number in ("1", "2")
    ]
    client, body = factories.client_of(user), {"cancel_order_items": [body_of(items[0])]}
    first, again = (
        ask(client, body, path, **KEY) for path in ("/orders/1/cancel/", "/orders/1/cancel")
    )
    assert (first.status_code, again.status_code) == (200, 200)
    assert again["Idempotent-Replayed"] == "true"
    answer = ask(client, body, "/orders/2/cancel/", **KEY)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


def test_a_refusal_is_not_remembered() -> None:
    user = factories.create_customer()
    item = factories.items_of(factories.create_order(customer=user))[0]
    client, body = factories.client_of(user), body_of(item)
    refused = ask(client, body | {"reason": 10**9}, **KEY)
    assert refused.status_code == 400
    assert Reply.objects.count() == 0
    assert ask(client, body, **KEY).status_code == 200


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256, "\t", "a,b"])
def test_a_key_is_visible_ascii_without_a_comma(key: str) -> None:
    user = factories.create_customer()
    body = body_of(factories.items_of(factories.create_order(customer=user))[0])
    answer = ask(factories.client_of(user), body, **{"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_invalid")
    assert CancellationRequest.objects.count() == 0


def test_a_guest_who_names_the_order_may_repeat_too() -> None:
    order = factories.create_order()
    body = body_of(factories.items_of(order)[0], number=order.number, email=factories.GUEST)
    answers = [post(HttpClient(), GUEST_ONE, body, headers=KEY) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert CancellationRequest.objects.count() == 1


def test_an_address_is_added_once() -> None:
    user = factories.create_customer()
    entry = factories.create_address(user=user)
    client = factories.client_of(user)
    body: dict[str, Any] = {
        "title": "Work", "first_name": "Ayla", "last_name": "Ray",
        "phone_number": "05550000000", "line": "Short Street 2", "country": entry.country_id,
        "city": entry.city_id, "township": entry.township_id,
    }  # fmt: skip
    headers = token_of(client) | KEY
    answers = [post(client, "/address/", body, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
