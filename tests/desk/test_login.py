"""Signing in at the desk: staff only, rate limited, in two steps with a second factor."""

import re
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
from tests.factories import HttpClient
from tests.storefront.api import nothing_written

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

LOGIN = "/desk/login"
TOTP_PATH = "/desk/second-factor"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
WRONG = "Wrong user name or password."


def code(ahead: int = 0) -> str:
    """The code of the authenticator app now, or some half minutes from now."""
    return pyotp.TOTP(SECRET).at(factories.NOW + ahead * timedelta(seconds=30))


def user_with_totp() -> User:
    """A member of staff whose last used code is half a minute old."""
    user = member()
    assert enable_totp(user.pk, SECRET, code(-1), factories.NOW)
    user.staff.refresh_from_db()
    return user


def first_step(client: HttpClient) -> str:
    """The ticket in the form of the second step."""
    response = send(client, LOGIN, username="ada", password=PASSWORD)
    assert response.status_code == 200
    return str(response.context["ticket"])


def test_right_password_opens_the_queue() -> None:
    user, client = member(), HttpClient()

    response = send(client, LOGIN, username="ada", password=PASSWORD)

    assert (response.status_code, response["Location"]) == (303, "/desk/")
    cookie = client.cookies[COOKIE]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/desk", True, "Lax")
    assert cookie["max-age"] == 12 * 60 * 60
    assert client.get("/desk/").status_code == 200
    user.refresh_from_db()
    assert user.last_login == factories.NOW


@pytest.mark.parametrize(
    "credentials",
    [
        {"username": "ada", "password": "another"},
        {"username": "bea", "password": PASSWORD},
        {"username": "customer", "password": factories.PASSWORD},
        {"username": "nobody", "password": PASSWORD},
    ],
    ids=["password", "inactive", "customer", "unknown"],
)
def test_all_failed_sign_ins_have_the_same_response(credentials: dict[str, str]) -> None:
    member()
    factories.create_customer(username="customer")
    User.objects.filter(pk=member("bea").pk).update(is_active=False)
    client = HttpClient()

    with nothing_written():
        response = send(client, LOGIN, **credentials)

    assert response.status_code == 400
    assert WRONG in page_of(response)
    assert COOKIE not in client.cookies


def test_staff_user_without_staff_row_cannot_sign_in() -> None:
    user = member()
    StaffMember.objects.all().delete()

    assert WRONG in page_of(send(HttpClient(), LOGIN, username="ada", password=PASSWORD))
    user.refresh_from_db()


def test_eleventh_attempt_in_15_minutes_is_refused() -> None:
    member()
    client = HttpClient()
    for _ in range(10):
        assert send(client, LOGIN, username="ADA", password="x").status_code == 400

    response = send(client, LOGIN, username="ada", password=PASSWORD)

    assert (response.status_code, code_on(response)) == (429, "too_many_requests")
    assert response["Retry-After"] == "900"
    page = page_of(response)
    assert "Too many attempts. Wait 15 minutes, then try again." in page
    assert "/desk/password-reset" in page
    assert "Back to queue" not in page


def test_right_passwords_are_not_limited() -> None:
    member()
    for _ in range(12):
        assert send(HttpClient(), LOGIN, username="ada", password=PASSWORD).status_code == 303


def test_session_of_a_customer_does_not_open_the_desk() -> None:
    client = factories.client_of(factories.create_customer())
    client.cookies[COOKIE] = client.cookies["osessionid"].value

    response = client.get("/desk/")

    assert (response.status_code, response["Location"]) == (303, "/desk/login?next=%2Fdesk%2F")


def test_session_of_the_desk_does_not_open_the_storefront() -> None:
    client = agent()
    client.cookies["osessionid"] = client.cookies[COOKIE].value

    assert client.get("/current_user/").status_code == 401
    assert client.get("/users/orders/").status_code == 401


@pytest.mark.parametrize("key", ["", "unknown", "x" * 500, "ü", "a;b"])
def test_page_without_a_session_redirects_to_sign_in(key: str) -> None:
    client = HttpClient()
    client.cookies[COOKIE] = key

    response: Any = client.get("/desk/cases/7?status=all")

    assert response.status_code == 303
    assert response["Location"] == "/desk/login?next=%2Fdesk%2Fcases%2F7%3Fstatus%3Dall"


@pytest.mark.parametrize(
    ("target", "location"),
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
def test_sign_in_redirects_to_pages_of_the_desk_only(target: str, location: str) -> None:
    member()
    response = send(HttpClient(), LOGIN, username="ada", password=PASSWORD, next=target)
    assert response["Location"] == location


def test_session_ends_after_30_idle_minutes_and_after_12_hours() -> None:
    active, idle = agent(), agent(username="bea")
    half_hour = timedelta(minutes=30)

    def status(client: HttpClient, after: timedelta) -> int:
        with time_machine.travel(factories.NOW + after, tick=False):
            return client.get("/desk/").status_code

    assert status(idle, half_hour - timedelta(seconds=1)) == 200
    assert status(idle, 2 * half_hour) == 303
    with nothing_written():
        assert status(active, timedelta(seconds=59)) == 200
    for passed in range(1, 37):
        assert status(active, timedelta(minutes=20 * passed) - timedelta(seconds=1)) == 200
    assert status(active, timedelta(hours=12)) == 303


def test_deleted_session_is_not_extended() -> None:
    member()
    session = sign_in(User.objects.select_related("staff").get(), factories.NOW)
    later = factories.NOW + timedelta(minutes=10)
    assert extend_session(session, later)
    Session.objects.all().delete()
    assert not extend_session(session, later + timedelta(minutes=10))


def test_session_without_an_end_is_refused() -> None:
    client = agent()
    session = SessionStore(client.cookies[COOKIE].value)
    del session["ends"]
    session.save()
    assert client.get("/desk/").status_code == 303


def test_session_ends_with_password_change_and_deactivation() -> None:
    user = member()
    client = browser_of(user)
    User.objects.filter(pk=user.pk).update(password="!")
    assert client.get("/desk/").status_code == 303
    client = browser_of(User.objects.select_related("staff").get(pk=user.pk))
    assert client.get("/desk/").status_code == 200
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert client.get("/desk/").status_code == 303


def test_sign_out_deletes_the_session() -> None:
    client = agent()
    key = client.cookies[COOKIE].value

    response = send(client, "/desk/logout")

    assert (response.status_code, response["Location"]) == (303, "/desk/login")
    assert Session.objects.count() == 0
    client.cookies[COOKIE] = key
    assert client.get("/desk/").status_code == 303


@pytest.mark.parametrize("path", [LOGIN, "/desk/logout", TOTP_PATH, "/desk/cases/1/decide"])
def test_form_without_csrf_token_is_refused(path: str) -> None:
    client = agent()

    with nothing_written():
        responses = [
            client.post(path, "step=approve", content_type=FORM),
            client.post(path, f"csrfmiddlewaretoken={'a' * 32}", content_type=FORM),
        ]

    assert [(response.status_code, code_on(response)) for response in responses] == [
        (403, "csrf_failed")
    ] * 2


def test_code_signs_in_once() -> None:
    user_with_totp()
    client = HttpClient()
    ticket = first_step(client)
    assert COOKIE not in client.cookies

    response = send(client, LOGIN, ticket=ticket, code=f" {code()[:3]} {code()[3:]} ")
    assert (response.status_code, client.get("/desk/").status_code) == (303, 200)

    other = HttpClient()
    again = send(other, LOGIN, ticket=first_step(other), code=code())
    assert (again.status_code, other.get("/desk/").status_code) == (400, 303)
    assert "already used" in page_of(again)


def test_code_that_turned_totp_on_does_not_sign_in() -> None:
    user = member()
    assert enable_totp(user.pk, SECRET, code(), factories.NOW)
    client = HttpClient()
    assert send(client, LOGIN, ticket=first_step(client), code=code()).status_code == 400
    assert send(client, LOGIN, ticket=first_step(client), code=code(1)).status_code == 303


WRONG_CODES = [
    "",
    "12345",
    "1234567",
    "abcdef",
    "١٢٣٤٥٦",
    "0" * 5000,
    code(2),
    code(-2),
    "\x00" * 6,
]


@pytest.mark.parametrize("wrong", WRONG_CODES)
def test_wrong_code_does_not_sign_in(wrong: str) -> None:
    user_with_totp()
    client = HttpClient()
    ticket = first_step(client)
    with nothing_written():
        response = send(client, LOGIN, ticket=ticket, code=wrong)
    assert (response.status_code, COOKIE in client.cookies) == (400, False)


def test_sixth_code_in_15_minutes_is_refused_even_if_right() -> None:
    user_with_totp()
    client = HttpClient()
    ticket = first_step(client)
    for _ in range(5):
        assert send(client, LOGIN, ticket=ticket, code="000000").status_code == 400
    response = send(client, LOGIN, ticket=ticket, code=code())
    assert (response.status_code, code_on(response)) == (429, "too_many_requests")


@pytest.mark.parametrize("ticket", ["", "x", "a:b:c", "ü" * 50])
def test_invalid_ticket_returns_to_the_first_step(ticket: str) -> None:
    user_with_totp()
    response = send(HttpClient(), LOGIN, ticket=ticket, code=code())
    assert response.status_code == 400
    assert "Please sign in again." in page_of(response)


def test_ticket_ends_after_5_minutes_and_with_the_password() -> None:
    user = user_with_totp()
    client = HttpClient()
    ticket = first_step(client)
    User.objects.filter(pk=user.pk).update(password="!")
    assert send(client, LOGIN, ticket=ticket, code=code()).status_code == 400
    User.objects.filter(pk=user.pk).update(password=user.password)
    late = factories.NOW + timedelta(minutes=5, seconds=1)
    with time_machine.travel(late, tick=False):
        response = send(client, LOGIN, ticket=ticket, code=pyotp.TOTP(SECRET).at(late))
    assert "Please sign in again." in page_of(response)


def test_first_code_turns_totp_on_and_ends_other_sessions() -> None:
    user = member()
    client, other = browser_of(user), browser_of(user)
    with nothing_written():
        page: Any = client.get(TOTP_PATH)
    encrypted, secret = page.context["encrypted_secret"], page.context["secret"].replace(" ", "")
    assert "<svg" in page_of(page)
    with nothing_written():
        assert send(client, TOTP_PATH, secret=encrypted, code="000000").status_code == 400

    response = send(client, TOTP_PATH, secret=encrypted, code=pyotp.TOTP(secret).at(factories.NOW))

    staff = StaffMember.objects.get()
    assert staff.totp_encrypted
    assert secret not in staff.totp_encrypted
    codes = re.findall(r'<code dir="ltr">([A-Z2-9-]{19})</code>', page_of(response))
    assert len(codes) == len(set(codes)) == len(staff.recovery_codes) == 10
    assert not any(code in page_of(client.get("/desk/account")) for code in codes)
    assert "Turn off two-step sign-in" in page_of(client.get(TOTP_PATH))
    assert other.get("/desk/").status_code == 303


@pytest.mark.parametrize("text", ["", "x", "1:!!", "9:AAAA", "1:AAAA", "1:" + "A" * 200, "ü:ü"])
def test_invalid_secret_is_refused(text: str) -> None:
    client = agent()
    with nothing_written():
        assert send(client, TOTP_PATH, secret=text, code=code()).status_code == 400


def test_secret_of_another_user_is_refused() -> None:
    client, other = agent(), agent(username="bea")
    page: Any = other.get(TOTP_PATH)
    right = pyotp.TOTP(page.context["secret"].replace(" ", "")).at(factories.NOW)
    assert (
        send(client, TOTP_PATH, secret=page.context["encrypted_secret"], code=right).status_code
        == 400
    )


def test_code_turns_totp_off() -> None:
    client = browser_of(user_with_totp())
    assert send(client, TOTP_PATH, code="000000").status_code == 400
    assert send(client, TOTP_PATH, code=code()).status_code == 303
    assert StaffMember.objects.get().totp_encrypted is None
    assert client.get("/desk/").status_code == 200
