"""Parameters and refusals that the storefront's OpenAPI operations share."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.permissions import AllowAny

from takeback.api import openapi_parts as parts
from takeback.api.openapi import PageOf, Schema
from takeback.storefront.dialect import Dialect

CASES = "Storefront: requests"
CUSTOMERS = "Storefront: orders"
GUESTS = "Storefront: guests"
ADDRESSES = "Storefront: addresses"
SESSION = "Storefront: accounts"

_TEXTS = {"type": "array", "items": {"type": "string"}}
COMPONENTS = {
    **parts.COMPONENTS,
    "ProblemWithTexts": {
        "type": "object",
        "description": "A problem whose sentence also stands where pages show it.",
        "properties": {
            "detail": {"type": "string"},
            "code": {"type": "string"},
        },
        "required": ["detail", "code"],
        "additionalProperties": {"anyOf": [{"type": "string"}, _TEXTS]},
    },
    "LookUpBlocked": {
        "type": "object",
        "description": "Too many failed look-ups: `code_url` mails a code that opens the order.",
        "properties": {
            "detail": {"type": "string"},
            "code": {"type": "string"},
            "code_url": {"type": "string"},
        },
        "required": ["detail", "code", "code_url"],
        "additionalProperties": False,
        "example": {
            "detail": "Too many attempts. Open the order with a code sent by e-mail, or try again "
            "later.",
            "code": "too_many_requests",
            "code_url": "/users/orders/anonymous/code/",
        },
    },
    "RuleRefusal": {
        "type": "object",
        "description": "A rule of the shop refuses; `position` is that of the item in a bulk body.",
        "properties": {
            "non_field_errors": {"type": "string"},
            "error_code": {"type": "string"},
            "position": {"type": "integer"},
        },
        "required": ["non_field_errors", "error_code"],
        "additionalProperties": False,
        "example": {
            "non_field_errors": "There is already an open request for this item.",
            "error_code": "cancellation_request_100_1",
        },
    },
    "ClassicFieldErrors": {
        "type": "object",
        "description": "Classic dialect: a text for each invalid field, items by position.",
        "additionalProperties": {
            "anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": True}]
        },
        "example": {"quantity": "At most 2 can be returned."},
    },
    "FieldErrors": {
        "type": "object",
        "description": "A list of texts for each invalid field, items by position.",
        "additionalProperties": {
            "anyOf": [_TEXTS, {"type": "object", "additionalProperties": True}]
        },
        "example": {"quantity": ["At most 2 can be returned."]},
    },
}
INVALID = parts.refusal(
    parts.any_of("RuleRefusal", "Problem", "ClassicFieldErrors", "FieldErrors"), 400
)
RULE = {406: parts.refusal(parts.any_of("RuleRefusal"), 406)}
"""Routes that rules may refuse: 406 in the classic dialect, 400 in v3."""
_PROBLEMS = {status: parts.refusal(parts.PROBLEM, status) for status in (401, 403, 404, 429)}
UNAUTHENTICATED = _PROBLEMS[401]
TOO_MANY_WITH_TEXTS = {429: parts.refusal(parts.any_of("ProblemWithTexts"), 429)}
LOOK_UP_BLOCKED = {429: parts.refusal(parts.any_of("LookUpBlocked", "Problem"), 429)}
"""Routes that look up a guest's order."""
CODE_URL = "X-Takeback-Code-Url"
CODE_URL_HEADER = {
    CODE_URL: {
        "description": "The route that mails a code, which works above this limit.",
        "schema": {"type": "string"},
    }
}
LISTS = {
    status: parts.refusal(parts.any_of("Problem", "FieldErrors"), status)
    for status in (400, 403, 404, 409, 429, 503)
}
"""Refusals that are lists of texts in both dialects."""

PK = OpenApiParameter("id", int, OpenApiParameter.PATH)  # `pk` of the routes, as in the contract
PAGE = (
    OpenApiParameter("page", int, description="Page number, from 1."),
    OpenApiParameter("limit", int, description="Rows per page, 1 to 100."),
)
DIALECT = OpenApiParameter(
    "X-Takeback-Dialect",
    str,
    OpenApiParameter.HEADER,
    enum=[dialect.value for dialect in Dialect],
    description=(
        "The form of the response. Without it a guest's body decides (`number`: v3, `order`: "
        "classic), else the shop's setting."
    ),
)
CSRF = OpenApiParameter(
    "X-CSRFToken",
    str,
    OpenApiParameter.HEADER,
    description="The token of `GET /csrf_token/`; required with a session cookie.",
)


class StorefrontSchema(Schema):
    """Adds to an operation the headers and refusals that its view's attributes imply."""

    components: Mapping[str, parts.JSONSchema] = COMPONENTS

    @property
    def has_session(self) -> bool:
        """Whether the view reads a session; then changes need a CSRF token."""
        return bool(self.view.authentication_classes)

    def get_override_parameters(self) -> list[Any]:
        parameters = [*super().get_override_parameters(), DIALECT]
        if self.has_session and parts.is_unsafe(self.method):
            parameters.append(CSRF)
        return parameters

    def response_headers(self, status: int) -> parts.JSONSchema:
        headers = super().response_headers(status)
        has_code_route = getattr(self.view, "has_code_route", False)
        is_blocked = status == HTTPStatus.TOO_MANY_REQUESTS and has_code_route
        return headers | CODE_URL_HEADER if is_blocked else headers

    def implied_refusals(self) -> dict[int, OpenApiResponse]:
        refusals = super().implied_refusals() | {400: INVALID}
        if AllowAny not in self.view.permission_classes:
            refusals[401] = _PROBLEMS[401]
        if self.has_session and parts.is_unsafe(self.method):
            refusals[403] = _PROBLEMS[403]
        if "{" in self.path or isinstance(self.operation.response, PageOf):
            refusals[404] = _PROBLEMS[404]
        if parts.is_unsafe(self.method):
            refusals[429] = _PROBLEMS[429]
        return refusals


class LinkSchema(Schema):
    """For pages behind mailed links: they read no session, and no dialect."""

    components: Mapping[str, parts.JSONSchema] = COMPONENTS

    def implied_refusals(self) -> dict[int, OpenApiResponse]:
        refusals = {400: LISTS[400], 404: _PROBLEMS[404], 429: _PROBLEMS[429]}
        return {**super().implied_refusals(), **refusals}


class AccountSchema(StorefrontSchema):
    """Refusals that a shopper can cause are lists of texts, in both dialects."""

    def implied_refusals(self) -> dict[int, OpenApiResponse]:
        return {**super().implied_refusals(), **LISTS}
