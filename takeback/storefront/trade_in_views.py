"""Views of the links that approve or reject a trade-in offer."""

from functools import partial
from typing import Any

from csp.decorators import csp_update
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.channels import shop_brand
from takeback.api.openapi import Operation
from takeback.api.problem_pages import prefers_html, text_page
from takeback.core import clock, errors
from takeback.core.actor import ActorKind
from takeback.core.errors import Refused
from takeback.core.ids import id_from_path
from takeback.storefront import openapi
from takeback.storefront.base import StorefrontView
from takeback.trade_in.commands import decide_offer
from takeback.trade_in.models import Decision
from takeback.trade_in.offers import Offer, is_valid_token, make_token, offer_of
from takeback.ui.csp import FORM_POLICY

SENTENCES = {
    Decision.APPROVED: _("Your approval has been sent."),
    Decision.REJECTED: _("Your rejection has been sent."),
}
QUESTIONS = {
    Decision.APPROVED: (_("Accept the trade-in offer?"), _("Accept the offer")),
    Decision.REJECTED: (_("Reject the trade-in offer?"), _("Reject the offer")),
}
INVALID = (
    _("This link has expired or was already used."),
    _("Open the link in the mail again, or contact the shop."),
)
PAGE = "storefront/trade_in_decision.html"
_PREFETCHES = ("Purpose", "Sec-Purpose", "X-Moz")


def decision_operations(decision: Decision) -> dict[str, Operation]:
    """The operations of the two links."""
    return {
        method: Operation(
            operation_id,
            openapi.CUSTOMERS,
            response={"type": "string"},
            parameters=(
                openapi.PK,
                OpenApiParameter(
                    "token", str, description="From the mailed link; required without a session."
                ),
            ),
            refusals={401: openapi.UNAUTHENTICATED},
            summary=summary,
            has_page=True,
        )
        for method, operation_id, summary in (
            ("get", f"tradein_{decision}_link", "Open the link of a trade-in offer."),
            ("post", f"tradein_{decision}", "Decide on a trade-in offer."),
        )
    }


class TradeInDecision(StorefrontView):
    """Approves or rejects an offer, for its signed-in owner or for the holder of the mailed link.

    GET decides only if a program clearly intends it (promise P22); otherwise it shows a page whose
    button posts to the same path. A missing, foreign or otherwise decided offer is not found.
    """

    decision = Decision.APPROVED
    operations: dict[str, Operation] = {}
    parser_classes: list[Any] = []
    is_page = True

    def get(self, request: Request, pk: str) -> HttpResponseBase:
        if is_intended(self.django_request, has_token=self.token is not None):
            return self.post(request, pk)
        return self._page(self._offer(pk))

    def post(self, request: Request, pk: str) -> HttpResponseBase:
        offer = self._offer(pk)
        by = ActorKind.CUSTOMER if self._is_owner(offer) else ActorKind.GUEST
        decide_offer(offer.item_id, self.decision, offer.amount_minor, by=by, now=clock.now())
        if "text/html" in _accepted(self.django_request):
            return self._page(offer, is_decided=True)
        return Response(SENTENCES[self.decision])

    def handle_exception(self, exc: Exception) -> Any:
        """A browser gets a page for a link that has ended, is damaged or has lost its token."""
        is_invalid = isinstance(exc, NotAuthenticated) or (
            isinstance(exc, Refused) and exc.problem is errors.NOT_FOUND
        )
        if is_invalid and prefers_html(self.django_request):
            return text_page(self.django_request, *INVALID, status=404, has_start_link=False)
        return super().handle_exception(exc)

    @property
    def token(self) -> str | None:
        """The token of the mailed link."""
        return self.request.query_params.get("token")

    def _offer(self, pk: str) -> Offer:
        if self.token is None and self.caller.account is None:
            raise NotAuthenticated
        offer = offer_of(id_from_path(pk))
        if offer is None or not self._may_decide(offer):
            raise Refused(errors.NOT_FOUND)
        return offer

    def _may_decide(self, offer: Offer) -> bool:
        if offer.decision not in (None, self.decision):
            return False
        if self.token is not None:
            return is_valid_token(self.token, offer, self.decision)
        return self._is_owner(offer)

    def _is_owner(self, offer: Offer) -> bool:
        account = self.caller.account
        return account is not None and account.id == offer.user_id

    def _page(self, offer: Offer, *, is_decided: bool = False) -> HttpResponseBase:
        question, button = QUESTIONS[self.decision]
        context = {
            "offer": offer,
            "amount": offer.amount,
            "brand": shop_brand(offer.channel_id),
            "sentence": SENTENCES[self.decision] if is_decided or offer.decision else None,
            "question": question,
            "button": button,
            # Bound to the amount on the page; a token of the request keeps its age.
            "token": self.token or make_token(offer, self.decision),
        }
        page = csp_update(FORM_POLICY)(partial(render, template_name=PAGE, context=context))
        response = page(self.django_request)
        # With `no-referrer` the form's POST has no Origin header and fails the CSRF check.
        response["Referrer-Policy"] = "strict-origin"
        return response


def is_intended(request: HttpRequest, *, has_token: bool) -> bool:
    """Whether a program sends this GET on purpose: no prefetch, image, foreign page or scanner.

    Mail scanners follow links and accept all types, so a GET with a token must accept JSON.
    """
    headers, accepted = request.headers, _accepted(request)
    return (
        request.method == "GET"
        and not any(name in headers for name in _PREFETCHES)
        and headers.get("Sec-Fetch-Dest", "empty") == "empty"
        and headers.get("Sec-Fetch-Site") != "cross-site"
        and "text/html" not in accepted
        and ("application/json" in accepted or (not has_token and accepted <= {"*/*", ""}))
    )


def _accepted(request: HttpRequest) -> set[str]:
    """The media types of the Accept header, without their weights."""
    media_types = request.headers.get("Accept", "").lower().split(",")
    return {media_type.partition(";")[0].strip() for media_type in media_types}
