"""How the API page describes the channel's routes."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from takeback.api.openapi import Schema, response_schema
from takeback.channel.filters import filters_serializer

ORDERS = "channel"
CASES = "channel: cases"
CUSTOMERS = "channel: customers"
SETTINGS = "channel: settings"

_FIELDS = OpenApiResponse(
    response={
        "type": "object",
        "properties": {"code": {"type": "string"}},
        "additionalProperties": {"type": "array", "items": {"type": "string"}},
        "required": ["code"],
    },
    description="Each invalid field with its messages, and one code.",
)
PLAIN = OpenApiResponse(
    response={
        "type": "object",
        "properties": {"detail": {"type": "string"}, "code": {"type": "string"}},
        "required": ["detail", "code"],
    },
    description="No valid key, no scope, not found, too many requests, or not allowed.",
)
KEY_REFUSALS: Mapping[int, OpenApiResponse] = {401: PLAIN, 403: PLAIN, 429: PLAIN}
REFUSALS: Mapping[int, OpenApiResponse] = {400: _FIELDS, 404: PLAIN, **KEY_REFUSALS}
CONFLICT = {406: PLAIN}
STALE = {412: PLAIN}

_PAGE = (
    OpenApiParameter("page", int, description="Counts from 1."),
    OpenApiParameter("limit", int, description="Rows per page, 1 to 100."),
)


def document_response(document: type, description: str) -> OpenApiResponse:
    """A document under another status than that of the operation."""
    return OpenApiResponse(response=response_schema(document), description=description)


class ChannelSchema(Schema):
    """Adds to an operation the parameters and refusals that its view's attributes imply."""

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

    def get_response_serializers(self) -> Any:
        return {**self.channel_view.refusals, **super().get_response_serializers()}
