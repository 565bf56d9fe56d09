"""Parameters and refusals that the storefront's OpenAPI operations share."""

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

CASES = "storefront: cases"
CUSTOMERS = "storefront: customers"
GUESTS = "storefront: guests"
ADDRESSES = "storefront: addresses"
SESSION = "storefront: session"

REFUSED = OpenApiResponse(
    response={
        "type": "object",
        "properties": {
            "non_field_errors": {"type": "string"},
            "error_code": {"type": "string"},
        },
    },
    description="A rule refuses the request, or a field is invalid.",
)
FIELD_ERRORS = OpenApiResponse(
    response={
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"type": "string"}},
    },
    description="Lists of texts by field, or under `non_field_errors`.",
)
PROBLEM = OpenApiResponse(
    response={
        "type": "object",
        "properties": {"detail": {"type": "string"}, "code": {"type": "string"}},
        "required": ["detail", "code"],
    },
    description="The request is unauthenticated, invalid or too frequent, or nothing matches it.",
)
ACCOUNT_REFUSALS = dict.fromkeys((400, 403, 404, 429), FIELD_ERRORS)
LIST_REFUSALS = {400: REFUSED, 401: PROBLEM, 404: PROBLEM}
REFUSALS = LIST_REFUSALS | {429: PROBLEM}
# Of routes of the customer's own account: 403 is a missing CSRF token.
OWN_ACCOUNT_REFUSALS = {400: REFUSED, 401: PROBLEM, 403: PROBLEM, 429: PROBLEM}

# The generator shows our `pk` as `{id}`, as the contract does.
PK = OpenApiParameter("id", int, OpenApiParameter.PATH)
PAGE = (
    OpenApiParameter("page", int, description="Page number, from 1."),
    OpenApiParameter("limit", int, description="Rows per page, 1 to 100."),
)
