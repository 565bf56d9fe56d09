"""Promise P21: a guest's proof opens one order, for a while, and under a new session key."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine

from takeback.accounts.models import Session, User
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import look_up, nothing_written, post, prove, refused, token_of

pytestmark = [pytest.mark.django_db]

MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock() -> Any:
    """Time that moves only when told to."""
    with time_machine.travel(factories.NOW, tick=False) as traveller:
        yield traveller


def opens(client: HttpClient, order: Any) -> bool:
    """Whether this visitor may read the order, on both of its pages."""
    answers = [client.get(f"/users/orders/{order.pk}/{page}") for page in ("", "cancellation/")]
    assert answers[0].status_code == answers[1].status_code
    return bool(answers[0].status_code == 200)


def test_a_proof_opens_its_order_and_no_other_of_the_same_address() -> None:
    proved, other = factories.create_order(number="1"), factories.create_order(number="2")
    client = HttpClient()
    prove(client, number="1")

    assert opens(client, proved)
    refused(client.get(f"/users/orders/{other.pk}/"), 404, "not_found")
    refused(client.get("/users/orders/999999/"), 404, "not_found")
    page = client.get("/users/orders/").json()
    assert (page["count"], factories.order_numbers(page["results"])) == (1, ["1"])


def test_nobody_without_a_proof_reads_anything() -> None:
    order = factories.create_order()

    for path in (f"/users/orders/{order.pk}/", "/users/orders/"):
        refused(HttpClient().get(path), 401, "not_authenticated")


def test_a_failed_look_up_proves_nothing() -> None:
    order = factories.create_order()
    client = HttpClient()

    look_up(client, email="else@example.com")

    assert client.cookies == {}
    assert not opens(client, order)
    assert Session.objects.count() == 0


def test_two_proofs_open_two_orders_and_the_list_shows_the_last_proved(clock: Any) -> None:
    first, second = factories.create_order(number="1"), factories.create_order(number="2")
    client = HttpClient()
    prove(client, number="1")
    clock.shift(MINUTE)
    prove(client, number="2")

    assert opens(client, first)
    assert opens(client, second)
    assert factories.order_numbers(client.get("/users/orders/").json()["results"]) == ["2"]


def test_a_proof_is_the_visitor_s_own() -> None:
    order = factories.create_order()
    mine, theirs = HttpClient(), HttpClient()
    prove(mine)

    assert opens(mine, order)
    assert not opens(theirs, order)


def test_a_proof_ends_after_half_an_hour_unused(clock: Any) -> None:
    order = factories.create_order()
    client = HttpClient()
    prove(client)

    clock.shift(30 * MINUTE)
    assert opens(client, order)
    clock.shift(30 * MINUTE + timedelta(seconds=1))
    assert not opens(client, order)


def test_a_proof_in_use_ends_after_two_hours(clock: Any) -> None:
    order = factories.create_order()
    client = HttpClient()
    prove(client)

    for _ in range(4):
        clock.shift(29 * MINUTE)
        assert opens(client, order)
    clock.shift(4 * MINUTE)
    assert opens(client, order)
    clock.shift(timedelta(seconds=1))
    assert not opens(client, order)


def test_a_proof_renewed_lives_two_hours_more(clock: Any) -> None:
    order = factories.create_order()
    client = HttpClient()
    prove(client)
    clock.shift(20 * MINUTE)
    prove(client)
    started: datetime = factories.NOW + 20 * MINUTE

    for minutes in (29, 58, 87, 116, 120):
        clock.move_to(started + minutes * MINUTE)
        assert opens(client, order)
    clock.shift(timedelta(seconds=1))
    assert not opens(client, order)


def test_the_session_key_changes_at_each_proof_and_the_old_one_opens_nothing() -> None:
    order = factories.create_order()
    client, old = HttpClient(), HttpClient()
    prove(client)
    first = client.cookies["osessionid"].value
    old.cookies["osessionid"] = first
    assert opens(old, order)

    prove(client)

    second = client.cookies["osessionid"].value
    assert second != first
    assert opens(client, order)
    assert not opens(old, order)
    assert Session.objects.count() == 1


@pytest.mark.parametrize("planted", ["fixedbyanattacker", "a" * 32])
def test_a_key_that_somebody_planted_is_not_taken_over(planted: str) -> None:
    order = factories.create_order()
    victim, attacker = HttpClient(), HttpClient()
    victim.cookies["osessionid"] = attacker.cookies["osessionid"] = planted

    prove(victim)

    assert victim.cookies["osessionid"].value != planted
    assert opens(victim, order)
    assert not opens(attacker, order)


def test_the_session_cookie_is_kept_from_scripts_and_made_of_letters_and_digits() -> None:
    factories.create_order()
    client = HttpClient()
    prove(client)

    cookie = client.cookies["osessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie.value.isalnum()
    assert len(cookie.value) == 32


def test_a_login_ends_the_proofs_and_changes_the_key() -> None:
    order = factories.create_order()
    user = factories.create_customer()
    client, old = HttpClient(), HttpClient()
    prove(client)
    old.cookies["osessionid"] = client.cookies["osessionid"].value

    answer = post(client, "/users/login/", {"email": user.email, "password": factories.PASSWORD})

    assert answer.status_code == 200
    assert not opens(client, order)
    assert not opens(old, order)
    assert client.get("/current_user/").json()["pk"] == user.pk
    assert old.get("/current_user/").status_code == 401
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert not opens(client, order)


def test_logging_out_ends_the_proofs() -> None:
    order = factories.create_order()
    client, old = HttpClient(), HttpClient()
    prove(client)
    old.cookies["osessionid"] = client.cookies["osessionid"].value

    client.post("/users/logout")

    assert not opens(old, order)
    assert Session.objects.count() == 0


def test_a_customer_who_looks_up_a_guest_order_stays_signed_in_and_reads_own_orders_only() -> None:
    user = factories.create_customer()
    guest_order = factories.create_order(number="1")
    own = factories.create_order(number="2", customer=user)
    client = factories.client_of(user)

    answer = look_up(client, number="1", headers=token_of(client))

    assert answer.status_code == 200
    assert client.get("/current_user/").json()["pk"] == user.pk
    assert opens(client, own)
    assert not opens(client, guest_order)


def test_a_new_password_ends_every_session() -> None:
    user = factories.create_customer()
    client = factories.client_of(user)
    assert client.get("/current_user/").status_code == 200

    user.set_password("another-password")
    user.save()

    refused(client.get("/current_user/"), 401, "not_authenticated")


def test_a_customer_who_is_switched_off_is_out_at_once() -> None:
    user = factories.create_customer()
    client = factories.client_of(user)
    user.is_active = False
    user.save()

    refused(client.get("/current_user/"), 401, "not_authenticated")


COOKIES = [
    "", "x" * 10_240, "'", '"', "' OR 1=1 --", "../../etc/passwd", "a b", "\u00e9" * 32, "*" * 32,
]  # fmt: skip


@pytest.mark.parametrize("cookie", COOKIES, ids=lambda text: text[:20])
def test_a_session_key_of_another_making_is_nobody_and_makes_no_session(cookie: str) -> None:
    # T36, U1
    order = factories.create_order()
    client = HttpClient()
    client.cookies["osessionid"] = cookie

    with nothing_written():
        refused(client.get(f"/users/orders/{order.pk}/"), 401, "not_authenticated")


def test_a_heap_of_cookies_does_not_matter() -> None:
    # T36
    user = factories.create_customer()
    client = factories.client_of(user)
    client.cookies["next-auth.csrf-token"] = "a%7Cb"
    for number in range(200):
        client.cookies[f"marketing{number}"] = "x" * 40

    assert client.get("/current_user/").status_code == 200


def test_one_letter_of_a_session_key_changed_is_nobody() -> None:
    # U1
    client = factories.client_of(factories.create_customer())
    key = client.cookies["osessionid"].value
    client.cookies["osessionid"] = ("a" if key[0] != "a" else "b") + key[1:]

    refused(client.get("/users/orders/"), 401, "not_authenticated")
