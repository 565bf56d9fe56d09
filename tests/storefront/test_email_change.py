"""Changing the e-mail address of a customer: the request, both mails, and the link's limits."""

import re
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from takeback.accounts.models import EmailChange, User
from takeback.accounts.own_account import (
    EMAIL_CHANGE_RETENTION,
    apply_email_change,
    prune_email_changes,
)
from takeback.core import clock
from tests import factories
from tests.factories import HttpClient
from tests.storefront.account_mails import deliver, deliver_one, path_in
from tests.storefront.api import (
    LOGIN,
    V3,
    assert_refused,
    nothing_written,
    post,
    token_of,
)

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("several requests per test"),
]

CHANGE = "/users/email-change/"
NEW = "new@example.com"
XHR = {"Accept": "application/json", "X-Requested-With": "XMLHttpRequest"}
SENT = {
    "detail": (
        "We have sent a link to the new e-mail address. Open it within 24 hours to confirm the "
        "address."
    )
}


@pytest.fixture
def user() -> User:
    return factories.create_customer()


@pytest.fixture
def customer(user: User) -> HttpClient:
    return factories.client_of(user)


def change(
    client: HttpClient, email: str = NEW, *, headers: dict[str, str] | None = None, **fields: Any
) -> Any:
    body = {"email": email, "emailConfirm": email, "password": factories.PASSWORD} | fields
    return post(client, CHANGE, body, headers=token_of(client) | (headers or {}))


def mailed_path(client: HttpClient, email: str = NEW) -> str:
    assert change(client, email).json() == SENT
    return path_in(deliver_one())


def follow(path: str, **headers: str) -> Any:
    """The GET of the storefront's page, from any browser."""
    return HttpClient().get(path, headers=XHR | headers)


def test_link_changes_the_address_and_notifies_the_old_one(customer: HttpClient) -> None:
    change(customer)
    link = deliver_one()
    assert link.to == [NEW]
    assert User.objects.get().email == factories.CUSTOMER

    response = follow(path_in(link))

    assert (response.status_code, response.json()) == (
        200,
        {"detail": "Your e-mail address has been changed."},
    )
    stored = User.objects.get()
    assert (stored.email, stored.email_key) == (NEW, NEW)
    notice = deliver_one()
    assert notice.to == [factories.CUSTOMER]
    assert notice.subject == "The e-mail address of your account at shop 1 has been changed"
    assert NEW not in str(notice.body)
    # The session stays; the new address signs in.
    assert customer.get("/current_user/").json()["email"] == NEW
    login = {"email": NEW, "password": factories.PASSWORD}
    assert post(HttpClient(), LOGIN, login).status_code == 200


def test_guest_orders_of_the_new_address_join_the_account(user: User, customer: HttpClient) -> None:
    order = factories.create_order(guest=NEW)
    factories.create_order(number="2", guest="else@example.com")
    follow(mailed_path(customer))
    assert factories.order_numbers(customer.get("/users/orders/").json()["results"]) == [
        order.number
    ]


def test_link_works_once(customer: HttpClient) -> None:
    path = mailed_path(customer)
    follow(path)
    with nothing_written():
        response = follow(path)
    assert (response.status_code, response.json()["code"]) == (400, "link_not_valid")


def test_second_use_at_the_same_time_changes_nothing(customer: HttpClient) -> None:
    change(customer)
    change_id = EmailChange.objects.get().pk
    results = [apply_email_change(change_id, now=clock.now()) for _ in range(2)]
    assert [result is not None for result in results] == [True, False]


@pytest.mark.parametrize("headers", [{}, {"User-Agent": "node"}, {"Accept": "text/html"}], ids=str)
def test_visit_shows_a_button_and_changes_nothing(
    customer: HttpClient, headers: dict[str, str]
) -> None:
    path = mailed_path(customer)
    with nothing_written():
        page = HttpClient().get(path, headers=headers)
    assert (page.status_code, "Location" in page) == (200, False)
    assert "Use this e-mail address for your account?" in page.content.decode()

    done = HttpClient().post(path, headers=headers)
    assert "Your e-mail address has been changed." in done.content.decode()
    assert User.objects.get().email == NEW


def test_newer_request_replaces_the_older(customer: HttpClient) -> None:
    first = mailed_path(customer, "first@example.com")
    second = mailed_path(customer, "second@example.com")
    assert follow(first).status_code == 400
    assert follow(second).status_code == 200
    assert User.objects.get().email == "second@example.com"


@pytest.mark.parametrize(("seconds", "status"), [(-1, 200), (1, 400)])
def test_link_is_valid_for_24_hours(user: User, seconds: int, status: int) -> None:
    with time_machine.travel(factories.NOW, tick=False):
        path = mailed_path(factories.client_of(user))
    with time_machine.travel(factories.NOW + timedelta(hours=24, seconds=seconds), tick=False):
        assert follow(path).status_code == status


@pytest.mark.parametrize(
    "fields",
    [{"is_active": False}, {"user_type": "guest"}, {"email": "x@example.com"}],
    ids=str,
)
def test_changed_account_ends_the_link(customer: HttpClient, fields: dict[str, Any]) -> None:
    path = mailed_path(customer)
    User.objects.update(**fields)
    with nothing_written():
        assert follow(path).status_code == 400


def test_password_change_ends_the_link(customer: HttpClient) -> None:
    path = mailed_path(customer)
    new = {"new_password1": "Another-password-9", "new_password2": "Another-password-9"}
    body = {"old_password": factories.PASSWORD} | new
    post(customer, "/users/password/change/", body, headers=token_of(customer))
    assert follow(path).status_code == 400


def test_altered_links_are_refused(customer: HttpClient) -> None:
    token = mailed_path(customer).strip("/").rpartition("/")[2]
    change_id, time, signature = token.split(".")
    altered = [f"{int(change_id) + 1}.{time}.{signature}", f"{token}x", f"{change_id}.{time}", "x"]
    with nothing_written():
        for slug in altered:
            assert follow(f"/users/email-set-primary/{slug}/").status_code == 400, slug


def test_taken_address_gets_a_note_and_the_same_response(customer: HttpClient) -> None:
    factories.create_customer(email=NEW)

    assert change(customer).json() == SENT

    message = deliver_one()
    assert (message.to, message.subject) == ([NEW], "You already have an account at shop 1")
    assert "email-set-primary" not in str(message.body)


def test_free_and_taken_addresses_cause_the_same_statements(customer: HttpClient) -> None:
    factories.create_customer(email=NEW)
    token, counts = token_of(customer), []
    for email in (NEW, "free@example.com"):
        body = {"email": email, "emailConfirm": email, "password": factories.PASSWORD}
        EmailChange.objects.all().delete()
        with CaptureQueriesContext(connection) as queries:
            assert post(customer, CHANGE, body, headers=token).json() == SENT
        counts.append(
            Counter(re.sub(r"'[^']*'|\d+", "?", q["sql"]) for q in queries.captured_queries)
        )
    assert counts[0] == counts[1]


def test_address_that_was_taken_meanwhile_is_refused(customer: HttpClient) -> None:
    path = mailed_path(customer)
    factories.create_customer(email=NEW.upper())
    with nothing_written():
        assert follow(path).status_code == 400


def test_same_address_in_another_channel_is_free(customer: HttpClient) -> None:
    path = mailed_path(customer)
    factories.create_customer(email=NEW, channel_id=2)
    assert follow(path).status_code == 200


ERRORS: list[tuple[dict[str, Any], list[str]]] = [
    ({"password": "wrong"}, ["The password is incorrect. Please enter it again."]),
    ({"password": ""}, ["This field may not be blank."]),
    ({"password": 5}, ["Not a valid string."]),
    (
        {"emailConfirm": "other@example.com"},
        ["The two e-mail addresses are not the same. Enter the new address twice."],
    ),
    ({"email": "x"}, ["Enter a valid e-mail address, such as name@example.com."]),
    (
        {"email": None, "emailConfirm": ""},
        ["Enter a valid e-mail address, such as name@example.com."],
    ),
    (
        {"email": factories.CUSTOMER.upper(), "emailConfirm": factories.CUSTOMER},
        ["This is your e-mail address already. Enter another one."],
    ),
]


@pytest.mark.parametrize(("fields", "texts"), ERRORS, ids=str)
@pytest.mark.parametrize("dialect", [{}, V3], ids=str)
def test_errors_are_a_list_that_the_page_shows(
    customer: HttpClient, fields: dict[str, Any], texts: list[str], dialect: dict[str, str]
) -> None:
    token_of(customer)
    with nothing_written():
        response = change(customer, headers=dialect, **fields)
    assert (response.status_code, response.json()) == (400, {"non_field_errors": texts})


def test_customer_without_a_password_is_sent_to_the_reset(user: User) -> None:
    User.objects.update(password="!")
    client = factories.client_of(User.objects.get())
    [text] = change(client).json()["non_field_errors"]
    assert text.startswith("Your account has no password yet. Choose “Forgot password”")


def test_pending_customer_confirms_the_first_address_first(user: User) -> None:
    User.objects.update(user_type="pending")
    client = factories.client_of(user)
    [text] = change(client).json()["non_field_errors"]
    assert text.startswith("Your present e-mail address is not confirmed yet.")


def test_address_gets_three_mails_an_hour(customer: HttpClient) -> None:
    assert [change(customer).json() for _ in range(5)] == [SENT] * 5
    # A newer request replaces the older, whose mail is not sent any more.
    assert EmailChange.objects.count() == 1
    assert len(deliver()) == 1
    for number in range(3):
        assert change(customer, f"{number}@example.com").json() == SENT
        assert len(deliver()) == 1


def test_requests_of_a_customer_are_limited(customer: HttpClient) -> None:
    statuses = [change(customer, f"{n}@example.com").status_code for n in range(41)]
    assert statuses == [200] * 40 + [429]
    text = "Too many attempts. Please try again later."
    blocked = change(customer).json()
    assert blocked == {"detail": text, "code": "too_many_requests", "non_field_errors": [text]}


def test_wrong_passwords_share_the_limit_of_the_password_change(
    customer: HttpClient, settings: Settings
) -> None:
    settings.LOGIN_FAILURES_PER_EMAIL = 1
    statuses = [change(customer, password="wrong").status_code for _ in range(5)]
    assert statuses == [400] * 4 + [429]
    login = {"email": factories.CUSTOMER, "password": factories.PASSWORD}
    assert post(HttpClient(), LOGIN, login).status_code == 200


def test_change_requires_session_and_token(customer: HttpClient) -> None:
    assert_refused(post(customer, CHANGE, {}), 403, "csrf_failed")
    assert_refused(post(HttpClient(), CHANGE, {}), 401, "not_authenticated")


def test_old_requests_are_deleted(user: User) -> None:
    now = clock.now()
    for age in (EMAIL_CHANGE_RETENTION, EMAIL_CHANGE_RETENTION - timedelta(seconds=1)):
        EmailChange.objects.create(
            user=user, old_email="a@b.c", new_email="d@e.f", requested_at=now - age
        )
    assert [prune_email_changes(now), prune_email_changes(now)] == [1, 0]
    assert EmailChange.objects.count() == 1
