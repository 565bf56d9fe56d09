"""How a channel's routes are described on the API page."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

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
_PLAIN = OpenApiResponse(
    response={
        "type": "object",
        "properties": {"detail": {"type": "string"}, "code": {"type": "string"}},
        "required": ["detail", "code"],
    },
    description="No valid key, not in its scopes, not there, too often, or not like this.",
)
REFUSALS = {400: _FIELDS, 401: _PLAIN, 403: _PLAIN, 404: _PLAIN, 429: _PLAIN}
CONFLICT = {406: _PLAIN}
STALE = {412: _PLAIN}


def document(name: str, description: str) -> OpenApiResponse:
    """One document of `shapes`."""
    return OpenApiResponse(response=_reference(name), description=description)


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


def list_of(name: str) -> OpenApiResponse:
    """Documents of `shapes` without an envelope."""
    listed = {"type": "array", "items": _reference(name)}
    return OpenApiResponse(response=listed, description="A page, without an envelope.")


def page_parameters() -> list[OpenApiParameter]:
    """Which page, and how long it is."""
    return [
        OpenApiParameter("page", int, description="From one."),
        OpenApiParameter("limit", int, description="Rows per page, 1 to 100."),
    ]


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}
