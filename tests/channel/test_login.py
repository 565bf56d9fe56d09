"""Staff log in for a key: one response to every wrong login, and rate limits."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pyotp
import pytest
import time_machine
import zeal
from django.contrib.auth import hashers
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from takeback.accounts import api_keys, staff
from takeback.accounts.models import ApiKey, User
from takeback.accounts.totp import enable_totp
from takeback.limits.models import Counter
from tests import factories
from tests.channel import shop
from tests.channel.test_access import NO_KEY, OTHER_SCHEME, UNSIGNED
from tests.factories import HttpClient

pytestmark = pytest.mark.django_db

PATH = "/api/v1/auth/login/"
WRONG = {"detail": "Wrong user name or password.", "code": "login_failed"}


def _create_staff(username: str = "mira", **options: Any) -> User:
    factories.create_channel()
    factories.create_channel(pk=shop.OTHER)
    fields: dict[str, Any] = {"channel_ids": [shop.SHOP], "scopes": ["read", "decide"]}
    fields |= {"password": factories.PASSWORD, "email": "mira@example.com", "name": ("Mira", "Day")}
    return User.objects.get(pk=staff.create_staff_user(username, **fields | options))


def _login(
    username: Any = "mira", password: Any = factories.PASSWORD, path: str = PATH, **options: Any
) -> Any:
    body = json.dumps({"username": username, "password": password})
    # A request may not repeat a query; a test may log in several times.
    with zeal.zeal_context():
        return HttpClient().post(path, body, content_type="application/json", **options)


def _active(text: str, path: str = "/api/v1/active_user/") -> Any:
    with zeal.zeal_context():
        return shop.client(text).get(path)


@pytest.mark.parametrize("prefix", shop.PREFIXES)
@pytest.mark.parametrize("slash", ["", "/"])
def test_login_returns_a_key_that_shows_its_owner(prefix: str, slash: str) -> None:
    user = _create_staff(channel_ids=[shop.OTHER, shop.SHOP])

    response = _login(path=f"{prefix}/auth/login{slash}")

    assert (response.status_code, list(response.json())) == (200, ["key"])
    text = response.json()["key"]
    assert api_keys.public_id_of(text) is not None
    owner = _active(text, f"{prefix}/active_user{slash}")
    assert (owner.status_code, owner.json()) == (
        200,
        {
            "pk": user.pk,
            "id": user.pk,
            "username": "mira",
            "email": "mira@example.com",
            "first_name": "Mira",
            "last_name": "Day",
            "is_staff": True,
            "channels": [shop.SHOP, shop.OTHER],
            "scopes": ["read", "decide"],
        },
    )
    listed = shop.client(text).get(f"{prefix}/channel/{shop.SHOP}/orders{slash}")
    assert listed.status_code == 200


def test_key_of_a_system_has_no_owner() -> None:
    owner = _active(shop.key(scopes=["decide"]))

    assert (owner.status_code, owner.json()) == (
        200,
        {
            "pk": None,
            "id": None,
            "username": "a system",
            "email": "",
            "first_name": "",
            "last_name": "",
            "is_staff": False,
            "channels": [shop.SHOP],
            "scopes": ["decide"],
        },
    )


def _left(user: User) -> None:
    staff.update_staff_user(user.username, now=factories.NOW, is_active=False)


def _not_staff(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_staff=False)


def _second_factor(user: User) -> None:
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    assert enable_totp(user.pk, secret, pyotp.TOTP(secret).at(factories.NOW), factories.NOW)


def _no_password(user: User) -> None:
    User.objects.filter(pk=user.pk).update(password=hashers.make_password(None))


def _nothing(user: User) -> None:
    pass


def _hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Records every password that is hashed from now on."""
    hashed: list[str] = []
    quick = type(hashers.get_hasher())
    encode = quick.encode

    def counted(self: Any, password: str, *rest: Any) -> str:
        hashed.append(password)
        encoded: str = encode(self, password, *rest)
        return encoded

    monkeypatch.setattr(quick, "encode", counted)
    return hashed


@pytest.mark.parametrize(
    ("before", "login"),
    [
        (_nothing, {"username": "nobody"}),
        (_nothing, {"username": "MIRA"}),
        (_nothing, {"password": "wrong"}),
        (_nothing, {"password": factories.PASSWORD + " "}),
        (_nothing, {"username": "ayla"}),
        (_left, {}),
        (_not_staff, {}),
        (_second_factor, {}),
        (_no_password, {}),
    ],
)
def test_every_wrong_login_gets_the_same_response_after_one_hash(
    before: Callable[[User], None], login: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    before(_create_staff())
    factories.create_customer(username="ayla")
    rows = shop.row_counts()
    hashed = _hashes(monkeypatch)

    response = _login(**login)

    assert (response.status_code, response.json()) == (400, WRONG)
    assert len(hashed) == 1
    assert shop.row_counts() == rows


def test_correct_login_costs_one_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    _create_staff()
    hashed = _hashes(monkeypatch)

    assert _login().status_code == 200
    assert hashed == [factories.PASSWORD]


def test_cookies_are_ignored() -> None:
    _create_staff()
    caller = factories.client_of(factories.create_customer())

    body = json.dumps({"username": "mira", "password": factories.PASSWORD})
    response = caller.post(PATH, body, content_type="application/json")

    assert response.status_code == 200
    assert response.cookies == {}


def test_expired_key_does_not_prevent_a_login() -> None:
    _create_staff()

    assert _login(headers={"authorization": "Token stale"}).status_code == 200


def test_too_many_attempts_for_a_name_are_refused_from_their_network(
    settings: Settings, frozen_now: datetime
) -> None:
    settings.LOGIN_FAILURES_PER_EMAIL = 2
    _create_staff()

    tried = [_login(name, "wrong", REMOTE_ADDR="192.0.2.7") for name in ("mira", "MIRA", "mira")]
    assert [response.status_code for response in tried] == [400, 400, 429]
    assert _login().status_code == 200
    refused = _login(REMOTE_ADDR="192.0.2.7")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert refused.headers["Retry-After"] == "900"
    assert refused.json()["detail"] == (
        "Too many attempts. Set a new password at http://127.0.0.1:8000/desk/password-reset, or "
        "try again later."
    )
    assert _login("otto", "wrong").status_code == 400
    with time_machine.travel(frozen_now + timedelta(seconds=900), tick=False):
        assert _login(REMOTE_ADDR="192.0.2.7").status_code == 200


def test_too_many_attempts_from_an_address_are_refused_for_any_name(
    settings: Settings, frozen_now: datetime
) -> None:
    settings.STOREFRONT_SERVERS = []
    _create_staff()
    for number in range(100):
        assert _login(f"name-{number}", "wrong", REMOTE_ADDR="192.0.2.7").status_code == 400

    assert _login(REMOTE_ADDR="192.0.2.7").status_code == 429
    assert _login(REMOTE_ADDR="192.0.2.8").status_code == 200


def test_successful_login_is_not_counted(settings: Settings) -> None:
    settings.LOGIN_FAILURES_PER_EMAIL = 1
    _create_staff()

    assert [_login().status_code for _ in range(3)] == [200, 200, 200]
    counted = Counter.objects.exclude(key__startswith="key:").values_list("hits", flat=True)
    assert set(counted) <= {0}


def test_sixth_login_ends_the_oldest_key() -> None:
    _create_staff()

    texts = [_login().json()["key"] for _ in range(6)]

    assert [_active(text).status_code for text in texts] == [401] + 5 * [200]
    assert _active(texts[0]).json() == UNSIGNED


def test_login_key_expires_after_twelve_hours(frozen_now: datetime) -> None:
    _create_staff()
    text = _login().json()["key"]

    with time_machine.travel(frozen_now + timedelta(hours=12, seconds=-1), tick=False):
        assert _active(text).status_code == 200
    with time_machine.travel(frozen_now + timedelta(hours=12), tick=False):
        assert _active(text).status_code == 401


def test_login_key_has_channels_and_scopes_of_its_owner() -> None:
    _create_staff(scopes=["read"])
    caller = shop.client(_login().json()["key"])

    assert caller.get("/api/v1/channel/1/orders/").status_code == 200
    assert shop.create_order(caller, shop.order_body()).status_code == 403
    absent = caller.get("/api/v1/channel/2/orders/")
    never = caller.get("/api/v1/channel/77/orders/")
    assert (absent.status_code, absent.json()) == (never.status_code, never.json())
    assert absent.status_code == 404


FIELDS: list[tuple[dict[str, Any], set[str]]] = [
    ({}, {"username", "password"}),
    ({"username": "mira"}, {"password"}),
    ({"password": "x"}, {"username"}),
    ({"username": None, "password": None}, {"username", "password"}),
    ({"username": 1, "password": 1}, {"username", "password"}),
    ({"username": ["mira"], "password": {"a": "b"}}, {"username", "password"}),
    ({"username": True, "password": False}, {"username", "password"}),
    ({"username": "", "password": ""}, {"username", "password"}),
    ({"username": " ", "password": "x"}, {"username"}),
    ({"username": "x" * 151, "password": "x"}, {"username"}),
    ({"username": "mira", "password": "x" * 1025}, {"password"}),
    ({"username": "mi\u202era", "password": "x"}, {"username"}),
    ({"username": "mi\nra", "password": "x"}, {"username"}),
]


@pytest.mark.parametrize(("body", "invalid_fields"), FIELDS)
def test_invalid_field_is_named(body: dict[str, Any], invalid_fields: set[str]) -> None:
    _create_staff()

    response = HttpClient().post(PATH, json.dumps(body), content_type="application/json")

    assert (response.status_code, set(response.json())) == (400, invalid_fields | {"code"})
    assert (ApiKey.objects.count(), Counter.objects.count()) == (0, 0)


BODIES: list[tuple[bytes, str, int, str]] = [
    (b"", "application/json", 400, "malformed_json"),
    (b"null", "application/json", 400, "object_expected"),
    (b"[]", "application/json", 400, "object_expected"),
    (b'{"username": "a\\u0000", "password": "x"}', "application/json", 400, "malformed_json"),
    (b'{"username": "a", "username": "b"}', "application/json", 400, "duplicate_key"),
    (b'{"username": "\xff"}', "application/json", 400, "malformed_json"),
    (b'{"username": ' + b"9" * 5000 + b"}", "application/json", 400, "malformed_json"),
    (b"username=mira", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
    (b" " * 65_537, "application/json", 413, "payload_too_large"),
]


@pytest.mark.parametrize(("body", "kind", "status", "code"), BODIES)
def test_body_that_is_no_login_is_refused(body: bytes, kind: str, status: int, code: str) -> None:
    response = HttpClient().post(PATH, body, content_type=kind)

    assert (response.status_code, response.json()["code"]) == (status, code)


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "options"])
def test_login_accepts_only_post(method: str) -> None:
    response = getattr(HttpClient(), method)(PATH)

    assert response.status_code == 405
    assert response.json()["code"] == "method_not_allowed"
    assert "POST" in response.headers["Allow"]


@pytest.mark.parametrize(
    ("header", "unsigned"),
    [
        ("", NO_KEY),
        ("Token", NO_KEY),
        ("Token x", UNSIGNED),
        ("Bearer x", OTHER_SCHEME),
        ("Token " + "x" * 2**20, UNSIGNED),
    ],
)
def test_missing_key_is_unauthorized(header: str, unsigned: dict[str, str]) -> None:
    factories.create_channel()

    response = HttpClient(headers={"authorization": header}).get("/api/v1/active_user/")

    assert (response.status_code, response.json()) == (401, unsigned)
    assert response.headers["WWW-Authenticate"] == "Token"


def test_active_user_needs_four_queries() -> None:
    text = shop.key()
    _active(text)

    with CaptureQueriesContext(connection) as queries:
        _active(text)

    # Key, rate limit, channels, owner.
    assert len(queries) == 4
