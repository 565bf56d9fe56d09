"""Refusals that every room uses; each problem has a stable code, a status and a sentence."""

from dataclasses import dataclass, replace
from typing import Self

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


# Compared by identity: hashing the fields would translate the sentence.
@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Why a request is refused.

    `code` never changes. `field` names the invalid input; None means the request as a whole.
    """

    code: str
    status: int
    message: str | Promise
    field: str | None = None

    def with_values(self, **values: object) -> Self:
        """The same problem, with these values in the named placeholders of its message."""
        return replace(self, message=str(self.message).format(**values))


@dataclass(frozen=True, slots=True, eq=False)
class RuleProblem(Problem):
    """A business rule refuses. `status` is that of the classic dialect; v3 always returns 400."""


class Refused(Exception):
    """The request is valid but not allowed.

    `context` goes to the log. The response shows only the `position` of the refused item, and
    `retry_after_seconds` as a header.
    """

    def __init__(self, problem: Problem, **context: object) -> None:
        super().__init__(problem.code)
        self.problem = problem
        self.context = context


MALFORMED_JSON = Problem("malformed_json", 400, _("The body is not valid JSON."))
OBJECT_EXPECTED = Problem("object_expected", 400, _("The body must be a JSON object."))
DUPLICATE_KEY = Problem(
    "duplicate_key", 400, _("A key occurs more than once in the body. Send each key once.")
)
MALFORMED_REQUEST = Problem("malformed_request", 400, _("The request could not be read."))
PAYLOAD_TOO_LARGE = Problem("payload_too_large", 413, _("The body is too large."))
UNSUPPORTED_ENCODING = Problem(
    "unsupported_encoding",
    415,
    _("Content-Encoding is not supported. Send the body uncompressed."),
)
UNSUPPORTED_MEDIA_TYPE = Problem(
    "unsupported_media_type", 415, _("Send JSON with Content-Type: application/json, in UTF-8.")
)
NOT_AUTHENTICATED = Problem("not_authenticated", 401, _("Please sign in first."))
API_KEY_MISSING = Problem(
    "not_authenticated", 401, _("Send an API key in the header: Authorization: Token <key>.")
)
WRONG_SCHEME = Problem(
    "not_authenticated",
    401,
    _("Use the scheme Token for the API key: Authorization: Token <key>."),
)
API_KEY_INVALID = Problem(
    "not_authenticated",
    401,
    _("This API key does not exist, has expired or was revoked, or its channel is not active."),
)
CSRF_FAILED = Problem("csrf_failed", 403, _("The CSRF token is missing or does not match."))
SCOPE_MISSING = Problem(
    "permission_denied",
    403,
    _("This API key lacks the scope {scope}. Use a key with this scope."),
)
PERMISSION_DENIED = Problem("permission_denied", 403, _("You do not have permission to do this."))
NOT_FOUND = Problem("not_found", 404, _("Not found."))
METHOD_NOT_ALLOWED = Problem("method_not_allowed", 405, _("This method is not allowed here."))
CONFLICT = Problem(
    "conflict", 409, _("This was changed by someone else at the same time. Please try again.")
)
PRECONDITION_FAILED = Problem(
    "precondition_failed",
    412,
    _("This has changed since you opened it. Please reload it and try again."),
)
TOO_MANY_REQUESTS = Problem(
    "too_many_requests", 429, _("Too many attempts. Please try again later.")
)
INTERNAL_ERROR = Problem(
    "internal_error", 500, _("Something went wrong on our side. Please try again later.")
)
UNAVAILABLE = Problem(
    "unavailable", 503, _("The service is temporarily unavailable. Please try again later.")
)
