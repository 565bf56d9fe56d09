"""Signing in at the desk: staff only, in two steps where a second factor is set, within limits."""

from datetime import timedelta
from typing import Any

import pyotp
import pytest
import time_machine

from takeback.accounts.models import Session, StaffMember, User
from takeback.accounts.sessions import SessionStore
from takeback.accounts.totp import enable_totp
from takeback.desk.auth import COOKIE, extend_session, sign_in
from tests import factories
from tests.desk.agents import FORM, PASSWORD, agent, browser_of, code_on, member, page_of, send
from tests.factories import Visitor
from tests.storefront.api import nothing_written

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

LOGIN = "/desk/login"
FACTOR = "/desk/second-factor"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
WRONG = "Wrong user name or password."


def code(ahead: int = 0) -> str:
    """What the phone shows now, or some half minutes from now."""
    return pyotp.TOTP(SECRET).at(factories.NOW + ahead * timedelta(seconds=30))


def with_factor() -> User:
    """Somebody whose first code was of the half minute before."""
    user = member()
    assert enable_totp(user.pk, SECRET, code(-1), factories.NOW)
    user.staff.refresh_from_db()
    return user


def first_step(client: Visitor) -> str:
    """The ticket that the second form holds."""
    answer = send(client, LOGIN, username="ada", password=PASSWORD)
    assert answer.status_code == 200
    return str(answer.context["ticket"])


def test_the_right_password_opens_the_queue() -> None:
    user, client = member(), Visitor()

    answer = send(client, LOGIN, username="ada", password=PASSWORD)

    assert (answer.status_code, answer["Location"]) == (303, "/desk/")
    cookie = client.cookies[COOKIE]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/desk", True, "Lax")
    assert cookie["max-age"] == 12 * 60 * 60
    assert client.get("/desk/").status_code == 200
    user.refresh_from_db()
    assert user.last_login == factories.NOW


@pytest.mark.parametrize(
    "told",
    [
        {"username": "ada", "password": "another"},
        {"username": "bea", "password": PASSWORD},
        {"username": "customer", "password": factories.PASSWORD},
        {"username": "nobody", "password": PASSWORD},
    ],
    ids=["password", "let go", "customer", "unknown"],
)
def test_everybody_else_is_told_the_same(told: dict[str, str]) -> None:
    member()
    factories.make_customer(username="customer")
    User.objects.filter(pk=member("bea").pk).update(is_active=False)
    client = Visitor()

    with nothing_written():
        answer = send(client, LOGIN, **told)

    assert answer.status_code == 400
    assert WRONG in page_of(answer)
    assert COOKIE not in client.cookies


def test_somebody_on_the_staff_without_rights_of_their_own_stays_out() -> None:
    user = member()
    StaffMember.objects.all().delete()

    assert WRONG in page_of(send(Visitor(), LOGIN, username="ada", password=PASSWORD))
    user.refresh_from_db()


def test_the_eleventh_try_in_a_quarter_of_an_hour_waits() -> None:
    member()
    client = Visitor()
    for _ in range(10):
        assert send(client, LOGIN, username="ADA", password="x").status_code == 400

    answer = send(client, LOGIN, username="ada", password=PASSWORD)

    assert (answer.status_code, code_on(answer)) == (429, "too_many_requests")
    assert answer["Retry-After"] == "900"


def test_right_passwords_do_not_count() -> None:
    member()
    for _ in range(12):
        assert send(Visitor(), LOGIN, username="ada", password=PASSWORD).status_code == 303


def test_a_customers_session_opens_nothing_at_the_desk() -> None:
    client = factories.client_of(factories.make_customer())
    client.cookies[COOKIE] = client.cookies["osessionid"].value

    answer = client.get("/desk/")

    assert (answer.status_code, answer["Location"]) == (303, "/desk/login")


def test_a_session_of_the_desk_opens_no_storefront() -> None:
    client = agent()
    client.cookies["osessionid"] = client.cookies[COOKIE].value

    assert client.get("/current_user/").status_code == 401
    assert client.get("/users/orders/").status_code == 401


@pytest.mark.parametrize("key", ["", "unknown", "x" * 500, "ü", "a;b"])
def test_without_a_session_one_is_sent_to_sign_in_and_back(key: str) -> None:
    client = Visitor()
    client.cookies[COOKIE] = key

    answer: Any = client.get("/desk/cases/7?status=all")

    assert answer.status_code == 303
    assert answer["Location"] == "/desk/login?next=%2Fdesk%2Fcases%2F7%3Fstatus%3Dall"


@pytest.mark.parametrize(
    ("target", "leads_to"),
    [
        ("/desk/cases/7?status=all", "/desk/cases/7?status=all"),
        ("//evil.example/desk", "/desk/"),
        ("https://evil.example/desk", "/desk/"),
        ("/desk\\@evil.example", "/desk/"),
        ("/desk/\r\nX: y", "/desk/"),
        ("/users/orders/", "/desk/"),
        ("", "/desk/"),
    ],
)
def test_signing_in_leads_to_pages_of_the_desk_only(target: str, leads_to: str) -> None:
    member()
    answer = send(Visitor(), LOGIN, username="ada", password=PASSWORD, next=target)
    assert answer["Location"] == leads_to


def test_a_session_ends_half_an_hour_after_its_last_use_and_with_the_day() -> None:
    client, idle = agent(), agent(username="bea")
    half_hour = timedelta(minutes=30)

    def opened(client: Visitor, after: timedelta) -> int:
        with time_machine.travel(factories.NOW + after, tick=False):
            return client.get("/desk/").status_code

    assert opened(idle, half_hour - timedelta(seconds=1)) == 200
    assert opened(idle, 2 * half_hour) == 303
    with nothing_written():
        assert opened(client, timedelta(seconds=59)) == 200
    for passed in range(1, 37):
        assert opened(client, timedelta(minutes=20 * passed) - timedelta(seconds=1)) == 200
    assert opened(client, timedelta(hours=12)) == 303


def test_a_session_that_ends_while_it_is_used_opens_nothing() -> None:
    member()
    session = sign_in(User.objects.select_related("staff").get(), factories.NOW)
    later = factories.NOW + timedelta(minutes=10)
    assert extend_session(session, later)
    Session.objects.all().delete()
    assert not extend_session(session, later + timedelta(minutes=10))


def test_a_session_that_knows_of_no_end_is_over() -> None:
    client = agent()
    session = SessionStore(client.cookies[COOKIE].value)
    del session["ends"]
    session.save()
    assert client.get("/desk/").status_code == 303


def test_a_session_ends_with_the_password_and_the_person() -> None:
    user = member()
    client = browser_of(user)
    User.objects.filter(pk=user.pk).update(password="!")
    assert client.get("/desk/").status_code == 303
    client = browser_of(User.objects.select_related("staff").get(pk=user.pk))
    assert client.get("/desk/").status_code == 200
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert client.get("/desk/").status_code == 303


def test_signing_out_ends_the_session() -> None:
    client = agent()
    key = client.cookies[COOKIE].value

    answer = send(client, "/desk/logout")

    assert (answer.status_code, answer["Location"]) == (303, "/desk/login")
    assert Session.objects.count() == 0
    client.cookies[COOKIE] = key
    assert client.get("/desk/").status_code == 303


@pytest.mark.parametrize("path", [LOGIN, "/desk/logout", FACTOR, "/desk/cases/1/decide"])
def test_a_form_from_elsewhere_is_refused(path: str) -> None:
    client = agent()

    with nothing_written():
        answers = [
            client.post(path, "step=approve", content_type=FORM),
            client.post(path, f"csrfmiddlewaretoken={'a' * 32}", content_type=FORM),
        ]

    assert [(each.status_code, code_on(each)) for each in answers] == [(403, "csrf_failed")] * 2


def test_a_second_factor_is_asked_for_and_each_code_is_good_once() -> None:
    with_factor()
    client = Visitor()
    ticket = first_step(client)
    assert COOKIE not in client.cookies

    answer = send(client, LOGIN, ticket=ticket, code=f" {code()[:3]} {code()[3:]} ")
    assert (answer.status_code, client.get("/desk/").status_code) == (303, 200)

    other = Visitor()
    again = send(other, LOGIN, ticket=first_step(other), code=code())
    assert (again.status_code, other.get("/desk/").status_code) == (400, 303)
    assert "already used" in page_of(again)


def test_the_code_that_set_the_factor_does_not_open_the_desk() -> None:
    user = member()
    assert enable_totp(user.pk, SECRET, code(), factories.NOW)
    client = Visitor()
    assert send(client, LOGIN, ticket=first_step(client), code=code()).status_code == 400
    assert send(client, LOGIN, ticket=first_step(client), code=code(1)).status_code == 303


CODES = ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "0" * 5000, code(2), code(-2), "\x00" * 6]


@pytest.mark.parametrize("wrong", CODES)
def test_a_wrong_code_opens_nothing(wrong: str) -> None:
    with_factor()
    client = Visitor()
    ticket = first_step(client)
    with nothing_written():
        answer = send(client, LOGIN, ticket=ticket, code=wrong)
    assert (answer.status_code, COOKIE in client.cookies) == (400, False)


def test_the_sixth_code_in_a_quarter_of_an_hour_waits_even_when_it_is_right() -> None:
    with_factor()
    client = Visitor()
    ticket = first_step(client)
    for _ in range(5):
        assert send(client, LOGIN, ticket=ticket, code="000000").status_code == 400
    answer = send(client, LOGIN, ticket=ticket, code=code())
    assert (answer.status_code, code_on(answer)) == (429, "too_many_requests")


@pytest.mark.parametrize("ticket", ["", "x", "a:b:c", "ü" * 50])
def test_a_made_up_ticket_leads_back_to_the_first_step(ticket: str) -> None:
    with_factor()
    answer = send(Visitor(), LOGIN, ticket=ticket, code=code())
    assert answer.status_code == 400
    assert "Please sign in again." in page_of(answer)


def test_a_ticket_is_good_for_five_minutes_and_this_password() -> None:
    user = with_factor()
    client = Visitor()
    ticket = first_step(client)
    User.objects.filter(pk=user.pk).update(password="!")
    assert send(client, LOGIN, ticket=ticket, code=code()).status_code == 400
    User.objects.filter(pk=user.pk).update(password=user.password)
    late = factories.NOW + timedelta(minutes=5, seconds=1)
    with time_machine.travel(late, tick=False):
        answer = send(client, LOGIN, ticket=ticket, code=pyotp.TOTP(SECRET).at(late))
    assert "Please sign in again." in page_of(answer)


def test_a_factor_is_set_by_its_first_code_and_other_sessions_end() -> None:
    user = member()
    client, other = browser_of(user), browser_of(user)
    with nothing_written():
        page: Any = client.get(FACTOR)
    encrypted, secret = page.context["encrypted_secret"], page.context["secret"].replace(" ", "")
    assert "<svg" in page_of(page)
    with nothing_written():
        assert send(client, FACTOR, secret=encrypted, code="000000").status_code == 400

    answer = send(client, FACTOR, secret=encrypted, code=pyotp.TOTP(secret).at(factories.NOW))

    assert answer.status_code == 303
    kept = StaffMember.objects.get().totp_encrypted
    assert kept
    assert secret not in kept
    assert "Turn off two-step sign-in" in page_of(client.get(FACTOR))
    assert other.get("/desk/").status_code == 303


@pytest.mark.parametrize("text", ["", "x", "1:!!", "9:AAAA", "1:AAAA", "1:" + "A" * 200, "ü:ü"])
def test_a_secret_that_is_not_ours_is_not_taken(text: str) -> None:
    client = agent()
    with nothing_written():
        assert send(client, FACTOR, secret=text, code=code()).status_code == 400


def test_somebody_elses_secret_is_not_taken() -> None:
    client, other = agent(), agent(username="bea")
    page: Any = other.get(FACTOR)
    right = pyotp.TOTP(page.context["secret"].replace(" ", "")).at(factories.NOW)
    assert (
        send(client, FACTOR, secret=page.context["encrypted_secret"], code=right).status_code == 400
    )


def test_a_factor_is_given_up_by_a_code() -> None:
    client = browser_of(with_factor())
    assert send(client, FACTOR, code="000000").status_code == 400
    assert send(client, FACTOR, code=code()).status_code == 303
    assert StaffMember.objects.get().totp_encrypted is None
    assert client.get("/desk/").status_code == 200
