"""Signing in with a mailed code or the link beside it; strangers lock nobody out."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine

from takeback.accounts.models import OneTimeSecret, User
from takeback.outbox.models import Message
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import LOGIN, nothing_written, post
from tests.storefront.test_confirm_registration import deliver
from tests.storefront.test_registration import CURRENT_USER, register

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("frozen_now"),
    pytest.mark.allow_repeated_queries("each test sends several commands"),
]

REQUEST, CONFIRM = "/users/login/code/", "/users/login/code/confirm/"
SENT = {
    "detail": "If an account has this address, a code is on its way. It is valid for 10 minutes."
}
WRONG = {
    "non_field_errors": [
        "This code is wrong or has expired. Request a new one or open the link in the mail."
    ]
}
LINK = re.compile(r"^http\S+(/users/hand-off/\S+/)$", re.MULTILINE)
STRANGER = "203.0.113.7"


@pytest.fixture
def customer() -> User:
    """A customer with a password."""
    return factories.create_customer()


def request_code(
    email: str = factories.CUSTOMER, address: str = "127.0.0.1", **options: Any
) -> Any:
    """The request for a code."""
    return post(HttpClient(), REQUEST, {"email": email}, REMOTE_ADDR=address, **options)


def sign_in(
    code: str,
    email: str = factories.CUSTOMER,
    client: HttpClient | None = None,
    address: str = "127.0.0.1",
) -> Any:
    """The request with a code."""
    body = {"email": email, "code": code}
    return post(client or HttpClient(), CONFIRM, body, REMOTE_ADDR=address)


@pytest.fixture
def mailed_code(mailoutbox: Any) -> Any:
    """Delivers the mails, and returns the code of the last one."""

    def code() -> str:
        deliver()
        match = re.search(r"^([0-9]{6})$", mailoutbox[-1].body, re.MULTILINE)
        assert match, mailoutbox[-1].body
        return match[1]

    return code


def wrong(code: str) -> str:
    """Another code."""
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_mailed_code_signs_in(customer: User, mailed_code: Any, mailoutbox: Any) -> None:
    response = request_code(" CUSTOMER@example.com ")
    assert (response.status_code, response.json()) == (202, SENT)
    client = HttpClient()
    response = sign_in(mailed_code(), client=client)
    key = client.cookies["osessionid"].value
    assert (response.status_code, response.json()) == (200, {"key": key, "redirect_url": None})
    assert client.get(CURRENT_USER).json()["pk"] == customer.pk
    assert mailoutbox[0].subject == "Your sign-in code for shop 1"
    assert mailoutbox[0].to == [factories.CUSTOMER]


def test_code_works_once(customer: User, mailed_code: Any) -> None:
    request_code()
    code = mailed_code()
    assert sign_in(code).status_code == 200
    response = sign_in(code)
    assert (response.status_code, response.json()) == (400, WRONG)


def test_code_may_contain_spaces(customer: User, mailed_code: Any) -> None:
    request_code()
    code = mailed_code()
    assert sign_in(f" {code[:3]} {code[3:]} ").status_code == 200


def test_customer_without_password_signs_in_with_a_code(mailed_code: Any) -> None:
    user = factories.create_customer(password="!")
    order = factories.create_order(guest=factories.CUSTOMER)
    request_code()
    client = HttpClient()
    assert sign_in(mailed_code(), client=client).status_code == 200
    assert client.get(CURRENT_USER).json()["pk"] == user.pk
    # The code confirms nothing else: guest orders stay as they are.
    order.refresh_from_db()
    assert order.user_type == "guest"


def test_code_expires_after_ten_minutes(
    customer: User, mailed_code: Any, frozen_now: datetime
) -> None:
    request_code()
    code = mailed_code()
    with time_machine.travel(frozen_now + timedelta(minutes=10), tick=False):
        assert sign_in(code).json() == WRONG


def test_message_that_waited_too_long_sends_nothing(
    customer: User, frozen_now: datetime, mailoutbox: Any
) -> None:
    request_code()
    with time_machine.travel(frozen_now + timedelta(minutes=10), tick=False):
        deliver()
    assert mailoutbox == []
    assert not OneTimeSecret.objects.exists()


def test_five_wrong_codes_end_a_code(customer: User, mailed_code: Any) -> None:
    request_code()
    code = mailed_code()
    assert [sign_in(wrong(code)).status_code for _ in range(5)] == [400] * 5
    assert sign_in(code).json() == WRONG


def test_twenty_wrong_codes_a_day_block_codes(customer: User, frozen_now: datetime) -> None:
    returned = [sign_in("123456").status_code for _ in range(21)]
    unknown = [sign_in("123456", "unknown@example.com").status_code for _ in range(21)]
    assert returned == unknown == [400] * 20 + [429]
    response = sign_in("123456")
    text = "Too many wrong codes. Open the link in the e-mail, or try again later."
    assert response.json() == {"non_field_errors": [text]}
    assert response["Retry-After"] == "86400"


def test_fourth_request_of_an_hour_sends_no_mail(
    customer: User, mailoutbox: Any, frozen_now: datetime
) -> None:
    for email in (factories.CUSTOMER, "unknown@example.com"):
        assert [request_code(email).status_code for _ in range(4)] == [202] * 4
    assert Message.objects.count() == 6
    deliver()
    assert len(mailoutbox) == 3
    with time_machine.travel(frozen_now + timedelta(hours=1), tick=False):
        request_code()
        deliver()
    assert len(mailoutbox) == 4


@pytest.mark.parametrize(
    "email", ["unknown@example.com", "guest@example.com", "pending@example.com", "off@example.com"]
)
def test_addresses_without_an_account_get_the_same_response(
    email: str, customer: User, mailoutbox: Any, django_assert_num_queries: Any
) -> None:
    factories.create_order()
    factories.create_customer(email="off@example.com", is_active=False)
    register(email="pending@example.com")
    deliver()
    mailoutbox.clear()
    responses = []
    for address in (factories.CUSTOMER, email):
        with django_assert_num_queries(6):
            response = request_code(address)
        responses.append((response.status_code, response.json()))
    assert responses == [(202, SENT)] * 2
    deliver()
    assert [mail.to for mail in mailoutbox] == [[factories.CUSTOMER]]
    # Checking a code takes the same queries, too.
    assert OneTimeSecret.objects.count() == 2
    for address in (factories.CUSTOMER, email):
        with django_assert_num_queries(4):
            assert sign_in("000000", address).json() == WRONG


def test_hundred_requests_an_hour_block_a_client_address(customer: User) -> None:
    returned = [
        request_code(f"{number}@example.com", STRANGER).status_code for number in range(101)
    ]
    assert returned == [202] * 100 + [429]
    assert request_code(address="198.51.100.1").status_code == 202


def test_storefront_servers_have_no_limit_per_address(customer: User, settings: Any) -> None:
    settings.STOREFRONT_SERVERS = ["203.0.113.0/24"]
    for number in range(101):
        assert request_code(f"{number}@example.com", STRANGER).status_code == 202


def test_wrong_passwords_do_not_block_codes(customer: User, mailed_code: Any) -> None:
    body = {"email": factories.CUSTOMER, "password": "wrong"}
    assert [post(HttpClient(), LOGIN, body).status_code for _ in range(11)][-1] == 429
    request_code()
    assert sign_in(mailed_code()).status_code == 200


def test_wrong_codes_do_not_block_passwords(customer: User) -> None:
    for _ in range(21):
        sign_in("123456")
    body = {"email": factories.CUSTOMER, "password": factories.PASSWORD}
    assert post(HttpClient(), LOGIN, body).status_code == 200


def test_a_stranger_who_uses_up_all_limits_leaves_a_way_in(
    customer: User, mailoutbox: Any, frozen_now: datetime
) -> None:
    for _ in range(11):
        post(HttpClient(), LOGIN, {"email": factories.CUSTOMER, "password": "wrong"})
    for _ in range(4):
        request_code(address=STRANGER)
    deliver()
    for _ in range(21):
        sign_in("123456", address=STRANGER)
    assert sign_in("123456").status_code == 429
    assert len(mailoutbox) == 3
    # The mails that the stranger has requested hold links for the owner, valid for an hour.
    last_second = frozen_now + timedelta(minutes=59, seconds=59)
    with time_machine.travel(last_second, tick=False):
        path = LINK.findall(mailoutbox[0].body)[0]
        client = HttpClient()
        assert client.post(path).status_code == 303
        assert client.get(CURRENT_USER).json()["pk"] == customer.pk


def test_sign_in_ends_the_links_of_earlier_mails(customer: User, mailoutbox: Any) -> None:
    request_code()
    request_code()
    deliver()
    first, second = (LINK.findall(mail.body)[0] for mail in mailoutbox)
    assert HttpClient().post(first).status_code == 303
    with nothing_written():
        assert [HttpClient().post(path).status_code for path in (first, second)] == [400, 400]


def test_link_expires_after_an_hour(customer: User, mailoutbox: Any, frozen_now: datetime) -> None:
    request_code()
    deliver()
    path = LINK.findall(mailoutbox[0].body)[0]
    with time_machine.travel(frozen_now + timedelta(hours=1, seconds=1), tick=False):
        assert HttpClient().post(path).status_code == 400


@pytest.mark.parametrize(
    ("path", "body", "errors"),
    [
        (REQUEST, {}, {"email": ["This field is required."]}),
        (REQUEST, {"email": ["a"]}, {"email": ["Not a valid string."]}),
        (
            CONFIRM,
            {"email": "x", "code": 123456},
            {
                "email": ["Enter a valid email address."],
                "code": ["Not a valid string."],
            },
        ),
        (CONFIRM, {"email": "a@b.example", "code": ""}, {"code": ["This field may not be blank."]}),
    ],
)
def test_field_errors_are_lists(path: str, body: Any, errors: Any) -> None:
    with nothing_written():
        response = post(HttpClient(), path, body)
    assert (response.status_code, response.json()) == (400, errors)


def test_customer_of_another_channel_gets_no_mail(mailoutbox: Any) -> None:
    factories.create_channel()
    factories.create_customer(channel_id=2)
    request_code()
    deliver()
    assert mailoutbox == []
