"""How the API page describes the channel's routes."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from takeback.api import openapi_parts as parts
from takeback.api.openapi import Schema, response_schema
from takeback.channel.filters import filters_serializer

ACCESS = "Channel: keys and channels"
ORDERS = "Channel: orders"
CASES = "Channel: requests"
CUSTOMERS = "Channel: customers"
SYNC = "Channel: batches and reports"
SETTINGS = "Channel: settings"

COMPONENTS = {
    **parts.COMPONENTS,
    "ChannelFieldErrors": {
        "type": "object",
        "description": "Each invalid field with its texts, and one code.",
        "properties": {"code": {"type": "string"}},
        "additionalProperties": {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}},
                {"type": "array", "items": {"type": "object", "additionalProperties": True}},
                {"type": "object", "additionalProperties": True},
            ]
        },
        "required": ["code"],
        "example": {"quantity": ["At most 2 can be returned."], "code": "invalid"},
    },
}
INVALID = parts.refusal(parts.any_of("Problem", "ChannelFieldErrors"), 400)
PLAIN: Mapping[int, OpenApiResponse] = {
    status: parts.refusal(parts.PROBLEM, status) for status in (401, 403, 404, 406, 429)
}
KEY_REFUSALS: Mapping[int, OpenApiResponse] = {status: PLAIN[status] for status in (401, 403, 429)}
REFUSALS: Mapping[int, OpenApiResponse] = {400: INVALID, 404: PLAIN[404], **KEY_REFUSALS}
CONFLICT = {406: PLAIN[406]}
ITEM_CANCELLED = {
    409: OpenApiResponse(
        response=parts.any_of("Problem", "ChannelFieldErrors"),
        description=(
            "The cancellation of an item is approved, so its status cannot change"
            " (`item_cancelled`), or another request changed the same data at the same time."
        ),
    )
}
FIXED_FIELDS = {406: parts.refusal(parts.any_of("Problem", "ChannelFieldErrors"), 406)}
"""A change of fields that are fixed, each with its path."""

_PAGE = (
    OpenApiParameter("page", int, description="Counts from 1."),
    OpenApiParameter("limit", int, description="Rows per page, 1 to 100."),
)


def document_response(document: type, description: str) -> OpenApiResponse:
    """A document under another status than that of the operation."""
    return OpenApiResponse(response=response_schema(document), description=description)


class ChannelSchema(Schema):
    """Adds to an operation the parameters and refusals that its view's attributes imply."""

    components = COMPONENTS

    @property
    def channel_view(self) -> Any:
        """The view, whose class attributes the framework's type does not have."""
        return self.view

    def get_operation_id(self) -> str:
        return f"{self.channel_view.operation_prefix}{super().get_operation_id()}"

    def get_override_parameters(self) -> list[Any]:
        # The generator shows our `pk` as `{id}`, as the contract does.
        ids = [
            OpenApiParameter(name, int, OpenApiParameter.PATH)
            for name in ("channel_id", "id")
            if f"{{{name}}}" in self.path
        ]
        return [*ids, *super().get_override_parameters(), *self._list_parameters()]

    def _list_parameters(self) -> list[Any]:
        filters = getattr(self.channel_view, "filters", None)
        if filters is None or self.method != "GET":
            return []
        name = f"{type(self.view).__name__}Filters"
        return [filters_serializer(name, filters), *_PAGE] if filters else list(_PAGE)

    def implied_refusals(self) -> dict[int, OpenApiResponse]:
        return {**super().implied_refusals(), **self.channel_view.refusals}
