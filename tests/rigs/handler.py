"""The handler of the test client: it watches every request and may check every response."""

from typing import Any

import zeal
from django.http import HttpRequest
from django.test.client import ClientHandler

from tests.rigs import openapi_responses


class WatchingHandler(ClientHandler):
    """A query repeated within one request fails the test, however many requests it sends."""

    def get_response(self, request: HttpRequest) -> Any:
        with zeal.zeal_context():
            response = super().get_response(request)
        openapi_responses.check(request, response)
        return response
