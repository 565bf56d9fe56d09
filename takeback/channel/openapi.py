"""How a channel's routes are described on the API page."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
)

TAG = "channel"
CASES = "channel: cases"
PEOPLE = "channel: people"
CHANNEL_ID = OpenApiParameter("channel_id", int, OpenApiParameter.PATH)
PK = OpenApiParameter("pk", int, OpenApiParameter.PATH)

_FIELDS = OpenApiResponse(
    response={
        "type": "object",
        "properties": {"code": {"type": "string"}},
        "additionalProperties": {"type": "array", "items": {"type": "string"}},
        "required": ["code"],
    },
    description="Each field at fault with its texts, and one code.",
)
PLAIN = OpenApiResponse(
    response={
        "type": "object",
        "properties": {"detail": {"type": "string"}, "code": {"type": "string"}},
        "required": ["detail", "code"],
    },
    description="No valid key, not in its scopes, not there, too often, or not like this.",
)
KEY_REFUSALS = {401: PLAIN, 403: PLAIN, 429: PLAIN}
REFUSALS = {400: _FIELDS, 404: PLAIN} | KEY_REFUSALS
CONFLICT = {406: PLAIN}
STALE = {412: PLAIN}


def document(name: str, description: str) -> OpenApiResponse:
    """One document of `shapes`."""
    return OpenApiResponse(response=_reference(name), description=description)


def documents(name: str, description: str = "A page, without an envelope.") -> OpenApiResponse:
    """A bare list of documents of `shapes`."""
    many = {"type": "array", "items": _reference(name)}
    return OpenApiResponse(response=many, description=description)


def page_of(name: str) -> OpenApiResponse:
    """A page of documents of `shapes`."""
    link = {"type": ["string", "null"], "format": "uri"}
    page = {
        "type": "object",
        "properties": {
            "count": {"type": "integer"},
            "next": link,
            "previous": link,
            "results": {"type": "array", "items": _reference(name)},
        },
        "required": ["count", "next", "previous", "results"],
    }
    return OpenApiResponse(response=page, description="A page.")


def page_parameters() -> list[OpenApiParameter]:
    """Which page, and how long it is."""
    return [
        OpenApiParameter("page", int, description="From one."),
        OpenApiParameter("limit", int, description="Rows per page, 1 to 100."),
    ]


def everywhere(**operations: str) -> Callable[[type], type]:
    """A view that its base serves below a channel, and that names none; by method, its names."""
    no_channel = OpenApiParameter("channel_id", location=OpenApiParameter.PATH, exclude=True)
    described: dict[str, Any] = {
        method: extend_schema(operation_id=name, parameters=[no_channel])
        for method, name in operations.items()
    }
    return extend_schema_view(**described)


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}
