"""JSON responses: one encoder, its renderer, and content negotiation that always selects it."""

from typing import Any

import msgspec
from django.utils.functional import Promise
from msgspec import Raw
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer

JSON = "application/json; charset=utf-8"


def _encode_other(value: Any) -> Any:
    """Lazy translations and subclasses of `str`; msgspec refuses all else."""
    if isinstance(value, Promise | str):
        return str(value)
    raise NotImplementedError(type(value))


encode = msgspec.json.Encoder(enc_hook=_encode_other, decimal_format="number").encode
decode = msgspec.json.Decoder().decode


def embed(column: str | None) -> Any:
    """The text of a JSON column as a part of a document, copied without being parsed."""
    return None if column is None else Raw(column)


class Renderer(BaseRenderer):
    """Renders documents of dicts and structs with msgspec."""

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
    """All responses are JSON; the `Accept` header is not parsed."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        media_type = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == media_type), None)

    def select_renderer(
        self, request: Any, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type
