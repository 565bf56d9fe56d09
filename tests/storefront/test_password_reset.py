"""A mailed link sets a new password: the request, the page, and the link's limits."""

import re
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from takeback.accounts.models import Session, User
from takeback.core import clock
from takeback.outbox.models import Message
from takeback.shoppers.commands.set_password import reset_password
from takeback.shoppers.password_links import user_of_token
from tests import factories
from tests.factories import HttpClient
from tests.storefront.account_mails import deliver, deliver_one, path_in
from tests.storefront.api import LOGIN, assert_field_errors, nothing_written, post

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("several requests per test"),
]

RESET = "/users/password/reset/"
NEW = "Another-password-9"
FORM = "application/x-www-form-urlencoded;charset=UTF-8"
XHR = {"Accept": "application/json", "X-Requested-With": "XMLHttpRequest"}
BROWSER = {"Accept": "text/html,application/xhtml+xml"}
SENT = {
    "detail": (
        "If there is an account with this e-mail address, we have sent it a link to set a new "
        "password. The link is valid for 24 hours."
    )
}
NOT_VALID = {
    "detail": (
        "This link has expired, was already used or is incomplete. Choose “Forgot password” on "
        "the sign-in page to get a new link."
    ),
    "code": "link_not_valid",
}


def request_link(email: str = factories.CUSTOMER, **options: Any) -> Any:
    factories.create_channel()
    return post(HttpClient(), RESET, {"email": email}, **options)


def mailed_path() -> str:
    """The path of a new link of the customer."""
    assert request_link().status_code == 200
    return path_in(deliver_one())


def set_password(path: str, body: str | None = None, **headers: str) -> Any:
    """A POST as the storefront's proxy sends it: with a final slash."""
    body = f"new_password1={NEW}&new_password2={NEW}" if body is None else body
    return HttpClient().post(f"{path}/", body, content_type=FORM, headers=XHR | headers)


def sign_in(password: str) -> int:
    body = {"email": factories.CUSTOMER, "password": password}
    return int(post(HttpClient(), LOGIN, body).status_code)


def test_link_sets_the_password_and_ends_all_sessions() -> None:
    user = factories.create_customer()
    client = factories.client_of(user)
    path = mailed_path()

    response = set_password(path)

    assert (response.status_code, response.json()) == (
        200,
        {"detail": "Your password has been changed. You can now sign in with it."},
    )
    assert client.get("/current_user/").status_code == 401
    assert Session.objects.count() == 0
    assert (sign_in(factories.PASSWORD), sign_in(NEW)) == (400, 200)
    assert deliver_one().subject == "Your password for shop 1 has been changed"


def test_slug_has_one_segment_of_safe_characters() -> None:
    factories.create_customer()
    assert re.fullmatch(r"/users/reset/[A-Za-z0-9._-]+", mailed_path())


def test_link_leads_to_the_storefront_of_the_channel(settings: Settings) -> None:
    factories.create_channel(storefront_url="https://shop.example/")
    user = factories.create_customer()
    request_link()
    body = str(deliver_one().body)
    assert re.search(rf"^https://shop\.example/users/reset/{user.pk}\.\S+$", body, re.MULTILINE)


def test_mail_is_in_the_language_of_the_page() -> None:
    factories.create_customer(language_code="tr")
    request_link(headers={"Accept-Language": "de"})
    assert deliver_one().extra_headers["Content-Language"] == "de"


def test_link_works_once() -> None:
    factories.create_customer()
    path = mailed_path()
    set_password(path)

    with nothing_written():
        response = set_password(path)
    assert (response.status_code, response.json()) == (400, NOT_VALID)


def test_used_link_ends_the_other_links() -> None:
    factories.create_customer()
    first, second = mailed_path(), mailed_path()
    set_password(second)
    assert set_password(first).json() == NOT_VALID


def test_two_uses_at_once_set_one_password() -> None:
    factories.create_customer()
    token = mailed_path().rpartition("/")[2]
    first, second = user_of_token(token), user_of_token(token)
    assert first is not None
    assert second is not None

    results = [reset_password(user, NEW, clock.now()) for user in (first, second)]

    assert results == [True, False]
    assert len(deliver()) == 1


@pytest.mark.parametrize("change", [{"password": "!"}, {"email_key": "b@example.com"}], ids=str)
def test_changed_password_or_address_ends_the_link(change: dict[str, str]) -> None:
    factories.create_customer()
    path = mailed_path()
    User.objects.update(**change)
    assert set_password(path).json() == NOT_VALID


@pytest.mark.parametrize(("seconds", "status"), [(-1, 200), (1, 400)])
def test_link_is_valid_for_24_hours(seconds: int, status: int) -> None:
    factories.create_customer()
    moment = datetime.fromisoformat("2026-03-10T12:00:00+00:00")
    with time_machine.travel(moment, tick=False):
        path = mailed_path()
    with time_machine.travel(moment + timedelta(hours=24, seconds=seconds), tick=False):
        assert set_password(path).status_code == status


def test_altered_links_are_refused() -> None:
    user = factories.create_customer()
    other = factories.create_customer(email="b@example.com")
    token = mailed_path().rpartition("/")[2]
    _, time, signature = token.split(".")
    other_time = time[:-1] + ("y" if time.endswith("x") else "x")
    altered = [
        f"{other.pk}.{time}.{signature}",
        f"{user.pk}.{other_time}.{signature}",
        f"{user.pk}.{time}.{signature[:-1]}",
        f"{user.pk}.{time}",
        f"{user.pk}",
        "x",
        "..",
        "9" * 40,
        "%00",
        "é",
        "a,b",
    ]
    with nothing_written():
        for slug in altered:
            response = set_password(f"/users/reset/{slug}")
            assert (response.status_code, response.json()) == (400, NOT_VALID), slug


@pytest.mark.parametrize("fields", [{"is_active": False}, {"is_staff": True}], ids=str)
def test_closed_and_staff_accounts_get_no_link(fields: dict[str, Any]) -> None:
    factories.create_customer(**fields)
    assert request_link().json() == SENT
    assert deliver() == []


def test_customer_without_a_password_sets_one() -> None:
    factories.create_customer(password="!")
    set_password(mailed_path())
    assert sign_in(NEW) == 200


def test_pending_customer_confirms_the_address_with_the_reset() -> None:
    user = factories.create_customer(user_type="pending")
    order = factories.create_order(guest=factories.CUSTOMER)
    client = factories.client_of(user)

    assert set_password(mailed_path()).status_code == 200

    assert client.get("/current_user/").status_code == 401
    assert (User.objects.get(pk=user.pk).user_type, sign_in(NEW)) == ("registered", 200)
    order.refresh_from_db()
    assert (order.user_id, order.user_type) == (user.pk, "registered")


def statements(email: str, number: int) -> Counter[str]:
    """The statements of a request, with the values left out."""
    address = f"192.0.2.{number}"
    with CaptureQueriesContext(connection) as queries:
        assert request_link(email, REMOTE_ADDR=address).json() == SENT
    return Counter(re.sub(r"'[^']*'|\d+", "?", q["sql"]) for q in queries.captured_queries)


def test_all_addresses_cause_the_same_statements_and_response() -> None:
    factories.create_customer()
    factories.create_customer(email="none@example.com", password="!")
    factories.create_customer(email="pending@example.com", user_type="pending")
    factories.create_customer(email="guest@example.com", user_type="guest")
    names = [factories.CUSTOMER, "none@example.com", "pending@example.com", "guest@example.com"]

    known, *others = [statements(name, n) for n, name in enumerate([*names, "new@example.com"])]

    assert [others[n] == known for n in range(4)] == [True] * 4
    assert sum(sql.startswith("INSERT INTO") for sql in known) == 1
    payloads = [message.payload for message in Message.objects.order_by("id")]
    assert [sorted(payload) for payload in payloads] == [["language", "user"]] * 5
    assert [bool(payload["user"]) for payload in payloads] == [True, True, True, False, False]


def test_address_gets_three_mails_an_hour_and_the_same_response() -> None:
    factories.create_customer()
    factories.create_customer(email="b@example.com")
    with time_machine.travel(factories.NOW, tick=False):
        assert [request_link().json() for _ in range(5)] == [SENT] * 5
        assert len(deliver()) == 3
        assert request_link("b@example.com").json() == SENT
        assert len(deliver()) == 1
    with time_machine.travel(factories.NOW + timedelta(hours=1, seconds=1), tick=False):
        request_link()
        assert len(deliver()) == 1


def test_exhausted_mails_leave_the_links_and_the_login_usable() -> None:
    """A stranger can send the owner three mails; each of them works for the owner."""
    factories.create_customer()
    path = mailed_path()
    for _ in range(10):
        request_link()
    assert sign_in(factories.PASSWORD) == 200
    assert set_password(path).status_code == 200


def test_client_is_limited_whatever_the_addresses(settings: Settings) -> None:
    factories.create_customer()
    statuses = [
        request_link(f"{number}@example.com", REMOTE_ADDR="192.0.2.9").status_code
        for number in range(31)
    ]
    assert statuses == [200] * 30 + [429]
    assert request_link(REMOTE_ADDR="192.0.2.9").status_code == 429
    settings.STOREFRONT_SERVERS = ["192.0.2.9/32"]
    assert request_link(REMOTE_ADDR="192.0.2.9").status_code == 200


@pytest.mark.parametrize("email", ["", "x", None, 5, ["a@example.com"], "a@example.com\n"])
def test_invalid_addresses_are_field_errors(email: Any) -> None:
    factories.create_channel()
    with nothing_written():
        assert_field_errors(post(HttpClient(), RESET, {"email": email}), "email")


def test_other_channel_has_other_customers() -> None:
    factories.create_customer(channel_id=2)
    assert request_link().json() == SENT
    assert deliver() == []


FIELD_ERRORS: list[tuple[str, dict[str, list[str]]]] = [
    (
        "",
        {
            "new_password1": ["This field is required."],
            "new_password2": ["This field is required."],
        },
    ),
    (f"new_password1={NEW}", {"new_password2": ["This field is required."]}),
    (
        f"new_password1={NEW}&new_password2=x",
        {"new_password2": ["The two passwords are not the same. Enter the new password twice."]},
    ),
    (
        "new_password1=12345678&new_password2=12345678",
        {
            "new_password2": [
                "This password is too common.",
                "This password is entirely numeric.",
            ]
        },
    ),
    (
        f"new_password1={NEW}&new_password1=x&new_password2={NEW}",
        {"new_password1": ["Not a valid string."]},
    ),
]


@pytest.mark.parametrize(("body", "expected"), FIELD_ERRORS)
def test_errors_of_the_form_leave_the_link_valid(body: str, expected: Any) -> None:
    factories.create_customer()
    path = mailed_path()
    with nothing_written():
        response = set_password(path, body)
    assert (response.status_code, response.json()) == (400, expected)
    assert set_password(path).status_code == 200


def test_json_body_sets_the_password() -> None:
    factories.create_customer()
    path = mailed_path()
    body = {"new_password1": NEW, "new_password2": NEW}
    assert post(HttpClient(), path, body).status_code == 200
    assert sign_in(NEW) == 200


@pytest.mark.parametrize("headers", [{}, XHR, {"User-Agent": "node"}, BROWSER], ids=str)
@pytest.mark.parametrize("slash", ["", "/"])
def test_visits_change_nothing_and_never_redirect(headers: dict[str, str], slash: str) -> None:
    factories.create_customer()
    path = mailed_path()
    with nothing_written():
        for target in (path, "/users/reset/unknown"):
            response = HttpClient().get(target + slash, headers=headers)
            assert response["Content-Type"] == "text/html; charset=utf-8"
            assert response.status_code == (200 if target == path else 400)
            assert "Location" not in response
            assert "Set-Cookie" not in response
    assert set_password(path).status_code == 200


def test_our_page_sets_the_password() -> None:
    factories.create_customer()
    path = mailed_path()
    page = HttpClient().get(path, headers=BROWSER)
    assert page.status_code == 200
    assert re.findall(r'name="(\w+)" type="password"', page.content.decode()) == [
        "new_password1",
        "new_password2",
    ]

    again = HttpClient().post(
        path, f"new_password1={NEW}&new_password2=x", content_type=FORM, headers=BROWSER
    )
    assert again.status_code == 400
    assert again["Content-Security-Policy"] == page["Content-Security-Policy"]
    assert "style-src 'self'" in page["Content-Security-Policy"]
    assert "The two passwords are not the same." in again.content.decode()
    done = HttpClient().post(
        path, f"new_password1={NEW}&new_password2={NEW}", content_type=FORM, headers=BROWSER
    )

    assert done.status_code == 200
    assert "Your password has been changed. You can now sign in with it." in done.content.decode()
    assert sign_in(NEW) == 200
    gone = HttpClient().post(path, "", content_type=FORM, headers=BROWSER)
    assert (gone.status_code, gone["Content-Type"]) == (400, "text/html; charset=utf-8")


def test_handler_sends_nothing_for_a_customer_who_has_left() -> None:
    factories.create_customer()
    request_link()
    User.objects.update(is_active=False)
    assert deliver() == []
