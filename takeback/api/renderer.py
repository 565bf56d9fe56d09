"""One JSON encoder and renderer, and content negotiation that always chooses them."""

from typing import Any

import msgspec
from django.utils.functional import Promise
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer

JSON = "application/json; charset=utf-8"


def _hook(value: Any) -> Any:
    if isinstance(value, Promise | str):
        return str(value)
    raise NotImplementedError(type(value))


_encoder = msgspec.json.Encoder(enc_hook=_hook, decimal_format="number")
encode = _encoder.encode


class Renderer(BaseRenderer):
    """Documents are plain dicts; they are encoded in one go."""

    media_type = "application/json"
    format = "json"
    charset = "utf-8"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Any = None,
    ) -> bytes:
        return b"" if data is None else encode(data)


class JSONNegotiation(BaseContentNegotiation):
    """Whatever a caller accepts, the answer is JSON; its `Accept` is not even parsed."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        given = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == given), None)

    def select_renderer(
        self, request: Any, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type
