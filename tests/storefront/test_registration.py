"""Registering a customer: one response whether the address is known or not."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.hashers import check_password

from takeback.accounts.models import Session, User
from takeback.outbox.models import Message
from takeback.shoppers.sign_in_state import AUTH_HASH
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import LOGIN, nothing_written, post

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now", "shop")]

REGISTER = "/users/registration/"
EMAIL = "zeynep@example.com"
PASSWORD = "Long-Way-1907"
# The body of `@akinon/next`: every value is a string, and untouched inputs are empty.
BODY = {
    "email": EMAIL,
    "password": PASSWORD,
    "first_name": "Zeynep",
    "last_name": "Kanarya",
    "phone": "05321112233",
    "gender": "female",
    "date_of_birth": "1988-02-09",
    "email_allowed": "true",
    "sms_allowed": "false",
    "confirm": "true",
    "kvkk_confirm": "true",
    "formType": "register",
    "locale": "en",
    "captchaValidated": "false",
    "redirect": "false",
    "callbackUrl": "http://shop.example/",
    "csrfToken": "e9b1",
    "json": "true",
}
TOO_SHORT = (
    "Use at least 8 characters, or 6 with lower-case and upper-case letters, digits and other "
    "characters."
)
FORM = "application/x-www-form-urlencoded"
CURRENT_USER = "/current_user/"


@pytest.fixture
def shop() -> None:
    """The channel of the storefront."""
    factories.create_channel()


def register(client: HttpClient | None = None, address: str = "127.0.0.1", **fields: Any) -> Any:
    """A registration as the published client sends it."""
    return post(client or HttpClient(), REGISTER, BODY | fields, REMOTE_ADDR=address)


def pending() -> User:
    """The only pending customer."""
    return User.objects.get(user_type=User.PENDING)


def test_registration_signs_in_a_pending_customer(frozen_now: datetime) -> None:
    client = HttpClient()
    response = register(client)
    key = client.cookies["osessionid"].value
    assert (response.status_code, response.json()) == (201, {"key": key, "redirect_url": None})
    user = pending()
    assert (user.channel_id, user.email, user.email_key) == (factories.SHOP, EMAIL, EMAIL)
    assert (user.first_name, user.last_name, user.phone) == ("Zeynep", "Kanarya", "05321112233")
    assert (user.gender, str(user.date_of_birth), user.language_code) == (
        "female",
        "1988-02-09",
        "en",
    )
    assert (user.email_allowed, user.sms_allowed) == (True, False)
    assert user.date_joined == frozen_now
    assert check_password(PASSWORD, user.password)


def test_the_session_sees_only_what_was_typed() -> None:
    factories.create_customer(email=EMAIL, first_name="Real", last_name="Owner")
    factories.create_order(customer=User.objects.get(email=EMAIL))
    client = HttpClient()
    register(client, first_name="Typed")
    user = client.get(CURRENT_USER).json()
    assert (user["pk"], user["first_name"], user["last_name"]) == (pending().pk, "Typed", "Kanarya")
    assert client.get("/users/orders/").json()["results"] == []
    assert client.get("/users/old-orders/").json()["results"] == []


def test_empty_values_and_a_form_are_accepted() -> None:
    body = dict.fromkeys(BODY, "") | {"email": EMAIL, "password": PASSWORD}
    assert post(HttpClient(), REGISTER, body).status_code == 201
    assert HttpClient().post(REGISTER, urlencode(body), content_type=FORM).status_code == 201
    first, second = User.objects.filter(user_type=User.PENDING)
    assert [first.gender, first.date_of_birth, first.email_allowed] == [None, None, False]
    assert (first.first_name, second.first_name) == ("", "")
    assert Session.objects.count() == 2


def test_a_date_without_zeros_is_accepted() -> None:
    assert register(date_of_birth="1988-2-9").status_code == 201
    assert str(pending().date_of_birth) == "1988-02-09"


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"email": "no address"}, {"email": ["Enter a valid email address."]}),
        ({"email": ""}, {"email": ["This field is required."]}),
        ({"password": ""}, {"password": ["This field is required."]}),
        ({"date_of_birth": "9.2.1988"}, {"date_of_birth": ["Use the form YYYY-MM-DD."]}),
        ({"date_of_birth": "1988-2-31"}, {"date_of_birth": ["Use the form YYYY-MM-DD."]}),
        ({"sms_allowed": "maybe"}, {"sms_allowed": ["Must be true or false."]}),
        (
            {"gender": "x" * 17},
            {"gender": ["Ensure this field has no more than 16 characters."]},
        ),
        (
            {"email": 1, "password": 2, "phone": ["3"]},
            {
                "email": ["Not a valid string."],
                "password": ["Not a valid string."],
                "phone": ["Not a valid string."],
            },
        ),
    ],
)
@pytest.mark.parametrize("dialect", ["classic", "v3"])
def test_field_errors_are_lists_of_texts(dialect: str, fields: Any, errors: Any) -> None:
    with nothing_written():
        response = post(
            HttpClient(), REGISTER, BODY | fields, headers={"X-Takeback-Dialect": dialect}
        )
    assert (response.status_code, response.json()) == (400, errors)


@pytest.mark.parametrize(
    ("password", "text"),
    [
        (
            "Aa1!x",
            TOO_SHORT,
        ),
        ("password", "This password is too common."),
        ("480151623420", "This password is entirely numeric."),
        ("zeynep@example.com", "The password is too similar to the email."),
    ],
)
def test_weak_password_is_refused_with_the_reason(password: str, text: str) -> None:
    with nothing_written():
        response = register(password=password)
    assert (response.status_code, response.json()) == (400, {"password": [text]})


@pytest.mark.parametrize("password", ["Aa1!xy", "sevenandone", "ümlaut 8"])
def test_password_that_pages_accept_is_accepted(password: str) -> None:
    assert register(password=password).status_code == 201


def test_known_and_unknown_addresses_are_registered_alike(
    django_assert_num_queries: Any,
) -> None:
    factories.create_customer(email="known@example.com")
    responses = []
    for email in ("known@example.com", "unknown@example.com"):
        with django_assert_num_queries(13):
            responses.append(register(email=email))
    assert [response.status_code for response in responses] == [201, 201]
    assert [list(response.json()) for response in responses] == [["key", "redirect_url"]] * 2
    known, unknown = User.objects.filter(user_type=User.PENDING).order_by("id")
    topics = Message.objects.order_by("id").values_list("topic", "payload")
    assert list(topics) == [
        ("customer.registered", {"user": known.pk}),
        ("customer.registered", {"user": unknown.pk}),
    ]


def test_a_pending_customer_cannot_sign_in_by_password() -> None:
    register()
    response = post(HttpClient(), LOGIN, {"email": EMAIL, "password": PASSWORD})
    text = "The e-mail address or password is incorrect."
    assert (response.status_code, response.json()) == (400, {"non_field_errors": [text]})


def test_registration_replaces_an_earlier_session() -> None:
    client = factories.client_of(factories.create_customer())
    before = client.cookies["osessionid"].value
    assert register(client).status_code == 201
    assert not Session.objects.filter(session_key=before).exists()
    [session] = Session.objects.all()
    assert session.user_id == pending().pk
    assert AUTH_HASH in session.session_data


def test_form_of_another_site_is_refused() -> None:
    with nothing_written():
        response = HttpClient().post(
            REGISTER,
            urlencode(BODY),
            content_type=FORM,
            headers={"Sec-Fetch-Site": "cross-site"},
        )
    text = "The CSRF token is missing or does not match."
    assert (response.status_code, response.json()) == (403, {"non_field_errors": [text]})
