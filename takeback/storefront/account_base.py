"""The base view of registration and sign-in, whose clients join lists of texts."""

from collections.abc import Mapping
from typing import Any

from rest_framework.response import Response

from takeback.core import errors
from takeback.core.errors import Refused
from takeback.storefront import openapi
from takeback.storefront.base import StorefrontView

# No access, unknown shop, conflict, too many requests, database unavailable. Other statuses report
# a client that sends no valid request.
_SHOWN_BY_PAGES = frozenset({403, 404, 409, 429, 503})


class AccountView(StorefrontView):
    """Needs no CSRF token, because no session exists yet, and refuses requests of other sites.

    Refusals that a shopper can cause are lists of texts, in both dialects: login pages join them,
    and take any key except `non_field_errors`, such as `detail`, for a field.
    """

    authentication_classes: list[Any] = []
    schema = openapi.AccountSchema()

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # A form of another site would sign the visitor in to an account of that site's owner.
        if self.django_request.headers.get("Sec-Fetch-Site") == "cross-site":
            raise Refused(errors.CSRF_FAILED)

    def refusal(self, error: Exception, context: Mapping[str, Any]) -> Response | None:
        response = super().refusal(error, context)
        if response is not None and response.status_code in _SHOWN_BY_PAGES:
            response.data = {"non_field_errors": [response.data["detail"]]}
        return response

    def field_errors(self, detail: Any) -> dict[str, Any]:
        fields = detail if isinstance(detail, dict) else {"non_field_errors": detail}
        return {name: [str(text) for text in texts] for name, texts in fields.items()}
