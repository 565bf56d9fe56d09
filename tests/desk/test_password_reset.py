"""Staff set a new password by a mailed link, and strangers cannot lock them out."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail

from takeback.accounts.models import ApiKey, User
from takeback.accounts.staff import issue_login_key
from takeback.accounts.staff_passwords import reset_password, reset_token
from takeback.handlers.staff_mails import send_password_reset_mails
from takeback.outbox.models import Message
from takeback.outbox.worker import Delivery
from tests import factories
from tests.desk.agents import PASSWORD, browser_of, member, page_of, send
from tests.factories import HttpClient
from tests.rigs.races import Clients
from tests.storefront.api import nothing_written

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("frozen_now"),
    pytest.mark.allow_repeated_queries("tests deliver mails and read users between requests"),
]

RESET, LOGIN = "/desk/password-reset", "/desk/login"
NEW = "another-long-password"
SENT = "If there is a staff account with this name or address"


def ada(email: str = "ada@shop.example") -> User:
    user = member()
    User.objects.filter(pk=user.pk).update(email=email, email_key=email)
    return User.objects.select_related("staff").get(pk=user.pk)


def deliver() -> list[str]:
    """Deliver the waiting mails; their links."""
    mail.outbox.clear()
    for message in Message.objects.filter(done_at=None).order_by("pk"):
        send_password_reset_mails(Delivery(message.key, message.payload))
    Message.objects.all().delete()
    links = [re.findall(r"http\S+", str(sent.body)) for sent in mail.outbox]
    return [link.removeprefix("http://127.0.0.1:8000") for of_mail in links for link in of_mail]


def set_password(client: HttpClient, link: str, password: str = NEW, again: str = "") -> Any:
    return send(client, link, new_password=password, repeated_password=again or password)


@pytest.mark.parametrize("name", ["ada", "ada@shop.example", "ADA@Shop.Example"])
def test_mailed_link_sets_the_password_once(name: str) -> None:
    user, client = ada(), HttpClient()
    signed_in = browser_of(user)
    issue_login_key(user, factories.NOW)

    assert SENT in page_of(send(client, RESET, name=name))
    [link] = deliver()
    assert mail.outbox[0].to == ["ada@shop.example"]
    with nothing_written():
        assert client.get(link).status_code == 200

    response = set_password(client, link)

    assert (response.status_code, response["Location"]) == (303, f"{LOGIN}?done=reset")
    assert "Your password has been changed." in page_of(client.get(response["Location"]))
    assert set_password(client, link, "a-third-password").status_code == 404
    assert "already used" in page_of(client.get(link))
    assert send(client, LOGIN, username="ada", password=PASSWORD).status_code == 400
    assert send(client, LOGIN, username="ada", password=NEW).status_code == 303
    assert signed_in.get("/desk/").status_code == 303
    assert ApiKey.objects.get().revoked_at == factories.NOW


@pytest.mark.parametrize("name", ["nobody", "nobody@shop.example", "customer", "bea", "ada"])
def test_other_names_get_the_same_answer_and_no_mail(name: str) -> None:
    ada(email="")
    factories.create_customer(username="customer", email="c@shop.example")
    User.objects.filter(pk=member("bea").pk).update(is_active=False, email="bea@shop.example")

    page = page_of(send(HttpClient(), RESET, name=name))

    assert SENT in page
    assert "ask an administrator" in page
    assert Message.objects.count() == 1
    assert deliver() == []


def test_link_ends_after_an_hour_and_with_the_password() -> None:
    user = ada()
    link = f"{RESET}/{reset_token(user)}"
    with time_machine.travel(factories.NOW + timedelta(minutes=59), tick=False):
        assert HttpClient().get(link).status_code == 200
    with time_machine.travel(factories.NOW + timedelta(hours=1, seconds=1), tick=False):
        assert HttpClient().get(link).status_code == 404
    User.objects.filter(pk=user.pk).update(password="!")
    assert HttpClient().get(link).status_code == 404


@pytest.mark.parametrize("token", ["x", "1.x.y", "9" * 40, "..", "ü", "1.1.1"])
def test_invalid_link_is_a_page_that_offers_a_new_one(token: str) -> None:
    with nothing_written():
        for response in (
            HttpClient().get(f"{RESET}/{token}"),
            set_password(HttpClient(), f"{RESET}/{token}"),
        ):
            assert response.status_code == 404
            assert "Request a new link" in page_of(response)


@pytest.mark.parametrize(
    ("password", "again", "message"),
    [
        ("short", "", "Use at least 8 characters"),
        ("password1", "", "too common"),
        (NEW, "another", "Enter the same password twice."),
        ("", "", "This field is required."),
        ("x" * 5000, "", "Ensure this value has at most"),
    ],
)
def test_weak_or_mistyped_password_is_refused(password: str, again: str, message: str) -> None:
    link = f"{RESET}/{reset_token(ada())}"
    with nothing_written():
        response = set_password(HttpClient(), link, password, again)
    assert response.status_code == 400
    assert message in page_of(response)
    assert "<title>Error: " in page_of(response)


def test_fourth_request_for_a_name_sends_no_mail() -> None:
    ada()
    for _ in range(5):
        assert SENT in page_of(send(HttpClient(), RESET, name="ada"))
    links = deliver()
    assert len(links) == 3
    assert set_password(HttpClient(), links[0]).status_code == 303


def test_twenty_first_request_of_a_network_waits() -> None:
    for number in range(20):
        assert send(HttpClient(), RESET, name=f"n{number}").status_code == 200
    response = send(HttpClient(), RESET, name="ada")
    assert (response.status_code, response["Retry-After"]) == (429, "3600")
    assert "Wait 1 hour, then try again." in page_of(response)


def test_reset_by_mail_signs_in_while_a_stranger_guesses() -> None:
    user, client = ada(), HttpClient()
    for _ in range(11):
        response = send(HttpClient(), LOGIN, username="ada", password="x")
    assert response.status_code == 429

    assert set_password(client, f"{RESET}/{reset_token(user)}").status_code == 303

    assert send(client, LOGIN, username="ada", password=NEW).status_code == 303


def test_reset_ends_the_limits_that_strangers_have_reached() -> None:
    user = ada()
    for number in range(120):
        network = f"198.51.100.{number % 12}"
        send(HttpClient(REMOTE_ADDR=network), LOGIN, username="ada", password="x")
    assert send(HttpClient(), LOGIN, username="ada", password=PASSWORD).status_code == 429

    assert set_password(HttpClient(), f"{RESET}/{reset_token(user)}").status_code == 303

    assert send(HttpClient(), LOGIN, username="ada", password=NEW).status_code == 303


def test_known_device_signs_in_while_a_stranger_guesses() -> None:
    ada()
    known = HttpClient()
    assert send(known, LOGIN, username="ada", password=PASSWORD).status_code == 303
    for _ in range(11):
        response = send(HttpClient(), LOGIN, username="ada", password="x")
    assert response.status_code == 429

    assert send(known, LOGIN, username="ada", password=PASSWORD).status_code == 303

    for _ in range(10):
        assert send(known, LOGIN, username="ada", password="x").status_code == 400
    assert send(known, LOGIN, username="ada", password=PASSWORD).status_code == 429


def test_known_device_of_another_user_is_no_known_device() -> None:
    ada()
    member("bea")
    client = HttpClient()
    assert send(client, LOGIN, username="bea", password=PASSWORD).status_code == 303
    for _ in range(10):
        assert send(client, LOGIN, username="ada", password="x").status_code == 400
    assert send(HttpClient(), LOGIN, username="ada", password=PASSWORD).status_code == 429


def test_one_network_does_not_fill_the_bucket_of_the_name() -> None:
    ada()
    for _ in range(120):
        send(HttpClient(REMOTE_ADDR="198.51.100.7"), LOGIN, username="ada", password="x")

    assert send(HttpClient(), LOGIN, username="ada", password=PASSWORD).status_code == 303


def test_guesses_from_many_networks_are_bounded() -> None:
    ada()
    statuses = [
        send(
            HttpClient(REMOTE_ADDR=f"198.51.100.{number % 20}"), LOGIN, username="ada", password="x"
        ).status_code
        for number in range(120)
    ]
    assert [statuses.count(400), statuses.count(429)] == [100, 20]


@pytest.mark.django_db(transaction=True)
def test_link_used_twice_at_once_sets_one_password() -> None:
    token = reset_token(ada())
    done: list[bool] = []

    def act(password: str) -> None:
        done.append(reset_password(token, password, factories.NOW, network="192.0.2.1") is not None)

    with Clients(2) as clients:
        clients.race([lambda: act("one-long-password"), lambda: act("two-long-password")])

    assert sorted(done) == [False, True]
