"""The Idempotency-Key header and the responses to it."""

import tracemalloc
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import ResolverMatch
from rest_framework.response import Response

from takeback.api import errors as api_errors
from takeback.api import renderer
from takeback.api.idempotency import idempotent_response
from takeback.core.errors import Refused
from takeback.idempotency import errors
from takeback.idempotency.models import Reply

BODY = {"order_item": 7, "reason": "1"}


class View:
    """The effect of a view; it counts its calls."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> Response:
        self.times += 1
        return Response({"id": self.times, "name": "Ağaç"}, status=201)


def send(
    act: View,
    *,
    body: Any = BODY,
    principal: str = "user:7",
    operation: str = "OpenCase",
    path: str = "/asks/",
    place: str = "9",
    method: str = "POST",
    **headers: str,
) -> HttpResponse:
    """A request through `idempotent_response`."""
    encoded = {name.replace("_", "-"): value for name, value in headers.items()}
    request = RequestFactory().generic(method, path, headers=encoded)
    view = type(operation, (), {})
    request.resolver_match = ResolverMatch(view, (), {"place": place}, route=path)
    return idempotent_response(request, act, principal=principal, body=body)


@pytest.mark.django_db
def test_replayed_response_is_equal_and_marked() -> None:
    act = View()
    first, second = (send(act, Idempotency_Key="k-1") for _ in range(2))

    assert act.times == 1
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content == '{"id":1,"name":"Ağaç"}'.encode()
    assert first["Content-Type"] == second["Content-Type"] == renderer.JSON
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"


@pytest.mark.django_db
def test_call_without_key_acts_each_time_and_stores_nothing() -> None:
    act = View()

    assert [send(act).content[:7] for _ in range(2)] == [b'{"id":1', b'{"id":2']
    assert Reply.objects.count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    "key", ["", " ", "a b", "x" * 256, "é", "tab\tbed", "\x7f", "k\n", ",", "a,b"]
)
def test_invalid_key_is_refused_before_the_effect(key: str) -> None:
    act = View()
    with pytest.raises(Refused) as refusal:
        send(act, Idempotency_Key=key)

    assert refusal.value.problem is errors.KEY_INVALID
    assert act.times == 0


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["!", "~", "+", "-", "x" * 255, '"8e03978e-40d5"'])
def test_visible_ascii_is_a_valid_key(key: str) -> None:
    act = View()
    for _ in range(2):
        send(act, Idempotency_Key=key)

    assert act.times == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "other",
    [
        {"body": {**BODY, "reason": "2"}},
        {"body": {**BODY, "reason": 1}},
        {"body": [BODY]},
        {"body": None},
        {"place": "8"},
    ],
)
def test_key_with_another_body_or_path_argument_is_refused(other: dict[str, Any]) -> None:
    act = View()
    send(act, Idempotency_Key="k")
    with pytest.raises(Refused) as refusal:
        send(act, Idempotency_Key="k", **other)

    assert refusal.value.problem is errors.KEY_REUSED
    assert act.times == 1


@pytest.mark.django_db
def test_prefix_and_trailing_slash_do_not_change_the_call() -> None:
    act = View()
    for path in ("/asks/", "/asks", "/api/asks/"):
        send(act, path=path, Idempotency_Key="k")

    assert act.times == 1


@pytest.mark.django_db
def test_large_body_is_hashed_in_pieces() -> None:
    # 16 MiB, of which one piece at a time is in memory as text and as bytes.
    body = {"pictures": ["A" * 2**20 + str(number) for number in range(16)]}
    tracemalloc.start()
    send(View(), body=body, Idempotency_Key="k")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 5 * 2**20


@pytest.mark.django_db
@pytest.mark.parametrize(
    "other", [{"principal": "user:8"}, {"operation": "Other"}, {"method": "PUT"}]
)
def test_key_belongs_to_its_caller_method_and_operation(other: dict[str, str]) -> None:
    act = View()
    send(act, Idempotency_Key="k")
    send(act, Idempotency_Key="k", **other)

    assert act.times == 2


@pytest.mark.django_db
def test_order_of_body_keys_and_size_of_numbers_do_not_matter() -> None:
    act = View()
    for body in ({"a": 10**39, "b": 1}, {"b": 1, "a": 10**39}):
        send(act, body=body, Idempotency_Key="k")

    assert act.times == 1


@pytest.mark.django_db
def test_stored_reply_reveals_neither_caller_nor_body() -> None:
    send(View(), Idempotency_Key="k")

    stored = Reply.objects.get()
    assert (stored.route, stored.key) == ("POST OpenCase", "k")
    assert [len(stored.principal), len(stored.fingerprint)] == [64, 64]
    assert "Ağaç" not in stored.body_encrypted


def test_refusal_of_a_key_in_use_carries_retry_after() -> None:
    response = api_errors.exception_handler(Refused(errors.KEY_IN_USE, retry_after_seconds=1), {})

    assert response is not None
    assert (response.status_code, response.headers["Retry-After"]) == (409, "1")
