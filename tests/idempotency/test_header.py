"""Idempotency keys on the wire."""

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


class Counting:
    """A view's work, which tells how often it was done."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> Response:
        self.times += 1
        return Response({"id": self.times, "name": "Ağaç"}, status=201)


def ask(
    act: Counting,
    *,
    body: Any = BODY,
    principal: str = "user:7",
    route: str = "asks/",
    path: str = "/asks/",
    place: str = "9",
    method: str = "POST",
    **headers: str,
) -> HttpResponse:
    """A call through the hook."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = RequestFactory().generic(method, path, headers=named)
    request.resolver_match = ResolverMatch(ask, (), {"place": place}, route=route)
    return idempotent_response(request, act, principal=principal, body=body)


@pytest.mark.django_db
def test_a_replay_is_the_same_answer_and_says_that_it_is_one() -> None:
    act = Counting()
    first, second = (ask(act, Idempotency_Key="k-1") for _ in range(2))

    assert act.times == 1
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content == '{"id":1,"name":"Ağaç"}'.encode()
    assert first["Content-Type"] == second["Content-Type"] == renderer.JSON
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"


@pytest.mark.django_db
def test_without_a_key_every_call_acts_and_nothing_is_kept() -> None:
    act = Counting()

    assert [ask(act).content[:7] for _ in range(2)] == [b'{"id":1', b'{"id":2']
    assert Reply.objects.count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    "key", ["", " ", "a b", "x" * 256, "é", "tab\tbed", "\x7f", "k\n", ",", "a,b"]
)
def test_a_key_that_is_none_is_refused_before_anything_is_done(key: str) -> None:
    act = Counting()
    with pytest.raises(Refused) as refusal:
        ask(act, Idempotency_Key=key)

    assert refusal.value.problem is errors.KEY_INVALID
    assert act.times == 0


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["!", "~", "+", "-", "x" * 255, '"8e03978e-40d5"'])
def test_any_visible_ascii_is_a_key(key: str) -> None:
    act = Counting()
    for _ in range(2):
        ask(act, Idempotency_Key=key)

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
def test_a_key_may_not_be_used_for_something_else(other: dict[str, Any]) -> None:
    act = Counting()
    ask(act, Idempotency_Key="k")
    with pytest.raises(Refused) as refusal:
        ask(act, Idempotency_Key="k", **other)

    assert refusal.value.problem is errors.KEY_REUSED
    assert act.times == 1


@pytest.mark.django_db
def test_the_last_slash_makes_no_other_call() -> None:
    act = Counting()
    for path in ("/asks/", "/asks"):
        ask(act, path=path, Idempotency_Key="k")

    assert act.times == 1


@pytest.mark.django_db
def test_a_large_body_is_not_spelled_out_as_a_whole() -> None:
    # Of 16 MiB one piece at a time, as text and as bytes.
    body = {"pictures": ["A" * 2**20 + str(number) for number in range(16)]}
    tracemalloc.start()
    ask(Counting(), body=body, Idempotency_Key="k")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 5 * 2**20


@pytest.mark.django_db
@pytest.mark.parametrize(
    "other", [{"principal": "user:8"}, {"route": "others/"}, {"method": "PUT"}]
)
def test_a_key_belongs_to_its_caller_method_and_route(other: dict[str, str]) -> None:
    act = Counting()
    ask(act, Idempotency_Key="k")
    ask(act, Idempotency_Key="k", **other)

    assert act.times == 2


@pytest.mark.django_db
def test_the_order_of_a_bodys_keys_does_not_matter_and_no_number_is_too_long() -> None:
    act = Counting()
    for body in ({"a": 10**39, "b": 1}, {"b": 1, "a": 10**39}):
        ask(act, body=body, Idempotency_Key="k")

    assert act.times == 1


@pytest.mark.django_db
def test_nobody_can_read_who_called_with_what() -> None:
    ask(Counting(), Idempotency_Key="k")

    kept = Reply.objects.get()
    assert (kept.route, kept.key) == ("POST asks/", "k")
    assert [len(kept.principal), len(kept.fingerprint)] == [64, 64]
    assert "Ağaç" not in kept.body_encrypted


def test_a_key_in_use_says_when_to_come_again() -> None:
    answer = api_errors.exception_handler(Refused(errors.KEY_IN_USE, retry_after_seconds=1), {})

    assert answer is not None
    assert (answer.status_code, answer.headers["Retry-After"]) == (409, "1")
