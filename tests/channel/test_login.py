"""Staff sign in for a key: one answer for every wrong pair, as often as the limits allow."""

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
from tests.factories import HttpClient

pytestmark = pytest.mark.django_db

PATH = "/api/v1/auth/login/"
WRONG = {"detail": "User name or password is not right.", "code": "login_failed"}
UNSIGNED = {"detail": "Please sign in first.", "code": "not_authenticated"}


def _hire(username: str = "mira", **told: Any) -> User:
    factories.create_channel()
    factories.create_channel(pk=shop.OTHER)
    fields: dict[str, Any] = {"channel_ids": [shop.SHOP], "scopes": ["read", "decide"]}
    fields |= {"password": factories.PASSWORD, "email": "mira@example.com", "name": ("Mira", "Day")}
    return User.objects.get(pk=staff.create_staff_user(username, **fields | told))


def _login(
    username: Any = "mira", password: Any = factories.PASSWORD, path: str = PATH, **options: Any
) -> Any:
    body = json.dumps({"username": username, "password": password})
    # A request is what may not repeat a question; a test may sign in several times.
    with zeal.zeal_context():
        return HttpClient().post(path, body, content_type="application/json", **options)


def _active(text: str, path: str = "/api/v1/active_user/") -> Any:
    with zeal.zeal_context():
        return shop.client(text).get(path)


@pytest.mark.parametrize("prefix", shop.PREFIXES)
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_login_gives_a_key_that_tells_whose_it_is(prefix: str, slash: str) -> None:
    user = _hire(channel_ids=[shop.OTHER, shop.SHOP])

    answer = _login(path=f"{prefix}/auth/login{slash}")

    assert (answer.status_code, list(answer.json())) == (200, ["key"])
    text = answer.json()["key"]
    assert api_keys.public_id_of(text) is not None
    told = _active(text, f"{prefix}/active_user{slash}")
    assert (told.status_code, told.json()) == (
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
    found = shop.client(text).get(f"{prefix}/channel/{shop.SHOP}/orders{slash}")
    assert found.status_code == 200


def test_a_systems_own_key_has_no_person() -> None:
    told = _active(shop.key(scopes=["decide"]))

    assert (told.status_code, told.json()) == (
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
    """Every password that is hashed from now on."""
    hashed: list[str] = []
    quick = type(hashers.get_hasher())
    encode = quick.encode

    def counted(self: Any, password: str, *rest: Any) -> str:
        hashed.append(password)
        made: str = encode(self, password, *rest)
        return made

    monkeypatch.setattr(quick, "encode", counted)
    return hashed


@pytest.mark.parametrize(
    ("before", "told"),
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
def test_every_wrong_pair_gets_the_same_answer_after_one_hash(
    before: Callable[[User], None], told: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    before(_hire())
    factories.create_customer(username="ayla")
    rows = shop.rows()
    hashed = _hashes(monkeypatch)

    answer = _login(**told)

    assert (answer.status_code, answer.json()) == (400, WRONG)
    assert len(hashed) == 1
    assert shop.rows() == rows


def test_a_pair_that_is_right_costs_one_hash_too(monkeypatch: pytest.MonkeyPatch) -> None:
    _hire()
    hashed = _hashes(monkeypatch)

    assert _login().status_code == 200
    assert hashed == [factories.PASSWORD]


def test_cookies_are_not_read() -> None:
    _hire()
    caller = factories.client_of(factories.create_customer())

    body = json.dumps({"username": "mira", "password": factories.PASSWORD})
    answer = caller.post(PATH, body, content_type="application/json")

    assert answer.status_code == 200
    assert answer.cookies == {}


def test_a_stale_key_does_not_stand_in_the_way_of_a_login() -> None:
    _hire()

    assert _login(headers={"authorization": "Token stale"}).status_code == 200


def test_too_many_tries_of_a_name_wait_whoever_tries(
    settings: Settings, frozen_now: datetime
) -> None:
    settings.LOGIN_FAILURES_PER_EMAIL = 2
    _hire()

    tried = [_login(name, "wrong", REMOTE_ADDR="192.0.2.7") for name in ("mira", "MIRA", "mira")]
    assert [answer.status_code for answer in tried] == [400, 400, 429]
    refused = _login()
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert refused.headers["Retry-After"] == "900"
    assert _login("otto", "wrong").status_code == 400
    with time_machine.travel(frozen_now + timedelta(seconds=900), tick=False):
        assert _login().status_code == 200


def test_too_many_tries_from_an_address_wait_whatever_the_name(
    settings: Settings, frozen_now: datetime
) -> None:
    settings.STOREFRONT_SERVERS = []
    _hire()
    for number in range(100):
        assert _login(f"name-{number}", "wrong", REMOTE_ADDR="192.0.2.7").status_code == 400

    assert _login(REMOTE_ADDR="192.0.2.7").status_code == 429
    assert _login(REMOTE_ADDR="192.0.2.8").status_code == 200


def test_a_login_that_succeeds_counts_for_nothing(settings: Settings) -> None:
    settings.LOGIN_FAILURES_PER_EMAIL = 1
    _hire()

    assert [_login().status_code for _ in range(3)] == [200, 200, 200]
    counted = Counter.objects.exclude(key__startswith="key:").values_list("hits", flat=True)
    assert set(counted) <= {0}


def test_a_sixth_login_ends_the_first_key() -> None:
    _hire()

    texts = [_login().json()["key"] for _ in range(6)]

    assert [_active(text).status_code for text in texts] == [401] + 5 * [200]
    assert _active(texts[0]).json() == UNSIGNED


def test_a_key_of_a_login_ends_after_half_a_day(frozen_now: datetime) -> None:
    _hire()
    text = _login().json()["key"]

    with time_machine.travel(frozen_now + timedelta(hours=12, seconds=-1), tick=False):
        assert _active(text).status_code == 200
    with time_machine.travel(frozen_now + timedelta(hours=12), tick=False):
        assert _active(text).status_code == 401


def test_a_key_of_a_login_does_what_the_person_may_and_where() -> None:
    _hire(scopes=["read"])
    caller = shop.client(_login().json()["key"])

    assert caller.get("/api/v1/channel/1/orders/").status_code == 200
    assert shop.send(caller, shop.document()).status_code == 403
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


@pytest.mark.parametrize(("body", "at_fault"), FIELDS)
def test_a_field_that_is_none_is_named(body: dict[str, Any], at_fault: set[str]) -> None:
    _hire()

    answer = HttpClient().post(PATH, json.dumps(body), content_type="application/json")

    assert (answer.status_code, set(answer.json())) == (400, at_fault | {"code"})
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
def test_a_body_that_is_no_login_is_refused(body: bytes, kind: str, status: int, code: str) -> None:
    answer = HttpClient().post(PATH, body, content_type=kind)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "options"])
def test_a_login_is_a_post(method: str) -> None:
    answer = getattr(HttpClient(), method)(PATH)

    assert answer.status_code == 405
    assert answer.json()["code"] == "method_not_allowed"
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("header", ["", "Token", "Token x", "Bearer x", "Token " + "x" * 2**20])
def test_who_shows_no_key_has_not_signed_in(header: str) -> None:
    factories.create_channel()

    answer = HttpClient(headers={"authorization": header}).get("/api/v1/active_user/")

    assert (answer.status_code, answer.json()) == (401, UNSIGNED)
    assert answer.headers["WWW-Authenticate"] == "Token"


def test_asking_whose_key_it_is_takes_four_questions() -> None:
    text = shop.key()
    _active(text)

    with CaptureQueriesContext(connection) as asked:
        _active(text)

    # The key, the count of its calls, its channels, the key with its person.
    assert len(asked) == 4
