"""Who may call a channel's routes, and that every wrong key looks the same."""

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

UNSIGNED = {"detail": "Please sign in first.", "code": "not_authenticated"}
FORBIDDEN = {"detail": "You do not have permission to do this.", "code": "permission_denied"}
ABSENT = {"detail": "Not found.", "code": "not_found"}

Call = Callable[[HttpClient, Any], Any]


def _read(caller: HttpClient, channel: Any = shop.SHOP) -> Any:
    return caller.get(f"/api/channel/{channel}/orders/")


def _create(caller: HttpClient, channel: Any = shop.SHOP) -> Any:
    return shop.send(caller, shop.document(), channel=channel)


CALLS: list[Call] = [_read, _create]


def _raw(header: str | None) -> HttpClient:
    return HttpClient(headers={"authorization": header} if header is not None else {})


def _changed(text: str) -> str:
    return text[:30] + ("a" if text[30] != "a" else "b") + text[31:]


def _resealed(text: str) -> str:
    """Another secret under the same public name, with a right checksum."""
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
@pytest.mark.parametrize("call", CALLS)
def test_every_wrong_key_gets_the_same_answer(name: str, call: Call) -> None:
    header = WRONG[name](shop.key())
    header = header and header.encode().decode("latin-1")
    before = shop.rows()

    answer = call(_raw(header), shop.SHOP)

    assert (answer.status_code, answer.json()) == (401, UNSIGNED)
    assert answer.headers["WWW-Authenticate"] == "Token"
    assert shop.rows() == before


def test_a_key_is_taken_with_the_word_token_and_bare() -> None:
    text = shop.key()

    assert _read(_raw(f"Token {text}")).status_code == 200
    assert _read(_raw(text)).status_code == 200


def test_a_key_in_the_address_or_the_body_opens_nothing() -> None:
    text = shop.key()
    path = "/api/channel/1/orders/"

    for query in ({"key": text}, {"token": text}, {"Authorization": f"Token {text}"}):
        assert HttpClient().get(path, query).status_code == 401
    body = shop.document() | {"key": text, "Authorization": f"Token {text}"}
    assert shop.send(HttpClient(), body).status_code == 401


def test_a_malformed_key_is_refused_without_asking_the_database() -> None:
    text = shop.key()

    for header in ("Token x", f"Token {_changed(text)}", "Token " + "x" * 2**20):
        with CaptureQueriesContext(connection) as asked:
            assert _read(_raw(header)).status_code == 401
        assert len(asked) == 0


def test_an_unknown_key_costs_one_question_by_its_public_name() -> None:
    factories.create_channel()

    with CaptureQueriesContext(connection) as asked:
        assert _read(_raw(api_keys.generate_key().text)).status_code == 401

    assert len(asked) == 1
    assert '."public_id" =' in asked[0]["sql"]


def test_a_key_that_calls_too_often_waits_wherever_it_calls_from(
    settings: Settings, frozen_now: datetime
) -> None:
    settings.KEY_REQUESTS_PER_MINUTE = 2
    text = shop.key()

    def call(caller: HttpClient, address: str = "192.0.2.1") -> Any:
        return caller.get("/api/channel/1/orders/", REMOTE_ADDR=address)

    # Whoever has only the name of a key uses nothing up.
    assert call(_raw(_resealed(text))).status_code == 401
    assert [call(_raw(text), f"192.0.2.{n}").status_code for n in (2, 3)] == [200, 200]
    refused = call(_raw(text), "192.0.2.4")

    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    assert refused.json()["code"] == "too_many_requests"
    assert _create(_raw(text)).status_code == 429
    assert call(_raw(shop.key())).status_code == 200
    assert Counter.objects.count() == 2
    with time_machine.travel(frozen_now + timedelta(seconds=60), tick=False):
        assert call(_raw(text)).status_code == 200


SCOPES: list[tuple[list[str], int, int]] = [
    (["read"], 200, 403),
    (["decide"], 403, 201),
    (["read", "decide"], 200, 201),
    (["money"], 403, 403),
    (["pii"], 403, 403),
    (["read", "decide", "money", "pii"], 200, 201),
]


@pytest.mark.parametrize(("scopes", "reading", "creating"), SCOPES)
def test_each_route_needs_its_own_scope(scopes: list[str], reading: int, creating: int) -> None:
    caller = shop.client(shop.key(scopes=scopes))
    before = shop.rows()

    found = _read(caller)
    assert found.status_code == reading
    assert reading == 200 or found.json() == FORBIDDEN
    made = _create(caller)
    assert made.status_code == creating
    assert creating == 201 or (made.json(), shop.rows()) == (FORBIDDEN, before)


@pytest.mark.parametrize("call", CALLS)
def test_a_revoked_key_is_refused_at_once(call: Call) -> None:
    text = shop.key()
    assert _read(shop.client(text)).status_code == 200

    revoke_key(str(api_keys.public_id_of(text)), now=clock.now())

    answer = call(shop.client(text), shop.SHOP)
    assert (answer.status_code, answer.json()) == (401, UNSIGNED)


@pytest.mark.parametrize("call", CALLS)
def test_an_expired_key_is_refused(call: Call) -> None:
    text = shop.key(now=clock.now() - timedelta(days=2), expires_at=clock.now() - timedelta(days=1))

    answer = call(shop.client(text), shop.SHOP)

    assert (answer.status_code, answer.json()) == (401, UNSIGNED)


@pytest.mark.parametrize("call", CALLS)
def test_a_key_of_a_deactivated_channel_is_refused(call: Call) -> None:
    text = shop.key(channels=[shop.SHOP, shop.OTHER])
    Channel.objects.filter(pk=shop.SHOP).update(is_active=False)

    answer = call(shop.client(text), shop.SHOP)

    assert (answer.status_code, answer.json()) == (401, UNSIGNED)
    assert _read(shop.client(text), shop.OTHER).status_code == 200


def test_a_key_of_somebody_who_left_is_refused() -> None:
    person = factories.create_customer(is_staff=True)
    text = shop.key(user_id=person.pk)
    assert _read(shop.client(text)).status_code == 200

    person.is_active = False
    person.save()

    assert _read(shop.client(text)).status_code == 401


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "channel", [0, -1, "abc", 10**40, 2**63, "1.0", "%D9%A1", "1%00", shop.OTHER, 77]
)
def test_another_channel_is_as_absent_as_none(call: Call, channel: Any) -> None:
    caller = shop.client()
    factories.create_channel(pk=shop.OTHER)
    before = shop.rows()

    answer = call(caller, channel)

    assert (answer.status_code, answer.json()) == (404, ABSENT)
    assert shop.rows() == before


def test_a_wrong_key_for_an_absent_channel_is_a_wrong_key() -> None:
    assert _read(_raw("Token x"), 10**40).status_code == 401


@pytest.mark.parametrize("prefix", shop.PREFIXES)
@pytest.mark.parametrize("slash", ["", "/"])
def test_all_prefixes_lead_to_the_same_routes_and_never_by_redirect(
    prefix: str, slash: str
) -> None:
    caller = shop.client()

    made = caller.post(
        f"{prefix}/channel/1/create_orders{slash}", shop.document(), content_type="application/json"
    )
    found = caller.get(f"{prefix}/channel/1/orders{slash}", {"number": factories.NUMBER})

    assert (made.status_code, found.status_code) == (201, 200)
    assert found.json()["results"] == [made.json()]


@pytest.mark.parametrize("prefix", shop.PREFIXES)
def test_an_order_of_another_channel_is_not_found(prefix: str) -> None:
    stranger = shop.client(shop.key(channels=[shop.OTHER]))
    shop.send(stranger, shop.document(), channel=shop.OTHER)

    answer = shop.client().get(f"{prefix}/channel/1/orders/", {"number": factories.NUMBER})

    assert answer.json() == {"count": 0, "next": None, "previous": None, "results": []}


def test_the_same_number_in_two_channels_is_two_orders() -> None:
    caller = shop.client(shop.key(channels=[shop.SHOP, shop.OTHER]))

    first = shop.send(caller, shop.document(), channel=shop.SHOP).json()
    second = shop.send(caller, shop.document(), channel=shop.OTHER).json()

    assert (first["channel"], second["channel"]) == (shop.SHOP, shop.OTHER)
    assert first["id"] != second["id"]
    assert first["customer"] != second["customer"]


def test_an_old_key_works_until_the_overlap_is_over_and_then_no_more() -> None:
    text = shop.key()
    old = str(api_keys.public_id_of(text))

    new = rotate_key(old, overlap=timedelta(hours=1), now=clock.now()).text
    assert [_read(shop.client(each)).status_code for each in (text, new)] == [200, 200]

    ApiKey.objects.filter(public_id=old).update(expires_at=clock.now() - timedelta(seconds=1))
    assert [_read(shop.client(each)).status_code for each in (text, new)] == [401, 200]


@pytest.mark.parametrize("method", ["put", "patch", "delete", "trace", "options"])
@pytest.mark.parametrize("route", ["orders", "create_orders"])
def test_other_methods_are_not_allowed(method: str, route: str) -> None:
    answer = getattr(shop.client(), method)(f"/api/v1/channel/1/{route}/")

    assert answer.status_code == 405
    assert answer.json()["code"] == "method_not_allowed"
    assert ("POST" if route == "create_orders" else "GET") in answer.headers["Allow"]


def test_an_order_cannot_be_told_by_a_method_in_disguise() -> None:
    caller = shop.client()

    answer = caller.get(
        "/api/v1/channel/1/orders/?_method=DELETE", headers={"x-http-method-override": "DELETE"}
    )

    assert answer.status_code == 200


@pytest.mark.parametrize(("scopes", "token"), [(["read"], None), (["read", "pii"], "t0ken")])
def test_a_data_sources_token_is_for_keys_that_may_see_it(
    scopes: list[str], token: str | None
) -> None:
    line = shop.item(datasource={"pk": 3, "name": "Seller", "token": "t0ken"})
    made = shop.send(shop.client(), shop.document(None, line)).json()
    assert made["orderitem_set"][0]["datasource"]["token"] is None

    found = shop.find(shop.client(shop.key(scopes=scopes))).json()["results"][0]

    assert found["orderitem_set"][0]["datasource"]["token"] == token
