"""The base view of the storefront: its caller, its documents' context and its refusals."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from django.utils.translation import get_language
from msgspec import Raw
from rest_framework import exceptions
from rest_framework.response import Response

from takeback.accounts.channels import channel_id_of_host
from takeback.accounts.errors import PASSWORD_BLOCKED
from takeback.accounts.policy import ShopPolicy, shop_policy
from takeback.accounts.sessions import AccountRow
from takeback.api import errors
from takeback.api.base_view import ApiView
from takeback.api.renderer import encode
from takeback.core import clock
from takeback.core.errors import MALFORMED_JSON, Problem, Refused, RuleProblem
from takeback.shoppers.commands import order_codes, sign_in_codes
from takeback.shoppers.guest_lookup import LOOK_UP_BLOCKED
from takeback.storefront import document_cache, openapi
from takeback.storefront.addresses_documents import address_user
from takeback.storefront.auth import Caller, ShopperSessionAuthentication, caller_of
from takeback.storefront.dialect import Dialect, detect_dialect
from takeback.storefront.document_context import DocumentContext

_CODE_URLS = {
    LOOK_UP_BLOCKED: order_codes.REQUEST_PATH,
    PASSWORD_BLOCKED: sign_in_codes.REQUEST_PATH,
}


class StorefrontView(ApiView):
    """A view whose caller has a session and whose refusals follow the dialect of the request."""

    authentication_classes = [ShopperSessionAuthentication]
    schema = openapi.StorefrontSchema()
    is_bulk = False
    has_code_route = False
    """Whether 429 names the route that mails a code."""

    @property
    def caller(self) -> Caller:
        """The visitor; anonymous without a session."""
        return caller_of(self.request)

    @property
    def account(self) -> AccountRow:
        """The signed-in shopper of a view that permits nobody else."""
        account = self.caller.account
        assert account
        return account

    @property
    def channel_id(self) -> int:
        """The channel of the shop that the request names by its host."""
        return channel_id_of_host(self.django_request.get_host())

    @property
    def policy(self) -> ShopPolicy:
        return shop_policy(self.channel_id)

    @property
    def body(self) -> Any:
        """The parsed body; an empty body is refused."""
        if self.request.stream is None:
            raise Refused(MALFORMED_JSON)
        return self.request.data

    @property
    def dialect(self) -> Dialect:
        """The dialect of the request; a body that could not be parsed does not influence it."""
        return detect_dialect(self.django_request, getattr(self.request, "_full_data", None))

    @property
    def is_classic(self) -> bool:
        return self.dialect is Dialect.CLASSIC

    def document_context(
        self,
        account: AccountRow | None,
        *,
        with_owner: bool = False,
        carriers_of: int | None = None,
    ) -> DocumentContext:
        """The context of documents for this reader: with their account in addresses (classic
        dialect), and with the carriers that a channel offers for returns."""
        dialect = self.dialect
        is_owner_shown = with_owner and dialect is Dialect.CLASSIC
        owner = address_user(account) if account and is_owner_shown else None
        carriers = (
            document_cache.NO_CARRIERS
            if carriers_of is None
            else document_cache.shipping_companies(carriers_of)
        )
        return DocumentContext(
            dialect=dialect,
            account=account,
            shop=self.policy,
            now=clock.now(),
            language=get_language() or "",
            owner=cast("Any", Raw(encode(owner))) if owner else None,
            shipping_companies=carriers,
        )

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return self.refusal

    def refusal(self, error: Exception, context: Mapping[str, Any]) -> Response | None:
        """Rules and fields in the dialect of the request; the rest is the same in all APIs."""
        if isinstance(error, exceptions.ValidationError):
            return Response(self.field_errors(error.detail), status=400)
        if not isinstance(error, Refused):
            return errors.exception_handler(error, context)
        problem, position = error.problem, cast("int | None", error.context.get("position"))
        if not (problem.field or isinstance(problem, RuleProblem)):
            return _with_code_url(errors.exception_handler(error, context), problem)
        errors.log_refusal(error)
        if problem.field:
            detail = self.field_error(problem, position)
            return Response(self.field_errors(detail), status=400)
        body: dict[str, Any] = {"non_field_errors": problem.message, "error_code": problem.code}
        if self.is_bulk and position is not None:
            body |= {"position": position}
        return Response(body, status=problem.status if self.is_classic else 400)

    def field_error(self, problem: Problem, position: int | None) -> dict[str, Any]:
        """The problem under its field; `position` is that of the item in a bulk request."""
        return {str(problem.field): [problem.message]}

    def field_errors(self, detail: Any) -> Any:
        """One text per field in the classic dialect, a list of texts in v3; items by position."""
        return self._in_dialect(
            detail if isinstance(detail, dict) else {"non_field_errors": detail}
        )

    def _in_dialect(self, detail: Any) -> Any:
        if isinstance(detail, dict):
            return {
                name: self._in_dialect(_without_wrapper(inner)) for name, inner in detail.items()
            }
        return str(detail[0]) if self.is_classic else [str(text) for text in detail]


def _with_code_url(response: Response | None, problem: Problem) -> Response | None:
    """Above a limit that strangers can reach, the response names the route that mails a code."""
    url = _CODE_URLS.get(problem)
    if response is not None and url:
        response.data |= {"code_url": url}
        response.headers[openapi.CODE_URL] = url
    return response


def _without_wrapper(detail: Any) -> Any:
    """The errors of a list or object as a whole, which DRF puts under `non_field_errors`."""
    if isinstance(detail, dict) and set(detail) == {"non_field_errors"}:
        return detail["non_field_errors"]
    return detail
