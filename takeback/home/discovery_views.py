"""What visitors and programs look for first: the index of the API, robots.txt and the icon."""

from functools import cache, partial
from pathlib import Path
from typing import Final

from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from rest_framework.request import Request
from rest_framework.response import Response

import takeback.ui
from takeback.api.base_view import ApiView
from takeback.api.problem_pages import prefers_html
from takeback.home.views import NOT_DOCUMENTED
from takeback.ui.csp import PAGE_POLICY

LINKS: Final = {
    "documentation": "/api/docs/",
    "schema": "/api/schema/",
    "health": "/health/ready/",
    "storefront": "/users/orders/",
    "channel": "/api/v1/channel/{channel_id}/",
}
"""The places from which everything else is found."""

# Search engines may list the start page only; all responses carry `noindex` as well.
ROBOTS: Final = "User-agent: *\nAllow: /$\nDisallow: /\n"
_A_DAY = "public, max-age=86400"
_ICON = Path("static/ui/mark.svg")


class ApiIndexView(ApiView):
    """The name and version of the API, and where to find its documents; a page for browsers."""

    operations = NOT_DOCUMENTED
    is_page = True

    def get(self, request: Request) -> HttpResponseBase:
        version = settings.SPECTACULAR_SETTINGS["VERSION"]
        if not prefers_html(self.django_request):
            response: HttpResponseBase = Response({"name": "Takeback", "version": version, **LINKS})
        else:
            context = {"version": version, "links": LINKS}
            page = partial(render, template_name="home/api_index.html", context=context)
            response = csp_update(PAGE_POLICY)(page)(self.django_request)
        patch_vary_headers(response, ("Accept",))
        return response


class RobotsView(ApiView):
    """The rules for search engines."""

    operations = NOT_DOCUMENTED

    def get(self, request: Request) -> HttpResponse:
        headers = {"Cache-Control": _A_DAY}
        return HttpResponse(ROBOTS, content_type="text/plain; charset=utf-8", headers=headers)


class IconView(ApiView):
    """The icon at the address where browsers look for it without a page."""

    operations = NOT_DOCUMENTED

    def get(self, request: Request) -> HttpResponse:
        headers = {"Cache-Control": _A_DAY}
        return HttpResponse(_icon(), content_type="image/svg+xml", headers=headers)


@cache
def _icon() -> bytes:
    (room,) = takeback.ui.__path__
    return (Path(room) / _ICON).read_bytes()
