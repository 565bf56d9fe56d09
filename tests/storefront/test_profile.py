"""The customer's profile: reading it, and changing it in the forms that storefronts send."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from takeback.accounts.models import User
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import V3, assert_field_errors, assert_refused, nothing_written, token_of

pytestmark = pytest.mark.django_db

PROFILE = "/users/profile/"


@pytest.fixture
def user() -> User:
    return factories.create_customer(phone="05321112233", gender="female")


@pytest.fixture
def customer(user: User) -> HttpClient:
    return factories.client_of(user)


def change(client: HttpClient, body: dict[str, Any], **headers: str) -> Any:
    headers |= token_of(client)
    return client.patch(PROFILE, body, content_type="application/json", headers=headers)


def test_profile_has_the_keys_of_the_contract(user: User, customer: HttpClient) -> None:
    with CaptureQueriesContext(connection) as queries:
        response = customer.get(PROFILE)

    assert response.json() == {
        "id": user.pk,
        "pk": user.pk,
        "first_name": "Ayla",
        "last_name": "Ray",
        "email_allowed": False,
        "sms_allowed": False,
        "call_allowed": None,
        "avatar": None,
        "email": factories.CUSTOMER,
        "phone": "05321112233",
        "date_of_birth": None,
        "gender": "female",
        "genders": [
            {"value": "female", "label": "Female"},
            {"value": "male", "label": "Male"},
            {"value": "none", "label": "Not stated"},
        ],
        "language_code": "",
        "attributes": {},
    }
    assert len(queries) == 2


def test_page_of_the_storefront_changes_the_profile(user: User, customer: HttpClient) -> None:
    body = {
        "first_name": "Işil",
        "last_name": "Öz",
        "phone": "+905321112233",
        "gender": "none",
        "date_of_birth": "1988-2-9",
        "email_allowed": True,
        "sms_allowed": "true",
    }

    response = change(customer, body)

    assert response.status_code == 200
    changed = response.json()
    assert {key: changed[key] for key in body} == body | {
        "date_of_birth": "1988-02-09",
        "sms_allowed": True,
    }
    assert changed == customer.get(PROFILE).json()
    stored = User.objects.get()
    assert (stored.first_name_key, stored.last_name_key) == ("işil", "öz")
    assert stored.modified_date > user.modified_date


@pytest.mark.parametrize("value", ["", None])
def test_empty_values_clear_texts_and_leave_permissions(
    user: User, customer: HttpClient, value: str | None
) -> None:
    User.objects.update(email_allowed=True, date_of_birth="1988-02-09", language_code="tr")
    names = ["first_name", "last_name", "phone", "gender", "date_of_birth", "language_code"]

    response = change(customer, dict.fromkeys([*names, "email_allowed", "call_allowed"], value))

    changed = response.json()
    assert [changed[name] for name in names] == ["", "", "", None, None, ""]
    assert (changed["email_allowed"], changed["call_allowed"]) == (True, None)


def test_unknown_and_protected_keys_change_nothing(customer: HttpClient) -> None:
    before = customer.get(PROFILE).json()
    body = {
        "email": "other@example.com",
        "status": "x",
        "id": 7,
        "pk": 7,
        "user_type": "guest",
        "is_staff": True,
        "password": "x",
        "channel": 2,
        "attributes": {"vip": True},
        "attributes_kwargs": {},
        "channel_code": "7",
        "kvkk_confirm": "true",
    }

    with nothing_written():
        assert change(customer, body).json() == before


INVALID: list[tuple[str, Any]] = [
    ("first_name", 5),
    ("first_name", ["x"]),
    ("first_name", "x" * 256),
    ("last_name", "a\u202eb"),
    ("phone", "call me"),
    ("phone", 5321112233),
    ("phone", "1" * 129),
    ("gender", "x" * 17),
    ("gender", {"value": "female"}),
    ("date_of_birth", "1988-2-30"),
    ("date_of_birth", "1988-13-1"),
    ("date_of_birth", "09.02.1988"),
    ("date_of_birth", "1899-12-31"),
    ("date_of_birth", "2999-01-01"),
    ("date_of_birth", "0000-1-1"),
    ("date_of_birth", 19880209),
    ("date_of_birth", "\u0661988-1-1"),
    ("email_allowed", "yes"),
    ("email_allowed", 1),
    ("sms_allowed", [True]),
    ("call_allowed", {}),
    ("language_code", "english!"),
]


@pytest.mark.parametrize(("name", "value"), INVALID)
def test_invalid_values_are_errors_of_their_field(
    customer: HttpClient, name: str, value: Any
) -> None:
    token = token_of(customer)
    with nothing_written():
        for dialect in ({}, V3):
            response = customer.patch(
                PROFILE,
                {name: value, "gender" if name != "gender" else "phone": ""},
                content_type="application/json",
                headers=token | dialect,
            )
            assert_field_errors(response, name)


def test_all_errors_are_in_one_response(customer: HttpClient) -> None:
    assert change(customer, {"date_of_birth": "1988-2-30", "phone": "call me"}).json() == {
        "phone": "Enter a phone number of digits, such as +905321112233.",
        "date_of_birth": "Use the form YYYY-MM-DD.",
    }


def test_put_changes_the_keys_of_its_body(customer: HttpClient) -> None:
    token = token_of(customer)
    response = customer.put(PROFILE, {"phone": "1"}, content_type="application/json", headers=token)
    assert (response.json()["phone"], response.json()["first_name"]) == ("1", "Ayla")


@pytest.mark.parametrize("method", ["get", "patch"])
def test_profile_requires_a_session(method: str) -> None:
    factories.create_channel()
    assert_refused(getattr(HttpClient(), method)(PROFILE), 401, "not_authenticated")


def test_change_requires_the_csrf_token(customer: HttpClient) -> None:
    response = customer.patch(PROFILE, {}, content_type="application/json")
    assert_refused(response, 403, "csrf_failed")


@pytest.mark.parametrize("body", ["", "[]", "null", '{"phone": "1", "phone": "2"}', "{"])
def test_malformed_bodies_change_nothing(customer: HttpClient, body: str) -> None:
    token = token_of(customer)
    with nothing_written():
        response = customer.patch(PROFILE, body, content_type="application/json", headers=token)
    assert response.status_code == 400
