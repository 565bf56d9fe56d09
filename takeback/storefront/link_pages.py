"""The base of pages that mailed links lead to: a visit changes nothing, an act is intended."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, NamedTuple

from csp.decorators import csp_update
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.api.base_view import ApiView
from takeback.api.errors import problem_response
from takeback.api.openapi import Operation
from takeback.core import clock
from takeback.core.errors import Problem
from takeback.storefront import openapi
from takeback.ui.csp import FORM_POLICY

LINK_NOT_VALID = Problem(
    "link_not_valid", 400, _("This link has expired, was already used or is incomplete.")
)
_PREFETCHES = ("Purpose", "Sec-Purpose", "X-Moz")

Text = str | Promise


class LinkTexts(NamedTuple):
    """The texts of a page, in its three states: question, done, and link not valid.

    `next_step` says what to do with a link that is not valid.
    """

    title: Text
    question: Text
    explanation: Text
    button: Text
    done: Text
    next_step: Text


class LinkPage(ApiView):
    """A link acts only for a program that says so, or for a click on the button of its page.

    GET with `X-Requested-With: XMLHttpRequest`, which storefronts send, acts and responds with
    JSON. Any other GET shows the page: mail scanners and prefetching browsers follow links. POST
    acts. The token authorizes the request: without a session there is nothing to forge, so no CSRF
    token is checked.
    """

    schema = openapi.LinkSchema()
    operations: ClassVar[dict[str, Operation]] = {}
    is_page = True
    texts: ClassVar[LinkTexts]
    template: ClassVar[str] = "storefront/link_page.html"
    # Whether GET with `X-Requested-With` acts.
    acts_on_get: ClassVar[bool] = True

    def is_valid(self, token: str, now: datetime) -> bool:
        """Whether the page shows its button; changes nothing."""
        raise NotImplementedError

    def act(self, token: str, now: datetime) -> bool:
        """Do what the link is for; False, with nothing changed, for a link that is not valid."""
        raise NotImplementedError

    def get(self, request: Request, token: str) -> HttpResponseBase:
        is_act = self.acts_on_get and self._is_xhr() and request.method == "GET"
        if is_act and not self._is_prefetch():
            return self.post(request, token)
        return self._page("question" if self.is_valid(token, clock.now()) else "gone")

    def post(self, request: Request, token: str) -> HttpResponseBase:
        is_done = self.act(token, clock.now())
        if not self._is_xhr():
            return self.done_response() if is_done else self._page("gone")
        if not is_done:
            message = f"{LINK_NOT_VALID.message} {self.texts.next_step}"
            return problem_response(Problem(LINK_NOT_VALID.code, LINK_NOT_VALID.status, message))
        return Response({"detail": self.texts.done})

    def page_texts(self) -> LinkTexts:
        """The texts of the page, which may name what the token is about."""
        return self.texts

    def form_targets(self) -> list[str]:
        """Origins to which the response to the button may redirect."""
        return []

    def done_response(self) -> HttpResponseBase:
        """The response to a click on the button."""
        return self._page("done")

    def _is_xhr(self) -> bool:
        return self.django_request.headers.get("X-Requested-With") == "XMLHttpRequest"

    def _is_prefetch(self) -> bool:
        return any(name in self.django_request.headers for name in _PREFETCHES)

    def _page(self, state: str, errors: Sequence[str] = ()) -> HttpResponseBase:
        """The page in this state; `errors` say why its form was refused."""
        context: dict[str, Any] = {
            "state": state,
            "texts": self.page_texts(),
            "not_valid": LINK_NOT_VALID.message,
            "errors": errors,
        }
        status = LINK_NOT_VALID.status if errors or state == "gone" else 200
        policy = {**FORM_POLICY, "form-action": ["'self'", *self.form_targets()]}
        page = partial(render, template_name=self.template, context=context, status=status)
        return csp_update(policy)(page)(self.django_request)
