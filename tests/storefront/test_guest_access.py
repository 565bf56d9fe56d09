"""Promise P21: a look-up grants access to one order, for a limited time, under a new key."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine

from takeback.accounts.models import Session, User
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import (
    assert_refused,
    look_up,
    nothing_written,
    post,
    token_of,
    verify_order,
)

pytestmark = [pytest.mark.django_db]

MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock() -> Any:
    """A clock that only moves when the test shifts it."""
    with time_machine.travel(factories.NOW, tick=False) as traveller:
        yield traveller


def can_read(client: HttpClient, order: Any) -> bool:
    """Whether this visitor can read the order on both of its paths."""
    responses = [client.get(f"/users/orders/{order.pk}/{page}") for page in ("", "cancellation/")]
    assert responses[0].status_code == responses[1].status_code
    return bool(responses[0].status_code == 200)


def test_access_is_limited_to_the_verified_order() -> None:
    verified, other = factories.create_order(number="1"), factories.create_order(number="2")
    client = HttpClient()
    verify_order(client, number="1")

    assert can_read(client, verified)
    assert_refused(client.get(f"/users/orders/{other.pk}/"), 404, "not_found")
    assert_refused(client.get("/users/orders/999999/"), 404, "not_found")
    page = client.get("/users/orders/").json()
    assert (page["count"], factories.order_numbers(page["results"])) == (1, ["1"])


def test_reading_requires_a_verified_order() -> None:
    order = factories.create_order()

    for path in (f"/users/orders/{order.pk}/", "/users/orders/"):
        assert_refused(HttpClient().get(path), 401, "not_authenticated")


def test_failed_look_up_grants_nothing() -> None:
    order = factories.create_order()
    client = HttpClient()

    look_up(client, email="else@example.com")

    assert client.cookies == {}
    assert not can_read(client, order)
    assert Session.objects.count() == 0


def test_list_shows_the_order_that_was_verified_last(clock: Any) -> None:
    first, second = factories.create_order(number="1"), factories.create_order(number="2")
    client = HttpClient()
    verify_order(client, number="1")
    clock.shift(MINUTE)
    verify_order(client, number="2")

    assert can_read(client, first)
    assert can_read(client, second)
    assert factories.order_numbers(client.get("/users/orders/").json()["results"]) == ["2"]


def test_list_shows_the_last_of_orders_verified_in_one_second(clock: Any) -> None:
    for number in ("1", "2", "3"):
        factories.create_order(number=number)
    client = HttpClient()

    for number in ("1", "2", "3", "1"):
        verify_order(client, number=number)
        page = client.get("/users/orders/").json()
        assert factories.order_numbers(page["results"]) == [number]


def test_session_of_an_older_version_keeps_its_access(clock: Any) -> None:
    orders = [factories.create_order(number=number) for number in ("1", "2", "3")]
    client = HttpClient()
    verify_order(client, number="1")
    session = client.session
    granted = int(factories.NOW.timestamp())
    session["proofs"] = {
        str(orders[0].pk): [granted, granted],
        str(orders[1].pk): [granted - 1] * 2,
    }
    session.save()

    assert factories.order_numbers(client.get("/users/orders/").json()["results"]) == ["1"]
    assert can_read(client, orders[1])
    verify_order(client, number="3")
    assert factories.order_numbers(client.get("/users/orders/").json()["results"]) == ["3"]


def test_access_belongs_to_one_browser() -> None:
    order = factories.create_order()
    mine, theirs = HttpClient(), HttpClient()
    verify_order(mine)

    assert can_read(mine, order)
    assert not can_read(theirs, order)


def test_unused_access_expires_after_thirty_minutes(clock: Any) -> None:
    order = factories.create_order()
    client = HttpClient()
    verify_order(client)

    clock.shift(30 * MINUTE)
    assert can_read(client, order)
    clock.shift(30 * MINUTE + timedelta(seconds=1))
    assert not can_read(client, order)


def test_used_access_expires_after_two_hours(clock: Any) -> None:
    order = factories.create_order()
    client = HttpClient()
    verify_order(client)

    for _ in range(4):
        clock.shift(29 * MINUTE)
        assert can_read(client, order)
    clock.shift(4 * MINUTE)
    assert can_read(client, order)
    clock.shift(timedelta(seconds=1))
    assert not can_read(client, order)


def test_new_look_up_renews_access_for_two_hours(clock: Any) -> None:
    order = factories.create_order()
    client = HttpClient()
    verify_order(client)
    clock.shift(20 * MINUTE)
    verify_order(client)
    started: datetime = factories.NOW + 20 * MINUTE

    for minutes in (29, 58, 87, 116, 120):
        clock.move_to(started + minutes * MINUTE)
        assert can_read(client, order)
    clock.shift(timedelta(seconds=1))
    assert not can_read(client, order)


def test_look_up_changes_the_session_key() -> None:
    order = factories.create_order()
    client, old = HttpClient(), HttpClient()
    verify_order(client)
    first = client.cookies["osessionid"].value
    old.cookies["osessionid"] = first
    assert can_read(old, order)

    verify_order(client)

    second = client.cookies["osessionid"].value
    assert second != first
    assert can_read(client, order)
    assert not can_read(old, order)
    assert Session.objects.count() == 1


@pytest.mark.parametrize("planted", ["fixedbyanattacker", "a" * 32])
def test_planted_session_key_is_replaced(planted: str) -> None:
    order = factories.create_order()
    victim, attacker = HttpClient(), HttpClient()
    victim.cookies["osessionid"] = attacker.cookies["osessionid"] = planted

    verify_order(victim)

    assert victim.cookies["osessionid"].value != planted
    assert can_read(victim, order)
    assert not can_read(attacker, order)


def test_session_cookie_is_http_only_and_alphanumeric() -> None:
    factories.create_order()
    client = HttpClient()
    verify_order(client)

    cookie = client.cookies["osessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie.value.isalnum()
    assert len(cookie.value) == 32


def test_login_ends_guest_access_and_changes_the_key() -> None:
    order = factories.create_order()
    user = factories.create_customer()
    client, old = HttpClient(), HttpClient()
    verify_order(client)
    old.cookies["osessionid"] = client.cookies["osessionid"].value

    response = post(client, "/users/login/", {"email": user.email, "password": factories.PASSWORD})

    assert response.status_code == 200
    assert not can_read(client, order)
    assert not can_read(old, order)
    assert client.get("/current_user/").json()["pk"] == user.pk
    assert old.get("/current_user/").status_code == 401
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert not can_read(client, order)


def test_logout_ends_guest_access() -> None:
    order = factories.create_order()
    client, old = HttpClient(), HttpClient()
    verify_order(client)
    old.cookies["osessionid"] = client.cookies["osessionid"].value

    client.post("/users/logout")

    assert not can_read(old, order)
    assert Session.objects.count() == 0


def test_customer_who_looks_up_a_guest_order_stays_signed_in() -> None:
    user = factories.create_customer()
    guest_order = factories.create_order(number="1")
    own = factories.create_order(number="2", customer=user)
    client = factories.client_of(user)

    response = look_up(client, number="1", headers=token_of(client))

    assert response.status_code == 200
    assert client.get("/current_user/").json()["pk"] == user.pk
    assert can_read(client, own)
    assert not can_read(client, guest_order)


def test_new_password_ends_all_sessions() -> None:
    user = factories.create_customer()
    client = factories.client_of(user)
    assert client.get("/current_user/").status_code == 200

    user.set_password("another-password")
    user.save()

    assert_refused(client.get("/current_user/"), 401, "not_authenticated")


def test_deactivated_customer_is_signed_out_at_once() -> None:
    user = factories.create_customer()
    client = factories.client_of(user)
    user.is_active = False
    user.save()

    assert_refused(client.get("/current_user/"), 401, "not_authenticated")


COOKIES = [
    "", "x" * 10_240, "'", '"', "' OR 1=1 --", "../../etc/passwd", "a b", "\u00e9" * 32, "*" * 32,
]  # fmt: skip


@pytest.mark.parametrize("cookie", COOKIES, ids=lambda text: text[:20])
def test_malformed_session_key_creates_no_session(cookie: str) -> None:
    order = factories.create_order()
    client = HttpClient()
    client.cookies["osessionid"] = cookie

    with nothing_written():
        assert_refused(client.get(f"/users/orders/{order.pk}/"), 401, "not_authenticated")


def test_many_cookies_are_ignored() -> None:
    user = factories.create_customer()
    client = factories.client_of(user)
    client.cookies["next-auth.csrf-token"] = "a%7Cb"
    for number in range(200):
        client.cookies[f"marketing{number}"] = "x" * 40

    assert client.get("/current_user/").status_code == 200


def test_altered_session_key_is_not_authenticated() -> None:
    client = factories.client_of(factories.create_customer())
    key = client.cookies["osessionid"].value
    client.cookies["osessionid"] = ("a" if key[0] != "a" else "b") + key[1:]

    assert_refused(client.get("/users/orders/"), 401, "not_authenticated")
