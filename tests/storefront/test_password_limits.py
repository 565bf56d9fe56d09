"""Wrong passwords of strangers keep no customer out."""

import re
from typing import Any

import pytest

from takeback.accounts.models import User
from takeback.shoppers.password_links import reset_token
from tests import factories
from tests.factories import CUSTOMER, PASSWORD, HttpClient
from tests.storefront.api import LOGIN, post
from tests.storefront.test_confirm_registration import deliver

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("frozen_now"),
    pytest.mark.allow_repeated_queries("each test sends several requests"),
]

NEW = "another-long-password"


@pytest.fixture
def customer() -> User:
    """A customer for whom strangers of eleven networks have entered wrong passwords."""
    user = factories.create_customer()
    returned = [sign_in("wrong", f"198.51.100.{n}").status_code for n in range(11)]
    assert returned == [400] * 10 + [429]
    return user


def sign_in(password: str, address: str = "192.0.2.1") -> Any:
    """The request with a password."""
    body = {"email": CUSTOMER, "password": password}
    return post(HttpClient(), LOGIN, body, REMOTE_ADDR=address)


def test_blocked_password_is_not_looked_at_and_names_the_code(customer: User) -> None:
    right, wrong = sign_in(PASSWORD), sign_in("wrong")

    text = "Too many attempts. Sign in with a code sent by e-mail, or try again later."
    assert (right.status_code, right.json()) == (429, {"non_field_errors": [text]})
    assert right["X-Takeback-Code-Url"] == "/users/login/code/"
    assert (wrong.status_code, wrong.content) == (right.status_code, right.content)


def test_code_signs_in_above_the_limit_of_passwords(customer: User, mailoutbox: Any) -> None:
    route = sign_in(PASSWORD)["X-Takeback-Code-Url"]
    post(HttpClient(), route, {"email": CUSTOMER})
    deliver()
    code = re.findall(r"^[0-9]{6}$", mailoutbox[0].body, re.MULTILINE)[0]

    response = post(HttpClient(), f"{route}confirm/", {"email": CUSTOMER, "code": code})
    assert response.status_code == 200


def test_new_password_signs_in_above_the_limit_of_passwords(customer: User) -> None:
    body = {"new_password1": NEW, "new_password2": NEW}
    headers = {"X-Requested-With": "XMLHttpRequest"}
    response = post(HttpClient(), f"/users/reset/{reset_token(customer)}", body, headers=headers)
    assert response.status_code == 200, response.content

    assert sign_in(NEW).status_code == 200


def test_session_stays_signed_in_above_the_limit_of_passwords(customer: User) -> None:
    assert factories.client_of(customer).get("/current_user/").status_code == 200
