"""Login, current user and logout."""

from hashlib import sha256
from typing import Any

import pytest

from takeback.accounts.models import Session, User
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import LOGIN, assert_refused, nothing_written, post

pytestmark = pytest.mark.django_db

CREDENTIALS = {"email": factories.CUSTOMER, "password": factories.PASSWORD}


def test_correct_password_opens_a_session() -> None:
    user = factories.create_customer(last_login=None)
    client = HttpClient()

    response = post(client, LOGIN, CREDENTIALS | {"formType": "login", "captchaValidated": True})

    assert response.status_code == 200
    assert response.json() == {"key": client.cookies["osessionid"].value, "redirect_url": None}
    assert client.get("/current_user/").json()["pk"] == user.pk
    assert User.objects.get().last_login is not None


@pytest.mark.parametrize("email", [factories.CUSTOMER.upper(), f" {factories.CUSTOMER} "])
def test_case_and_outer_spaces_of_the_e_mail_are_irrelevant(email: str) -> None:
    factories.create_customer()

    assert post(HttpClient(), LOGIN, CREDENTIALS | {"email": email}).status_code == 200


PASSWORDS = [
    "x",
    " " + factories.PASSWORD,
    factories.PASSWORD + " ",
    factories.PASSWORD.upper(),
    "x" * 1024,
]


@pytest.mark.parametrize("password", PASSWORDS)
def test_wrong_password_is_refused(password: str) -> None:
    factories.create_customer()

    with nothing_written():
        response = post(HttpClient(), LOGIN, CREDENTIALS | {"password": password})

    assert response.status_code == 400
    assert response.json() == {"non_field_errors": ["The e-mail address or password is incorrect."]}
    assert "Set-Cookie" not in response


@pytest.mark.parametrize(
    "fields",
    [
        {"user_type": "guest"},
        {"is_active": False},
        {"is_staff": True},
        {"channel_id": 2},
        {"email": "kate@example.com"},
        {"password": "!"},
    ],
    ids=str,
)
def test_all_refused_logins_get_the_same_response(fields: dict[str, Any]) -> None:
    factories.create_channel(pk=2)
    factories.create_customer(**fields)
    email = "\u212aate@example.com" if "email" in fields else factories.CUSTOMER

    with nothing_written():
        response = post(HttpClient(), LOGIN, CREDENTIALS | {"email": email})

    assert response.status_code == 400
    assert response.json() == {"non_field_errors": ["The e-mail address or password is incorrect."]}


def test_too_long_password_is_a_field_error() -> None:
    response = post(HttpClient(), LOGIN, CREDENTIALS | {"password": "x" * 1025})

    assert (response.status_code, list(response.json())) == (400, ["password"])


def test_current_user_has_a_hash_of_the_e_mail_address() -> None:
    user = factories.create_customer(email="Ayla@Example.com")

    document = factories.client_of(user).get("/current_user/").json()

    assert document["email"] == "Ayla@Example.com"
    assert document["hashed_email"] == sha256(b"ayla@example.com").hexdigest()


@pytest.mark.parametrize("cookie", [None, "", "unknown"])
def test_current_user_requires_a_session(cookie: str | None) -> None:
    client = HttpClient()
    if cookie is not None:
        client.cookies["osessionid"] = cookie

    assert_refused(client.get("/current_user/"), 401, "not_authenticated")


def test_verified_guest_is_not_signed_in() -> None:
    factories.create_order()
    client = HttpClient()
    post(client, "/users/orders/anonymous/", {"number": factories.NUMBER, "email": factories.GUEST})

    assert_refused(client.get("/current_user/"), 401, "not_authenticated")


def test_logout_ends_the_session_in_all_browsers() -> None:
    user = factories.create_customer()
    client, second = factories.client_of(user), HttpClient()
    second.cookies["osessionid"] = client.cookies["osessionid"].value

    assert client.post("/users/logout").status_code == 200

    assert second.get("/current_user/").status_code == 401
    assert Session.objects.count() == 0


def test_logout_without_a_session_writes_nothing() -> None:
    with nothing_written():
        assert HttpClient().post("/users/logout/").status_code == 200


def test_csrf_tokens_differ_and_are_alphanumeric() -> None:
    tokens = {HttpClient().get("/csrf_token/").json()["csrf_token"] for _ in range(5)}

    assert len(tokens) == 5
    assert all(token.isalnum() for token in tokens)
