"""What an answer was made with goes when the answer has gone, not when the collector comes."""

import gc
import weakref

import pytest
from django.core.handlers.base import BaseHandler
from django.test import RequestFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]


@pytest.mark.parametrize("path", ["/csrf_token/", "/users/orders/cancellation_reasons/", "/none/"])
def test_no_answer_is_left_in_a_circle(path: str) -> None:
    handler = BaseHandler()
    handler.load_middleware()

    def answered() -> list[weakref.ref[object]]:
        request = RequestFactory().get(path)
        answer = handler.get_response(request)
        assert answer.status_code in {200, 404}
        return [weakref.ref(request), weakref.ref(answer)]

    answered()
    gc.disable()
    try:
        left = answered()
    finally:
        gc.enable()

    assert [kept() for kept in left] == [None, None]
