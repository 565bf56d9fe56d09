"""Signing in, who one is, and signing out."""

from hashlib import sha256
from typing import Any

import pytest

from takeback.accounts.models import Session, User
from tests import factories
from tests.factories import Visitor
from tests.storefront.api import LOGIN, nothing_written, post, refused

pytestmark = pytest.mark.django_db

RIGHT = {"email": factories.CUSTOMER, "password": factories.PASSWORD}


def test_the_right_password_opens_a_session_and_is_noted() -> None:
    user = factories.make_customer(last_login=None)
    client = Visitor()

    answer = post(client, LOGIN, RIGHT | {"formType": "login", "captchaValidated": True})

    assert answer.status_code == 200
    assert answer.json() == {"key": client.cookies["osessionid"].value, "redirect_url": None}
    assert client.get("/current_user/").json()["pk"] == user.pk
    assert User.objects.get().last_login is not None


@pytest.mark.parametrize("email", [factories.CUSTOMER.upper(), f" {factories.CUSTOMER} "])
def test_an_address_may_be_written_in_capitals_and_with_spaces_around(email: str) -> None:
    factories.make_customer()

    assert post(Visitor(), LOGIN, RIGHT | {"email": email}).status_code == 200


PASSWORDS = [
    "x",
    " " + factories.PASSWORD,
    factories.PASSWORD + " ",
    factories.PASSWORD.upper(),
    "x" * 1024,
]


@pytest.mark.parametrize("password", PASSWORDS)
def test_another_password_opens_nothing(password: str) -> None:
    factories.make_customer()

    with nothing_written():
        answer = post(Visitor(), LOGIN, RIGHT | {"password": password})

    assert answer.status_code == 400
    assert answer.json() == {"non_field_errors": ["The e-mail address or password is incorrect."]}
    assert "Set-Cookie" not in answer


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
def test_everybody_who_may_not_sign_in_is_told_the_same(fields: dict[str, Any]) -> None:
    factories.make_channel(pk=2)
    factories.make_customer(**fields)
    email = "\u212aate@example.com" if "email" in fields else factories.CUSTOMER

    with nothing_written():
        answer = post(Visitor(), LOGIN, RIGHT | {"email": email})

    assert answer.status_code == 400
    assert answer.json() == {"non_field_errors": ["The e-mail address or password is incorrect."]}


def test_a_password_that_is_too_long_is_a_field_error() -> None:
    answer = post(Visitor(), LOGIN, RIGHT | {"password": "x" * 1025})

    assert (answer.status_code, list(answer.json())) == (400, ["password"])


def test_who_is_signed_in_is_told_with_a_hash_of_the_address() -> None:
    user = factories.make_customer(email="Ayla@Example.com")

    told = factories.client_of(user).get("/current_user/").json()

    assert told["email"] == "Ayla@Example.com"
    assert told["hashed_email"] == sha256(b"ayla@example.com").hexdigest()


@pytest.mark.parametrize("cookie", [None, "", "unknown"])
def test_without_a_session_nobody_is_signed_in(cookie: str | None) -> None:
    client = Visitor()
    if cookie is not None:
        client.cookies["osessionid"] = cookie

    refused(client.get("/current_user/"), 401, "not_authenticated")


def test_a_guest_with_a_proof_is_not_signed_in() -> None:
    factories.make_order()
    client = Visitor()
    post(client, "/users/orders/anonymous/", {"number": factories.NUMBER, "email": factories.GUEST})

    refused(client.get("/current_user/"), 401, "not_authenticated")


def test_logging_out_ends_the_session_everywhere() -> None:
    user = factories.make_customer()
    client, same = factories.client_of(user), Visitor()
    same.cookies["osessionid"] = client.cookies["osessionid"].value

    assert client.post("/users/logout").status_code == 200

    assert same.get("/current_user/").status_code == 401
    assert Session.objects.count() == 0


def test_logging_out_without_a_session_writes_nothing() -> None:
    with nothing_written():
        assert Visitor().post("/users/logout/").status_code == 200


def test_tokens_differ_and_are_letters_and_digits() -> None:
    tokens = {Visitor().get("/csrf_token/").json()["csrf_token"] for _ in range(5)}

    assert len(tokens) == 5
    assert all(token.isalnum() for token in tokens)
