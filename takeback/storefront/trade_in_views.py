"""The links of a trade-in offer: programs answer at once, people are asked on a page first."""

from functools import partial
from typing import Any

from csp.decorators import csp_update
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.sessions import AccountRow
from takeback.core import clock, errors
from takeback.core.actor import ActorKind
from takeback.core.errors import Refused
from takeback.core.ids import id_from_path
from takeback.storefront.auth import Caller
from takeback.storefront.base import StorefrontView
from takeback.storefront.openapi import PLAIN
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
PAGE = "trade_in/answer.html"
_PREFETCHES = ("Purpose", "Sec-Purpose", "X-Moz")

documented = extend_schema(
    tags=["storefront: customers"],
    parameters=[
        OpenApiParameter("pk", int, OpenApiParameter.PATH),
        OpenApiParameter("token", str, description="Of the mailed link; needed without session."),
    ],
    request=None,
    responses={200: {"type": "string"}, 401: PLAIN, 404: PLAIN},
)


class TradeInAnswer(StorefrontView):
    """One of the two answers, by the signed-in owner or by whoever holds the mailed link.

    A GET acts only where it is surely meant (promise P22); any other shows a page whose button
    posts to the same address. What is not there, not yours or answered otherwise is one 404.
    """

    decision = Decision.APPROVED
    parser_classes: list[Any] = []

    @documented
    def get(self, request: Request, pk: str) -> HttpResponseBase:
        if is_meant(self.plain, has_token=self.token is not None):
            return self.post(request, pk)
        return self._page(self._offer(pk))

    @documented
    def post(self, request: Request, pk: str) -> HttpResponseBase:
        offer = self._offer(pk)
        by = ActorKind.CUSTOMER if self._is_owner(offer) else ActorKind.GUEST
        decide_offer(offer.item_id, self.decision, offer.amount_minor, by=by, now=clock.now())
        if "text/html" in _accepted(self.plain):
            return self._page(offer, is_answered=True)
        return Response(SENTENCES[self.decision])

    @property
    def token(self) -> str | None:
        """What the mailed link carries."""
        return self.request.query_params.get("token")

    def _offer(self, pk: str) -> Offer:
        if self.token is None and self._visitor is None:
            raise NotAuthenticated
        offer = offer_of(id_from_path(pk))
        if offer is None or not self._may_answer(offer):
            raise Refused(errors.NOT_FOUND)
        return offer

    def _may_answer(self, offer: Offer) -> bool:
        if offer.decision not in (None, self.decision):
            return False
        if self.token is not None:
            return is_valid_token(self.token, offer, self.decision)
        return self._is_owner(offer)

    def _is_owner(self, offer: Offer) -> bool:
        return self._visitor is not None and self._visitor.id == offer.user_id

    @property
    def _visitor(self) -> AccountRow | None:
        caller = self.request.user
        return caller.account if isinstance(caller, Caller) else None

    def _page(self, offer: Offer, *, is_answered: bool = False) -> HttpResponseBase:
        question, button = QUESTIONS[self.decision]
        context = {
            "offer": offer,
            "amount": offer.amount,
            "sentence": SENTENCES[self.decision] if is_answered or offer.decision else None,
            "question": question,
            "button": button,
            # Bound to the amount on the page; one that was given keeps its age.
            "token": self.token or make_token(offer, self.decision),
        }
        page = csp_update(FORM_POLICY)(partial(render, template_name=PAGE, context=context))
        response = page(self.plain)
        # Not `no-referrer`: the form's post would come without an origin, and be refused.
        response["Referrer-Policy"] = "strict-origin"
        return response


def is_meant(request: HttpRequest, *, has_token: bool) -> bool:
    """Whether a GET is a program's own act: no prefetch, picture, foreign page or mail scanner.

    A scanner follows mailed links and takes anything; with a token only who names JSON is meant.
    """
    told, accepted = request.headers, _accepted(request)
    return (
        request.method == "GET"
        and not any(name in told for name in _PREFETCHES)
        and told.get("Sec-Fetch-Dest", "empty") == "empty"
        and told.get("Sec-Fetch-Site") != "cross-site"
        and "text/html" not in accepted
        and ("application/json" in accepted or (not has_token and accepted <= {"*/*", ""}))
    )


def _accepted(request: HttpRequest) -> set[str]:
    """The kinds that the caller accepts, without their weights."""
    kinds = request.headers.get("Accept", "").lower().split(",")
    return {kind.partition(";")[0].strip() for kind in kinds}
