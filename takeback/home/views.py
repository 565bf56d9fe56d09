"""The first page, the OpenAPI document, and the page that shows it."""

from functools import cache
from typing import Any

from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.channels import channel_id_of_host, storefront_url
from takeback.api import openapi
from takeback.api.base_view import ApiView, django_request
from takeback.api.openapi import Operation
from takeback.api.renderer import JSON, Renderer, encode
from takeback.core.links import safe_http_url
from takeback.home.demo_accounts import read_demo_accounts, sample_orders
from takeback.ui.csp import PAGE_POLICY

API_PAGE_POLICY = {
    **PAGE_POLICY,
    "script-src": ["'self'"],
    "connect-src": ["'self'"],
    # Swagger's style sheet contains its icons as data URLs.
    "img-src": ["'self'", "data:"],
}
NOT_DOCUMENTED: dict[str, Operation] = {}


class HomeView(ApiView):
    """The first page: in a demo the product with sample orders and accounts, else the shop's."""

    operations = NOT_DOCUMENTED
    is_page = True

    @method_decorator(csp_update(PAGE_POLICY))
    def get(self, request: Request) -> HttpResponse:
        accounts = read_demo_accounts(settings.DATA_DIR)
        if accounts is None and not settings.DEBUG:
            return self._shop_page(request)
        orders = sample_orders(accounts) if accounts else []
        context = {"demo": accounts, "sample_orders": orders}
        return render(django_request(request), "home/home.html", context)

    def _shop_page(self, request: Request) -> HttpResponse:
        """For shoppers: no links for developers or staff."""
        channel_id = channel_id_of_host(self.django_request.get_host())
        context = {"storefront_url": safe_http_url(storefront_url(channel_id))}
        return render(django_request(request), "home/shop.html", context)


class SchemaView(ApiView):
    """The API as an OpenAPI 3.1 document."""

    operations = NOT_DOCUMENTED

    def get(self, request: Request) -> HttpResponse:
        """The document names the host of the request as its server: the API page calls it."""
        server = self.django_request.build_absolute_uri("/").rstrip("/")
        document = {**_document(get_language()), "servers": [{"url": server}]}
        return HttpResponse(encode(document), content_type=JSON)


@cache
def _document(_language: str) -> dict[str, Any]:
    """Cached per language: generating it takes as long as a hundred ordinary requests."""
    return openapi.document()


class ApiDocsView(SpectacularSwaggerSplitView):
    """Swagger without inline scripts and styles, as the content policy requires."""

    operations = NOT_DOCUMENTED
    metadata_class = None  # the response to OPTIONS would be rendered by the template
    url_name = "schema"
    template_name = "home/api.html"

    @method_decorator(csp_update(API_PAGE_POLICY))
    def get(self, request: Request) -> Response:
        """The page, or its start script with `?script=`."""
        response: Response = super().get(request)  # type: ignore[no-untyped-call]
        if "script" in request.GET:
            response.content_type = "text/javascript; charset=utf-8"
        return response

    def handle_exception(self, exc: Exception) -> Response:
        """Refusals are JSON, as everywhere."""
        self.request.accepted_renderer = Renderer()
        self.request.accepted_media_type = JSON
        return super().handle_exception(exc)
