"""Requests and responses are freed at once, not by the garbage collector."""

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
def test_response_leaves_no_reference_cycle(method: str, path: str) -> None:
    handler = BaseHandler()
    handler.load_middleware()

    def handle_request() -> list[weakref.ref[object]]:
        request = getattr(RequestFactory(), method)(path)
        response = handler.get_response(request)
        assert response.status_code < 500
        return [weakref.ref(request), weakref.ref(response)]

    handle_request()
    gc.disable()
    try:
        references = handle_request()
    finally:
        gc.enable()

    assert [reference() for reference in references] == [None, None]
