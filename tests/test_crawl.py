"""Every route with every method and every kind of client: no internal error, ever.

The routes come from the URL configuration. Each client sends every method to every path of the
API document, and no response differs from the document. Of the pages it takes a sample, unless it
is the client whose pages they are; a short run takes samples of everything.
"""

import itertools
import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from takeback.accounts.models import ApiKey, User
from takeback.core import clock
from tests import factories
from tests.channel import shop
from tests.conftest import CI, LONG
from tests.desk import agents
from tests.factories import HttpClient
from tests.rigs.openapi_responses import checker
from tests.storefront.api import token_of, verify_order

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("one request per route, method and client"),
]

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW")
BODIES = (
    (b"{}", "application/json"),
    (b"[null]", "application/json"),
    (b"a=1", "application/x-www-form-urlencoded"),
    (b"<a/>", "application/xml"),
    (b"{}", ""),
    (b"\xff", "multipart/form-data; boundary=x"),
    (b"{}", "application/made-up; charset=nope"),
)
ACCEPTED = ("*/*", "text/html", "image/png", "nonsense")
SAMPLE, REST = (1, 7) if CI or LONG else (7, 49)
"""Each client sends one of so many requests to documented paths and its pages, and to the rest."""
IDS = {"channel_id": str(shop.SHOP), "name": "crawled", "token": "x:y"}
PAGES = ("anonymous", "staff")
"""The clients that visit all pages."""
_PREFIXES = ("api/v1/channel/", "api/channel/", "api/i1/channel/")


def _templates(patterns: list[Any], before: str = "") -> list[str]:
    templates = []
    for pattern in patterns:
        text = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            templates += _templates(pattern.url_patterns, text)
        elif isinstance(pattern, URLPattern):
            templates.append(text)
    return templates


def _requests(name: str) -> list[tuple[str, str]]:
    """The routes and methods that a client crawls. Of a route's prefixes each client takes one."""
    place = list(CLIENTS).index(name)
    prefix = _PREFIXES[place % len(_PREFIXES)]
    templates = [
        template
        for template in sorted(_templates(get_resolver().url_patterns))
        if not template.startswith(tuple(f"^{text}" for text in _PREFIXES))
        or template.startswith(f"^{prefix}")
    ]
    own: list[tuple[str, str]] = []
    rest: list[tuple[str, str]] = []
    for template in templates:
        is_own = checker().documents(_path(template, {**IDS, "pk": "1"})) or name in PAGES
        (own if is_own else rest).extend((template, method) for method in METHODS)
    return own[place % SAMPLE :: SAMPLE] + rest[place % REST :: REST]


def _path(template: str, ids: dict[str, str]) -> str:
    """A path that the pattern matches."""
    text = re.sub(r"\(\?P<(\w+)>[^)]*\)|<\w+:(\w+)>", lambda m: ids[m[1] or m[2]], template)
    text = text.replace("(?:/[vi]1)?", "/v1").replace("/?\\Z", "/").replace("/?$", "/")
    return "/" + re.sub(r"\(\?:[^)]*\)\?|[\^$?\\]", "", text).lstrip("/")


def _expired_key() -> str:
    text = shop.key(scopes=ApiKey.SCOPES)
    ApiKey.objects.update(expires_at=clock.now() - timedelta(days=1))
    return text


def _guest() -> HttpClient:
    factories.create_order(number="99", guest="guest2@example.com")
    client = HttpClient()
    verify_order(client, number="99", email="guest2@example.com")
    return client


def _customer(**fields: Any) -> HttpClient:
    user = factories.create_customer(email="crawl@example.com", **fields)
    return factories.client_of(user)


def _system(*scopes: str, channel: int = shop.SHOP) -> HttpClient:
    return shop.client(shop.key(scopes=list(scopes), channels=[channel]))


CLIENTS: dict[str, Callable[[], HttpClient]] = {
    "anonymous": HttpClient,
    "customer": _customer,
    "unconfirmed customer": lambda: _customer(user_type=User.PENDING),
    "guest": _guest,
    "staff": lambda: agents.agent(username="crawler"),
    "expired key": lambda: shop.client(_expired_key()),
    "key of another channel": lambda: _system(*ApiKey.SCOPES, channel=shop.OTHER),
    "key with all scopes": lambda: _system(*ApiKey.SCOPES),
    **{f"key with scope {scope}": partial(_system, scope) for scope in ApiKey.SCOPES},
}


@pytest.mark.parametrize("name", CLIENTS)
def test_no_request_causes_an_internal_error(name: str, settings: Any) -> None:
    settings.LIMITS_ENABLED = False
    order = factories.create_order(number="crawled")
    item = factories.items_of(order)[0]
    case = factories.create_case(item=item)
    client = CLIENTS[name]()
    headers = {} if "key" in name else token_of(client)
    pks = itertools.cycle([order.pk, item.pk, case.pk, case.reason_id, 10**18, "x"])
    variants = itertools.cycle(itertools.product(BODIES, ACCEPTED))
    for template, method in _requests(name):
        path = _path(template, {**IDS, "pk": str(next(pks))})
        (body, kind), accept = next(variants)
        response: Any = client.generic(
            method, path, body, content_type=kind, headers={**headers, "Accept": accept}
        )
        details = (method, path, body, kind, accept, response.status_code)
        assert response.status_code < 500, details
        assert response.status_code != 405 or response.headers["Allow"], details
        assert b"Traceback" not in response.getvalue(), details
        assert not checker().difference(method, path, response), details
        if checker().documents(path) and not checker().operation(method, path):
            # Only OPTIONS succeeds without being documented.
            assert response.status_code >= 400 or method == "OPTIONS", details


def test_paths_reach_their_routes() -> None:
    """Without this the crawl would prove nothing."""
    ids = {"channel_id": "1", "name": "x", "token": "x", "pk": "1"}
    paths = {_path(template, ids) for template in _templates(get_resolver().url_patterns)}

    assert len(paths) > 150
    assert {"/users/orders/1/", "/api/v1/", "/robots.txt", "/desk/cases/1"} <= paths
    for path in paths:
        get_resolver().resolve(path)
