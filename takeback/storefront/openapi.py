"""How the storefront's routes are described on the API page."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

REFUSED = OpenApiResponse(
    response={
        "type": "object",
        "properties": {
            "non_field_errors": {"type": "string"},
            "error_code": {"type": "string"},
        },
    },
    description="A rule or a field says no.",
)
PLAIN = OpenApiResponse(
    response={
        "type": "object",
        "properties": {"detail": {"type": "string"}, "code": {"type": "string"}},
        "required": ["detail", "code"],
    },
    description="Not signed in, not there, or not like this.",
)


def document(name: str) -> dict[str, Any]:
    """A reference to a document of `shapes`."""
    return {"$ref": f"#/components/schemas/{name}"}


def answers(name: str, *, many: bool = False, status: int = 200) -> dict[int, OpenApiResponse]:
    """One document, or a bare list of them, and how it is refused."""
    shape = {"type": "array", "items": document(name)} if many else document(name)
    return {
        status: OpenApiResponse(response=shape, description="Found."),
        400: REFUSED,
        401: PLAIN,
        404: PLAIN,
        429: PLAIN,
    }


def paged(name: str) -> dict[int, OpenApiResponse]:
    """A page of documents."""
    page = {
        "type": "object",
        "properties": {
            "count": {"type": "integer"},
            "next": {"type": ["string", "null"], "format": "uri"},
            "previous": {"type": ["string", "null"], "format": "uri"},
            "results": {"type": "array", "items": document(name)},
        },
        "required": ["count", "next", "previous", "results"],
    }
    return {
        200: OpenApiResponse(response=page, description="A page."),
        400: REFUSED,
        401: PLAIN,
        404: PLAIN,
    }


def page_parameters() -> list[OpenApiParameter]:
    """Which page, and how long it is."""
    return [
        OpenApiParameter("page", int, description="From one."),
        OpenApiParameter("limit", int, description="Rows per page, 1 to 100."),
    ]


def order_parameters() -> list[OpenApiParameter]:
    """The parameters of the order list."""
    return [
        *page_parameters(),
        OpenApiParameter("search", str, description="Part of the order number."),
        OpenApiParameter("last_month", bool, description="Only the last 30 days."),
        OpenApiParameter("created_date__gte", str, description="Placed at or after."),
        OpenApiParameter("created_date__lte", str, description="Placed at or before."),
    ]
