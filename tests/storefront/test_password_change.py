"""Changing the password of a signed-in customer."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from takeback.accounts.models import EmailChange, Session, User
from tests import factories
from tests.factories import HttpClient
from tests.storefront.account_mails import deliver, deliver_one
from tests.storefront.api import LOGIN, V3, assert_refused, nothing_written, post, token_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("several requests per test"),
]

CHANGE = "/users/password/change/"
NEW = "Another-password-9"
WRONG = "Your old password was entered incorrectly. Please enter it again."


@pytest.fixture
def user() -> User:
    return factories.create_customer()


@pytest.fixture
def customer(user: User) -> HttpClient:
    return factories.client_of(user)


def change(client: HttpClient, *, headers: dict[str, str] | None = None, **fields: Any) -> Any:
    body = {
        "old_password": factories.PASSWORD,
        "new_password1": NEW,
        "new_password2": NEW,
    } | fields
    return post(client, CHANGE, body, headers=token_of(client) | (headers or {}))


def sign_in(password: str, client: HttpClient | None = None) -> Any:
    return post(client or HttpClient(), LOGIN, {"email": factories.CUSTOMER, "password": password})


def test_new_password_replaces_the_old_one(customer: HttpClient) -> None:
    assert change(customer).json() == {"detail": "Your password has been changed."}

    assert sign_in(factories.PASSWORD).status_code == 400
    assert sign_in(NEW).status_code == 200


def test_change_ends_all_other_sessions_and_keeps_this_one(
    user: User, customer: HttpClient
) -> None:
    others = [factories.client_of(user) for _ in range(2)]
    stranger = factories.client_of(factories.create_customer(email="b@example.com"))
    stolen = HttpClient()
    stolen.cookies["osessionid"] = customer.cookies["osessionid"].value

    change(customer)

    assert customer.get("/current_user/").status_code == 200
    assert [client.get("/current_user/").status_code for client in [*others, stolen]] == [401] * 3
    assert stranger.get("/current_user/").status_code == 200
    assert Session.objects.filter(user=user).count() == 1


def test_owner_gets_a_mail_without_secrets(customer: HttpClient) -> None:
    change(customer)

    message = deliver_one()
    assert message.to == [factories.CUSTOMER]
    assert message.subject == "Your password for shop 1 has been changed"
    assert NEW not in str(message.body)


def test_open_email_changes_end_with_the_password(user: User, customer: HttpClient) -> None:
    EmailChange.objects.create(
        user=user, old_email=user.email, new_email="c@example.com", requested_at=factories.NOW
    )
    change(customer)
    assert EmailChange.objects.count() == 0


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"old_password": "wrong"}, {"old_password": WRONG}),
        ({"old_password": ""}, {"old_password": "This field may not be blank."}),
        ({"old_password": 5}, {"old_password": "Not a valid string."}),
        (
            {"new_password2": "Different-1"},
            {
                "new_password2": (
                    "The two passwords are not the same. Enter the new password twice."
                )
            },
        ),
        (
            {"new_password1": "x" * 1025, "new_password2": NEW},
            {"new_password1": "Ensure this field has no more than 1024 characters."},
        ),
        (
            {"new_password1": "12345678", "new_password2": "12345678"},
            {"new_password2": "This password is too common."},
        ),
    ],
    ids=str,
)
def test_errors_stand_under_their_field_and_change_nothing(
    customer: HttpClient, fields: dict[str, Any], expected: dict[str, str]
) -> None:
    token = token_of(customer)
    with nothing_written():
        classic, v3 = (
            post(
                customer,
                CHANGE,
                {"old_password": factories.PASSWORD, "new_password1": NEW, "new_password2": NEW}
                | fields,
                headers=token | dialect,
            )
            for dialect in ({}, V3)
        )
    assert (classic.status_code, classic.json()) == (400, expected)
    assert [*v3.json()] == [*expected]
    assert all(isinstance(texts, list) for texts in v3.json().values())
    assert [texts[0] for texts in v3.json().values()] == [*expected.values()]


def test_missing_fields_are_named(customer: HttpClient) -> None:
    response = post(customer, CHANGE, {}, headers=token_of(customer))
    assert sorted(response.json()) == ["new_password1", "new_password2", "old_password"]


@pytest.mark.parametrize("password", ["!", "!unusable"])
def test_customer_without_a_password_is_sent_to_the_reset(
    user: User, customer: HttpClient, password: str
) -> None:
    User.objects.update(password=password)
    customer = factories.client_of(User.objects.get())

    response = change(customer)

    assert response.status_code == 400
    assert response.json() == {
        "old_password": (
            "Your account has no password yet. Choose “Forgot password” on the sign-in page: "
            "we mail you a link to set one."
        )
    }


def test_wrong_passwords_are_limited_apart_from_logins(
    customer: HttpClient, settings: Settings
) -> None:
    settings.LOGIN_FAILURES_PER_EMAIL = 2
    statuses = [change(customer, old_password="wrong").status_code for _ in range(9)]
    assert statuses == [400] * 8 + [429]

    blocked = change(customer)
    text = "Too many attempts. Please try again later."
    assert blocked.json() == {
        "detail": text,
        "code": "too_many_requests",
        "old_password": text,
    }
    assert int(blocked["Retry-After"]) > 0
    # Signing in has a limit of its own.
    assert sign_in(factories.PASSWORD).status_code == 200


def test_strangers_use_up_no_attempts_of_the_owner(
    customer: HttpClient, settings: Settings
) -> None:
    settings.LOGIN_FAILURES_PER_EMAIL = 1
    factories.create_customer(email="b@example.com")
    other = factories.client_of(User.objects.get(email="b@example.com"))
    for _ in range(6):
        change(other, old_password="wrong")
        assert_refused(post(HttpClient(), CHANGE, {}), 401, "not_authenticated")
        sign_in("wrong")

    assert change(customer).status_code == 200


def test_right_passwords_do_not_count(customer: HttpClient, settings: Settings) -> None:
    settings.LOGIN_FAILURES_PER_EMAIL = 1
    for number in range(6):
        old = f"{NEW}{number - 1}" if number else factories.PASSWORD
        new = f"{NEW}{number}"
        response = change(customer, old_password=old, new_password1=new, new_password2=new)
        assert response.status_code == 200


def test_change_takes_exactly_these_statements(customer: HttpClient) -> None:
    token = token_of(customer)
    body = {"old_password": factories.PASSWORD, "new_password1": NEW, "new_password2": NEW}
    with CaptureQueriesContext(connection) as queries:
        post(customer, CHANGE, body, headers=token)
    statements = [query["sql"].split()[0] for query in queries.captured_queries]
    # Session, customer; count, take back; password, sessions, e-mail changes, message; session.
    assert [name for name in statements if name not in {"SAVEPOINT", "RELEASE"}] == [
        *["SELECT", "SELECT", "INSERT", "INSERT"],
        *["UPDATE", "DELETE", "DELETE", "INSERT", "UPDATE"],
    ]


def test_change_requires_session_and_token(customer: HttpClient) -> None:
    assert_refused(post(customer, CHANGE, {}), 403, "csrf_failed")
    assert_refused(post(HttpClient(), CHANGE, {}), 401, "not_authenticated")
    assert deliver() == []
