"""Refusals for people: a page in the visitor's language where a browser navigates."""

from functools import partial

from csp.decorators import csp_update
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from rest_framework.response import Response

from takeback.core import errors
from takeback.core.errors import Problem
from takeback.ui.csp import PAGE_POLICY

_NOT_FOUND = (
    _("Page not found"),
    _("There is no page at this address. Check the address, or open the link in your mail again."),
)
_COPIED_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate")
_JSON, _HTML = "application/json", "text/html"


def prefers_html(request: HttpRequest) -> bool:
    """Whether the client prefers pages, as browsers do; `*/*` stands for JSON."""
    return request.get_preferred_type([_JSON, _HTML]) == _HTML


def problem_page(request: HttpRequest, problem: Problem) -> HttpResponseBase:
    """The page of a refusal; its status is that of the problem."""
    if problem is errors.NOT_FOUND:
        return text_page(request, *_NOT_FOUND, status=problem.status)
    return text_page(request, problem.message, "", status=problem.status)


def refusal_page(request: HttpRequest, refusal: Response) -> HttpResponseBase:
    """The page of a refusal that an API would send as JSON, with its status and headers."""
    page = text_page(request, refusal.data["detail"], "", status=refusal.status_code)
    for name in _COPIED_HEADERS:
        if name in refusal.headers:
            page[name] = refusal.headers[name]
    return page


def text_page(
    request: HttpRequest,
    title: str | Promise,
    text: str | Promise,
    *,
    status: int,
    has_start_link: bool = True,
) -> HttpResponseBase:
    context = {"title": title, "text": text, "has_start_link": has_start_link}
    page = csp_update(PAGE_POLICY)(
        partial(render, template_name="ui/problem.html", context=context, status=status)
    )
    response = page(request)
    patch_vary_headers(response, ("Accept",))
    return response
