"""API keys of the channel: authentication, scopes, channels and limits."""

import secrets
import string
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from takeback.accounts import api_keys
from takeback.accounts.api_keys import revoke_key, rotate_key
from takeback.accounts.models import ApiKey, Channel
from takeback.core import clock
from takeback.limits.models import Counter
from tests import factories
from tests.channel import shop
from tests.factories import HttpClient

pytestmark = pytest.mark.django_db

UNSIGNED = {
    "detail": "This API key does not exist, has expired or was revoked, or its channel is not "
    "active.",
    "code": "not_authenticated",
}
NO_KEY = UNSIGNED | {"detail": "Send an API key in the header: Authorization: Token <key>."}
OTHER_SCHEME = UNSIGNED | {
    "detail": "Use the scheme Token for the API key: Authorization: Token <key>."
}


def unsigned(name: str) -> dict[str, str]:
    """The response to a header of `WRONG`: its form alone decides, never the key."""
    if name in {"no key", "an empty one", "the word Token"}:
        return NO_KEY
    is_other = name in {"the word Bearer", "a bearer's key", "small letters"}
    return OTHER_SCHEME if is_other else UNSIGNED


def forbidden(scope: str) -> dict[str, str]:
    """The response to a key without this scope."""
    detail = f"This API key lacks the scope {scope}. Use a key with this scope."
    return {"detail": detail, "code": "permission_denied"}


ABSENT = {"detail": "Not found.", "code": "not_found"}

Sender = Callable[[HttpClient, Any], Any]


def _read(caller: HttpClient, channel: Any = shop.SHOP) -> Any:
    return caller.get(f"/api/channel/{channel}/orders/")


def _create(caller: HttpClient, channel: Any = shop.SHOP) -> Any:
    return shop.create_order(caller, shop.order_body(), channel=channel)


CALLS: list[Sender] = [_read, _create]


def _raw(header: str | None) -> HttpClient:
    return HttpClient(headers={"authorization": header} if header is not None else {})


def _changed(text: str) -> str:
    return text[:30] + ("a" if text[30] != "a" else "b") + text[31:]


def _resealed(text: str) -> str:
    """Another secret with the same public id and a correct checksum."""
    drawn = "".join(secrets.choice(string.ascii_letters) for _ in range(api_keys.SECRET_LENGTH))
    begun = text[: len(api_keys.PREFIX) + api_keys.PUBLIC_ID_LENGTH] + drawn
    return begun + api_keys.checksum(begun)


WRONG: dict[str, Callable[[str], str | None]] = {
    "no key": lambda text: None,
    "an empty one": lambda text: "",
    "the word Bearer": lambda text: "Bearer",
    "a bearer's key": lambda text: f"Bearer {text}",
    "the word Token": lambda text: "Token",
    "two spaces": lambda text: f"Token  {text}",
    "a space behind": lambda text: f"Token {text} x",
    "small letters": lambda text: f"token {text}",
    "a key in small letters": lambda text: f"Token {text.lower()}",
    "another character": lambda text: f"Token {_changed(text)}",
    "another secret": lambda text: f"Token {_resealed(text)}",
    "an unknown key": lambda text: f"Token {api_keys.generate_key().text}",
    "the prefix only": lambda text: "Token tkb_live_",
    "the public name": lambda text: f"Token {api_keys.public_id_of(text)}",
    "its hash": lambda text: f"Token {api_keys.digest(text)}",
    "a mebibyte": lambda text: "Token " + "x" * 2**20,
    "twice": lambda text: f"Token {text}, Token {text}",
    "letters of no alphabet of ours": lambda text: "Token tkb_live_" + "\u0661" * 57,
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("send", CALLS)
def test_every_wrong_key_gets_the_response_of_its_form(name: str, send: Sender) -> None:
    header = WRONG[name](shop.key())
    header = header and header.encode().decode("latin-1")
    before = shop.row_counts()

    response = send(_raw(header), shop.SHOP)

    assert (response.status_code, response.json()) == (401, unsigned(name))
    assert response.headers["WWW-Authenticate"] == "Token"
    assert shop.row_counts() == before


def test_key_is_accepted_with_and_without_the_word_token() -> None:
    text = shop.key()

    assert _read(_raw(f"Token {text}")).status_code == 200
    assert _read(_raw(text)).status_code == 200


def test_key_in_query_or_body_is_ignored() -> None:
    text = shop.key()
    path = "/api/channel/1/orders/"

    for query in ({"key": text}, {"token": text}, {"Authorization": f"Token {text}"}):
        assert HttpClient().get(path, query).status_code == 401
    body = shop.order_body() | {"key": text, "Authorization": f"Token {text}"}
    assert shop.create_order(HttpClient(), body).status_code == 401


def test_malformed_key_is_refused_without_a_query() -> None:
    text = shop.key()

    for header in ("Token x", f"Token {_changed(text)}", "Token " + "x" * 2**20):
        with CaptureQueriesContext(connection) as queries:
            assert _read(_raw(header)).status_code == 401
        assert len(queries) == 0


def test_unknown_key_costs_one_query_by_public_id() -> None:
    factories.create_channel()

    with CaptureQueriesContext(connection) as queries:
        assert _read(_raw(api_keys.generate_key().text)).status_code == 401

    assert len(queries) == 1
    assert '."public_id" =' in queries[0]["sql"]


def test_requests_above_the_limit_of_a_key_are_refused_for_any_address(
    settings: Settings, frozen_now: datetime
) -> None:
    settings.KEY_REQUESTS_PER_MINUTE = 2
    text = shop.key()

    def send_request(caller: HttpClient, address: str = "192.0.2.1") -> Any:
        return caller.get("/api/channel/1/orders/", REMOTE_ADDR=address)

    # A wrong secret with a valid public id does not count.
    assert send_request(_raw(_resealed(text))).status_code == 401
    assert [send_request(_raw(text), f"192.0.2.{n}").status_code for n in (2, 3)] == [200, 200]
    refused = send_request(_raw(text), "192.0.2.4")

    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    assert refused.json()["code"] == "too_many_requests"
    assert _create(_raw(text)).status_code == 429
    assert send_request(_raw(shop.key())).status_code == 200
    assert Counter.objects.filter(key__startswith="key:").count() == 2
    with time_machine.travel(frozen_now + timedelta(seconds=60), tick=False):
        assert send_request(_raw(text)).status_code == 200


SCOPES: list[tuple[list[str], int, int]] = [
    (["read"], 200, 403),
    (["decide"], 403, 201),
    (["read", "decide"], 200, 201),
    (["money"], 403, 403),
    (["pii"], 403, 403),
    (["read", "decide", "money", "pii"], 200, 201),
]


@pytest.mark.parametrize(("scopes", "reading", "creating"), SCOPES)
def test_each_route_needs_its_scope(scopes: list[str], reading: int, creating: int) -> None:
    caller = shop.client(shop.key(scopes=scopes))
    before = shop.row_counts()

    listed = _read(caller)
    assert listed.status_code == reading
    assert reading == 200 or listed.json() == forbidden("read")
    created = _create(caller)
    assert created.status_code == creating
    assert creating == 201 or (created.json(), shop.row_counts()) == (forbidden("decide"), before)


@pytest.mark.parametrize("send", CALLS)
def test_revoked_key_is_refused(send: Sender) -> None:
    text = shop.key()
    assert _read(shop.client(text)).status_code == 200

    revoke_key(str(api_keys.public_id_of(text)), now=clock.now())

    response = send(shop.client(text), shop.SHOP)
    assert (response.status_code, response.json()) == (401, UNSIGNED)


@pytest.mark.parametrize("send", CALLS)
def test_expired_key_is_refused(send: Sender) -> None:
    text = shop.key(now=clock.now() - timedelta(days=2), expires_at=clock.now() - timedelta(days=1))

    response = send(shop.client(text), shop.SHOP)

    assert (response.status_code, response.json()) == (401, UNSIGNED)


@pytest.mark.parametrize("send", CALLS)
def test_key_of_inactive_channel_is_refused(send: Sender) -> None:
    text = shop.key(channels=[shop.SHOP, shop.OTHER])
    Channel.objects.filter(pk=shop.SHOP).update(is_active=False)

    response = send(shop.client(text), shop.SHOP)

    assert (response.status_code, response.json()) == (401, UNSIGNED)
    assert _read(shop.client(text), shop.OTHER).status_code == 200


def test_key_of_inactive_user_is_refused() -> None:
    person = factories.create_customer(is_staff=True)
    text = shop.key(user_id=person.pk)
    assert _read(shop.client(text)).status_code == 200

    person.is_active = False
    person.save()

    assert _read(shop.client(text)).status_code == 401


@pytest.mark.parametrize("send", CALLS)
@pytest.mark.parametrize(
    "channel", [0, -1, "abc", 10**40, 2**63, "1.0", "%D9%A1", "1%00", shop.OTHER, 77]
)
def test_other_channel_is_reported_like_a_missing_one(send: Sender, channel: Any) -> None:
    caller = shop.client()
    factories.create_channel(pk=shop.OTHER)
    before = shop.row_counts()

    response = send(caller, channel)

    assert (response.status_code, response.json()) == (404, ABSENT)
    assert shop.row_counts() == before


def test_wrong_key_for_missing_channel_is_unauthorized() -> None:
    assert _read(_raw("Token x"), 10**40).status_code == 401


@pytest.mark.parametrize("prefix", shop.PREFIXES)
@pytest.mark.parametrize("slash", ["", "/"])
def test_all_prefixes_serve_the_same_routes_without_redirect(prefix: str, slash: str) -> None:
    caller = shop.client()

    created = caller.post(
        f"{prefix}/channel/1/create_orders{slash}",
        shop.order_body(),
        content_type="application/json",
    )
    listed = caller.get(f"{prefix}/channel/1/orders{slash}", {"number": factories.NUMBER})

    assert (created.status_code, listed.status_code) == (201, 200)
    assert listed.json()["results"] == [created.json()]


@pytest.mark.parametrize("prefix", shop.PREFIXES)
def test_order_of_other_channel_is_not_found(prefix: str) -> None:
    stranger = shop.client(shop.key(channels=[shop.OTHER]))
    shop.create_order(stranger, shop.order_body(), channel=shop.OTHER)

    response = shop.client().get(f"{prefix}/channel/1/orders/", {"number": factories.NUMBER})

    assert response.json() == {"count": 0, "next": None, "previous": None, "results": []}


def test_same_number_in_two_channels_is_two_orders() -> None:
    caller = shop.client(shop.key(channels=[shop.SHOP, shop.OTHER]))

    first = shop.create_order(caller, shop.order_body(), channel=shop.SHOP).json()
    second = shop.create_order(caller, shop.order_body(), channel=shop.OTHER).json()

    assert (first["channel"], second["channel"]) == (shop.SHOP, shop.OTHER)
    assert first["id"] != second["id"]
    assert first["customer"] != second["customer"]


def test_rotated_key_works_until_its_overlap_ends() -> None:
    text = shop.key()
    old = str(api_keys.public_id_of(text))

    new = rotate_key(old, overlap=timedelta(hours=1), now=clock.now()).text
    assert [_read(shop.client(key)).status_code for key in (text, new)] == [200, 200]

    ApiKey.objects.filter(public_id=old).update(expires_at=clock.now() - timedelta(seconds=1))
    assert [_read(shop.client(key)).status_code for key in (text, new)] == [401, 200]


@pytest.mark.parametrize("method", ["put", "patch", "delete", "trace", "options"])
@pytest.mark.parametrize("route", ["orders", "create_orders"])
def test_unsupported_methods_are_refused(method: str, route: str) -> None:
    response = getattr(shop.client(), method)(f"/api/v1/channel/1/{route}/")

    assert response.status_code == 405
    assert response.json()["code"] == "method_not_allowed"
    assert ("POST" if route == "create_orders" else "GET") in response.headers["Allow"]


def test_method_override_is_ignored() -> None:
    caller = shop.client()

    response = caller.get(
        "/api/v1/channel/1/orders/?_method=DELETE", headers={"x-http-method-override": "DELETE"}
    )

    assert response.status_code == 200


@pytest.mark.parametrize(("scopes", "token"), [(["read"], None), (["read", "pii"], "t0ken")])
def test_token_of_data_source_needs_scope_pii(scopes: list[str], token: str | None) -> None:
    item = shop.item_body(datasource={"pk": 3, "name": "Seller", "token": "t0ken"})
    created = shop.create_order(shop.client(), shop.order_body(None, item)).json()
    assert created["orderitem_set"][0]["datasource"]["token"] is None

    order = shop.find_orders(shop.client(shop.key(scopes=scopes))).json()["results"][0]

    assert order["orderitem_set"][0]["datasource"]["token"] == token
