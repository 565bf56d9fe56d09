"""How refusals are written in the storefront's dialects."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from django.http import HttpRequest
from django.utils.translation import get_language
from msgspec import Raw
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.channels import channel_id_of_host
from takeback.accounts.policy import shop_policy
from takeback.accounts.sessions import AccountRow
from takeback.api import base_view, errors, renderer
from takeback.api.base_view import ApiView
from takeback.core import clock
from takeback.core import errors as core_errors
from takeback.core.errors import Problem, Refused, RuleProblem
from takeback.storefront import carrier_cache
from takeback.storefront.addresses_documents import owner
from takeback.storefront.auth import Caller, ShopperSessionAuthentication
from takeback.storefront.dialect import Dialect, detect_dialect
from takeback.storefront.document_context import DocumentContext


def _unwrapped(detail: Any) -> Any:
    """What is wrong with a list or an object itself, without the name that wraps it."""
    if isinstance(detail, dict) and set(detail) == {"non_field_errors"}:
        return detail["non_field_errors"]
    return detail


class StorefrontView(ApiView):
    """A route of the storefront: its caller comes by session, its refusals in their dialect."""

    authentication_classes = [ShopperSessionAuthentication]
    request: Request
    is_bulk = False

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return self.refusal

    def refusal(self, error: Exception, context: Mapping[str, Any]) -> Response | None:
        """Rules and fields as this storefront reads them; all else is the same everywhere."""
        if isinstance(error, exceptions.ValidationError):
            return Response(self.field_errors(error.detail), status=400)
        if not isinstance(error, Refused):
            return errors.exception_handler(error, context)
        problem, position = error.problem, cast("int | None", error.context.get("position"))
        if not (problem.field or isinstance(problem, RuleProblem)):
            return errors.exception_handler(error, context)
        errors.log.info("refused", code=problem.code, **error.context)
        if problem.field:
            fault = self.field_fault(problem, position)
            return Response(self.field_errors(fault), status=400)
        body: dict[str, Any] = {"non_field_errors": problem.message, "error_code": problem.code}
        if self.is_bulk and position is not None:
            body |= {"position": position}
        return Response(body, status=problem.status if self.is_classic else 400)

    def field_errors(self, detail: Any) -> Any:
        """One text per field in the classic dialect, lists of texts in v3; items by position."""
        return self._told(detail if isinstance(detail, dict) else {"non_field_errors": detail})

    def _told(self, detail: Any) -> Any:
        if isinstance(detail, dict):
            return {name: self._told(_unwrapped(inner)) for name, inner in detail.items()}
        return str(detail[0]) if self.is_classic else [str(text) for text in detail]

    def field_fault(self, problem: Problem, position: int | None) -> dict[str, Any]:
        """Where in the body the fault lies; of several items, the one at this position."""
        return {str(problem.field): [problem.message]}

    @property
    def plain(self) -> HttpRequest:
        """Django's own request."""
        return base_view.django_request(self.request)

    @property
    def channel_id(self) -> int:
        """The channel of the request's host."""
        return channel_id_of_host(self.plain.get_host())

    @property
    def body(self) -> Any:
        """What was sent; a route that reads a body takes none that is empty."""
        if self.request.stream is None:
            raise Refused(core_errors.MALFORMED_JSON)
        return self.request.data

    @property
    def caller(self) -> Caller:
        """The visitor of a route that asks for one."""
        caller: Any = self.request.user
        assert isinstance(caller, Caller)
        return caller

    @property
    def dialect(self) -> Dialect:
        """What this request speaks; a body that cannot be read does not say."""
        return detect_dialect(self.plain, getattr(self.request, "_full_data", None))

    @property
    def is_classic(self) -> bool:
        return self.dialect is Dialect.CLASSIC

    @property
    def account(self) -> AccountRow:
        """The signed-in shopper of a route that lets nobody else in."""
        account = self.caller.account
        assert account
        return account

    def look(self, account: AccountRow | None, channel_id: int | None = None) -> DocumentContext:
        """Who looks at the documents of this answer; carriers are those of the channel."""
        dialect = self.dialect
        # Only the classic dialect shows the customer inside their addresses.
        shown = owner(account) if account and dialect is Dialect.CLASSIC else None
        return DocumentContext(
            dialect=dialect,
            account=account,
            shop=shop_policy(channel_id or self.channel_id),
            now=clock.now(),
            language=get_language() or "",
            owner=cast("Any", Raw(renderer.encode(shown))) if shown else None,
            companies=cast("Any", carrier_cache.on_offer(channel_id)),
        )
