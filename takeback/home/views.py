"""The first page, the API document, and the page that shows it."""

from functools import cache

from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.api import openapi
from takeback.api.base_view import ApiView, django_request
from takeback.api.renderer import JSON, Renderer, encode
from takeback.home import try_me
from takeback.ui.csp import PAGE_POLICY

API_PAGE_POLICY = {
    **PAGE_POLICY,
    "script-src": ["'self'"],
    "connect-src": ["'self'"],
    # Swagger's style sheet holds its icons as data.
    "img-src": ["'self'", "data:"],
}


class Home(ApiView):
    """What this is, and where to go from here."""

    @extend_schema(exclude=True)
    @method_decorator(csp_update(PAGE_POLICY))
    def get(self, request: Request) -> HttpResponse:
        """The page; a demo shows its orders and accounts on it."""
        told = try_me.read(settings.DATA_DIR)
        context = {"demo": told, "stories": try_me.stories(told) if told else []}
        return render(django_request(request), "home/home.html", context)


@extend_schema(exclude=True)
@api_view(["GET", "HEAD"])
def schema(request: Request) -> HttpResponse:
    """The API, described in OpenAPI 3.1."""
    return HttpResponse(_document(get_language()), content_type=JSON)


@cache
def _document(_language: str) -> bytes:
    """Made once per language: it costs a hundred ordinary answers."""
    return encode(openapi.document())


class ApiPage(SpectacularSwaggerSplitView):
    """Swagger, with nothing inline, so that it lives under a strict policy."""

    url_name = "schema"
    template_name = "home/api.html"

    @extend_schema(exclude=True)
    @method_decorator(csp_update(API_PAGE_POLICY))
    def get(self, request: Request) -> Response:
        """The page, or with `?script=` what starts it."""
        response: Response = super().get(request)  # type: ignore[no-untyped-call]
        if "script" in request.GET:
            response.content_type = "text/javascript; charset=utf-8"
        return response

    def handle_exception(self, exc: Exception) -> Response:
        """Refusals are JSON here too."""
        self.request.accepted_renderer = Renderer()
        self.request.accepted_media_type = JSON
        return super().handle_exception(exc)
