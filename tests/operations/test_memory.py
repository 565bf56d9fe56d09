"""What an answer was made with goes when the answer has gone, not when the collector comes."""

import gc
import weakref

import pytest
from django.core.handlers.base import BaseHandler
from django.test import RequestFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/csrf_token/"),
        ("get", "/users/orders/cancellation_reasons/"),
        ("post", "/users/logout/"),
        ("get", "/api/v1/orders/"),
        ("get", "/none/"),
    ],
)
def test_no_answer_is_left_in_a_circle(method: str, path: str) -> None:
    handler = BaseHandler()
    handler.load_middleware()

    def answered() -> list[weakref.ref[object]]:
        request = getattr(RequestFactory(), method)(path)
        answer = handler.get_response(request)
        assert answer.status_code < 500
        return [weakref.ref(request), weakref.ref(answer)]

    answered()
    gc.disable()
    try:
        left = answered()
    finally:
        gc.enable()

    assert [kept() for kept in left] == [None, None]
