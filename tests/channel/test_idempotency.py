"""Idempotency keys belong to a principal and an operation, not to an API key or a prefix."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from takeback.accounts import api_keys
from takeback.accounts.models import User
from takeback.accounts.staff import create_staff_user, issue_login_key
from takeback.cancellations.models import CancellationRequest
from takeback.core import clock
from tests import factories
from tests.channel import shop
from tests.channel.case_calls import CASES, cancellable_item, send

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several requests"),
]

KEY = {"Idempotency-Key": "a"}


def one_unit() -> dict[str, Any]:
    """The cancellation of one of three units."""
    item, reason = cancellable_item(quantity=3), factories.create_reason()
    body = {"order_item": item.pk, "reason": reason.pk, "cancellation_type": "cancel"}
    return body | {"quantity": 1}


def rotated(text: str) -> str:
    """The successor of a key; both work for an hour."""
    public_id = str(api_keys.public_id_of(text))
    return api_keys.rotate_key(public_id, overlap=timedelta(hours=1), now=clock.now()).text


def cancelled_units() -> list[int]:
    return list(CancellationRequest.objects.values_list("quantity", flat=True))


def test_rotated_key_and_other_prefix_repeat_the_same_call(settings: Settings) -> None:
    settings.CANCEL_AUTO_CONFIRM = True
    body, first = one_unit(), shop.key()
    second = rotated(first)
    third = rotated(second)

    calls = [
        (first, CASES),
        (first, CASES),
        *(
            (key, CASES.replace("/api/v1", prefix))
            for key in (second, third)
            for prefix in shop.PREFIXES
        ),
    ]
    responses = [send(shop.client(key), "POST", path, body, **KEY) for key, path in calls]

    assert {response.status_code for response in responses} == {201}
    assert len({response.content for response in responses}) == 1
    assert cancelled_units() == [1]


def test_next_login_of_a_staff_user_repeats_the_same_call(settings: Settings) -> None:
    settings.CANCEL_AUTO_CONFIRM = True
    factories.create_channel()
    rights: dict[str, Any] = {"channel_ids": [shop.SHOP], "scopes": ["read", "decide"]}
    user_id = create_staff_user("mira", password=factories.PASSWORD, **rights)
    body = one_unit()

    keys = [issue_login_key(User.objects.get(pk=user_id), clock.now()).text for _ in range(2)]
    responses = [send(shop.client(key), "POST", CASES, body, **KEY) for key in keys]

    assert [response.status_code for response in responses] == [201, 201]
    assert responses[0].content == responses[1].content
    assert cancelled_units() == [1]


def test_rotated_key_with_another_body_is_refused(settings: Settings) -> None:
    settings.CANCEL_AUTO_CONFIRM = True
    body, key = one_unit(), shop.key()
    send(shop.client(key), "POST", CASES, body, **KEY)

    response = send(shop.client(rotated(key)), "POST", CASES, body | {"quantity": 2}, **KEY)

    assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")
    assert cancelled_units() == [1]


def test_another_system_may_use_the_same_idempotency_key(settings: Settings) -> None:
    settings.CANCEL_AUTO_CONFIRM = True
    body = one_unit()
    responses = [send(shop.client(shop.key()), "POST", CASES, body, **KEY) for _ in range(2)]

    assert responses[0].json()["id"] != responses[1].json()["id"]
    assert cancelled_units() == [1, 1]
