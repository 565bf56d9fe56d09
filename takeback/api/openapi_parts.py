"""What all operations of the OpenAPI document share: headers, refusals and their texts."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

JSONSchema = dict[str, Any]


def _reference(name: str) -> JSONSchema:
    return {"$ref": f"#/components/schemas/{name}"}


PROBLEM = _reference("Problem")
COMPONENTS: Mapping[str, JSONSchema] = {
    "Problem": {
        "type": "object",
        "description": "Why a request is refused: a sentence, and a code that never changes.",
        "properties": {"detail": {"type": "string"}, "code": {"type": "string"}},
        "required": ["detail", "code"],
        "additionalProperties": False,
        "example": {"detail": "Not found.", "code": "not_found"},
    },
}

TEXTS: Mapping[int, str] = {
    400: "The request is invalid: a field, a parameter, or the body as a whole.",
    401: "There is no valid key or session. Sign in, or send another key.",
    403: "The caller may not do this.",
    404: "Nothing in the caller's reach has this id.",
    406: "A rule of the shop refuses the request.",
    409: "Another request changed the same data at the same time. Repeat it after `Retry-After`.",
    412: "The object has changed since the version in `If-Match`. Read it again.",
    413: "The body is too large.",
    415: "The body has no documented media type, is not in UTF-8, or is compressed.",
    422: "The `Idempotency-Key` was used for another request. Send a new key.",
    429: "There were too many requests. Repeat the request after `Retry-After`.",
    503: "The database is not available. Repeat the request after `Retry-After`.",
}


def refusal(schema: JSONSchema, status: int) -> OpenApiResponse:
    """A refusal in this form, with the text of its status."""
    return OpenApiResponse(response=schema, description=TEXTS[status])


def any_of(*names: str) -> JSONSchema:
    """One of these components."""
    references = [_reference(name) for name in names]
    return {"anyOf": references} if len(references) > 1 else references[0]


REQUEST_HEADERS = (
    OpenApiParameter(
        "Accept-Language",
        str,
        OpenApiParameter.HEADER,
        description="The language of texts: `tr`, `en`, `de`, `ar` and others of the site.",
    ),
    OpenApiParameter(
        "X-Request-Id",
        str,
        OpenApiParameter.HEADER,
        description="Returned in the response and written to the log.",
    ),
)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Runs the request once: a retry with the same key gets the stored response.",
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag of the version that the client has: 412 if it is not the latest.",
)
RETRIED = (409, 429, 503)
"""The statuses whose responses may say when to try again."""


def _header(description: str, kind: str = "string") -> JSONSchema:
    return {"description": description, "schema": {"type": kind}}


REQUEST_ID = {"X-Request-Id": _header("The id of the request, as in the log.")}
LANGUAGE = {"Content-Language": _header("The language of the texts.")}
RETRY_AFTER = {"Retry-After": _header("Seconds until a retry makes sense.", "integer")}
CHALLENGE = {"WWW-Authenticate": _header("How to authenticate.")}
ETAG = {"ETag": _header("The version of the object, for `If-Match`.")}
REPLAYED = {"Idempotent-Replayed": _header("`true` if this is the stored response.")}


def response_headers(status: int) -> JSONSchema:
    """The headers of every response with this status."""
    headers = REQUEST_ID | LANGUAGE
    if status in RETRIED:
        headers |= RETRY_AFTER
    if status == 401:  # noqa: PLR2004 - a status
        headers |= CHALLENGE
    return headers


def has_body(method: str) -> bool:
    """Whether requests of this method may have a body."""
    return method in ("POST", "PUT", "PATCH")


def is_unsafe(method: str) -> bool:
    """Whether requests of this method change something."""
    return has_body(method) or method == "DELETE"
