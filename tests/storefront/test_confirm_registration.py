"""The mailed link that confirms the address of a registration, and whose account it becomes."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings

from takeback.accounts.models import Channel, Session, User
from takeback.addresses.models import Address
from takeback.handlers.account_mails import HANDLERS
from takeback.orders.models import Order
from takeback.outbox.models import Message
from takeback.outbox.worker import Delivery
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import LOGIN, look_up, nothing_written, post
from tests.storefront.test_registration import CURRENT_USER, EMAIL, PASSWORD, register

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("frozen_now", "channel"),
    pytest.mark.allow_repeated_queries("each test sends several commands"),
]

PATH = "/users/registration/account-confirm-email/"
XHR = {"X-Requested-With": "XMLHttpRequest"}
LINK = re.compile(rf"^(http\S+){PATH}([A-Za-z0-9._~-]+)/$", re.MULTILINE)
GONE = "This link has expired, was already used or is incomplete."
NOT_VALID = {
    "detail": f"{GONE} If you have confirmed the address already, sign in. Otherwise register "
    "again.",
    "code": "link_not_valid",
}
DONE = {"detail": "Your e-mail address is confirmed. You can sign in now."}


@pytest.fixture
def channel() -> Channel:
    """The channel of the storefront."""
    return factories.create_channel()


def deliver() -> None:
    """Deliver all messages about customers, as the worker does."""
    for message in Message.objects.filter(topic__startswith="customer.", done_at=None):
        HANDLERS[message.topic](Delivery(message.key, message.payload))
    Message.objects.all().delete()


@pytest.fixture
def token_of_registration(mailoutbox: Any) -> Any:
    """Registers, delivers the mail, and returns the token in it."""

    def token(client: HttpClient | None = None, **fields: Any) -> str:
        assert register(client, **fields).status_code == 201
        deliver()
        match = LINK.search(mailoutbox[-1].body)
        assert match, mailoutbox[-1].body
        return match[2]

    return token


def confirm(token: str, **headers: str) -> Any:
    """The request that a storefront sends when its page opens."""
    return HttpClient().get(f"{PATH}{token}/", headers=XHR | headers)


def account() -> User:
    """The registered customer of the address."""
    return User.objects.get(user_type=User.REGISTERED, email_key=EMAIL)


def test_mail_names_the_shop_and_the_person(
    channel: Channel, mailoutbox: Any, token_of_registration: Any
) -> None:
    token_of_registration()
    (mail,) = mailoutbox
    assert mail.to == [EMAIL]
    assert mail.subject == "Confirm your e-mail address for shop 1"
    assert "Zeynep Kanarya has registered at shop 1 with this e-mail address." in mail.body
    assert "If you did not register, do not open the link" in mail.body
    assert LINK.search(mail.body)[1] == settings.SITE_URL  # type: ignore[index]  # it matches


def test_link_leads_to_the_storefront_of_the_channel(
    channel: Channel, mailoutbox: Any, token_of_registration: Any
) -> None:
    Channel.objects.update(storefront_url="https://shop.example/")
    token_of_registration()
    assert f"\nhttps://shop.example{PATH}" in mailoutbox[0].body


@pytest.mark.parametrize("name", ["Win https://x.example", "50% off", "a" * 61, "a@b.example"])
def test_mail_quotes_no_advertisement(name: str, mailoutbox: Any) -> None:
    register(first_name=name, last_name="")
    deliver()
    assert "Someone has registered at shop 1" in mailoutbox[0].body
    assert name not in mailoutbox[0].body


def test_link_makes_the_pending_customer_the_account(token_of_registration: Any) -> None:
    client = HttpClient()
    token = token_of_registration(client)
    pk = client.get(CURRENT_USER).json()["pk"]
    response = confirm(token)
    assert (response.status_code, response.json()) == (200, DONE)
    assert account().pk == pk
    assert client.get(CURRENT_USER).json()["pk"] == pk
    login = post(HttpClient(), LOGIN, {"email": EMAIL, "password": PASSWORD})
    assert login.status_code == 200


def test_link_works_once(token_of_registration: Any) -> None:
    token = token_of_registration()
    assert confirm(token).status_code == 200
    with nothing_written():
        response = confirm(token)
    assert (response.status_code, response.json()) == (400, NOT_VALID)


@pytest.mark.parametrize(
    "token", ["x", "1", "1.2.3", "9" * 40, "%00", "a,b", "😀", "..", "1..", "-1.a.b"]
)
def test_damaged_link_is_refused(token: str) -> None:
    with nothing_written():
        response = confirm(token)
    assert (response.status_code, response.json()) == (400, NOT_VALID)


def test_changed_or_foreign_token_is_refused(token_of_registration: Any) -> None:
    first, second = token_of_registration(), token_of_registration(email="b@example.com")
    swapped = second.partition(".")[0] + "." + first.partition(".")[2]
    with nothing_written():
        for token in (swapped, first[:-1] + ("A" if first[-1] != "A" else "B"), first[:-1]):
            assert confirm(token).json() == NOT_VALID


def test_link_expires_after_seven_days(frozen_now: datetime, token_of_registration: Any) -> None:
    token = token_of_registration()
    week = timedelta(days=7)
    with time_machine.travel(frozen_now + week + timedelta(seconds=1), tick=False):
        assert confirm(token).json() == NOT_VALID
    with time_machine.travel(frozen_now + week, tick=False):
        assert confirm(token).json() == DONE


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Accept": "text/html"},
        {"Accept": "application/json"},
        {"X-Requested-With": "fetch"},
        XHR | {"Purpose": "prefetch"},
        XHR | {"Sec-Purpose": "prefetch;prerender"},
        XHR | {"X-Moz": "prefetch"},
    ],
    ids=str,
)
def test_visit_shows_a_button_and_changes_nothing(
    headers: dict[str, str], token_of_registration: Any
) -> None:
    token = token_of_registration()
    with nothing_written():
        response = HttpClient().get(f"{PATH}{token}/", headers=headers)
    page = response.content.decode()
    assert (response.status_code, response["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "Did you register?" in page
    assert '<form method="post">' in page
    assert EMAIL not in page


def test_page_posts_to_our_host_only(token_of_registration: Any) -> None:
    response = HttpClient().get(f"{PATH}{token_of_registration()}/")
    assert set(response["Content-Security-Policy"].split("; ")) == {
        "default-src 'none'",
        "frame-ancestors 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
    }
    assert response["Referrer-Policy"] == "no-referrer"
    assert response["Cache-Control"] == "no-store"


def test_head_request_changes_nothing(token_of_registration: Any) -> None:
    token = token_of_registration()
    with nothing_written():
        assert HttpClient().head(f"{PATH}{token}/", headers=XHR).status_code == 200


def test_button_confirms_once(token_of_registration: Any) -> None:
    token = token_of_registration()
    client = HttpClient(enforce_csrf_checks=True)
    first, second = client.post(f"{PATH}{token}/"), client.post(f"{PATH}{token}/")
    assert (first.status_code, second.status_code) == (200, 400)
    assert DONE["detail"] in first.content.decode()
    assert GONE in second.content.decode()
    assert account().user_type == User.REGISTERED


def test_page_of_a_used_link_has_no_button(token_of_registration: Any) -> None:
    token = token_of_registration()
    confirm(token)
    response = HttpClient().get(f"{PATH}{token}/")
    assert response.status_code == 400
    assert "<form" not in response.content.decode()


def test_address_with_an_account_gets_a_hint_instead_of_a_link(mailoutbox: Any) -> None:
    owner = factories.create_customer(email=EMAIL)
    before = User.objects.values().get(pk=owner.pk)
    register()
    deliver()
    (mail,) = mailoutbox
    assert mail.subject == "You already have an account at shop 1"
    assert not LINK.search(mail.body)
    assert User.objects.values().get(pk=owner.pk) == before


@pytest.mark.parametrize("fields", [{}, {"password": "!", "is_active": False}])
def test_an_account_is_never_taken_over(fields: dict[str, Any], token_of_registration: Any) -> None:
    token = token_of_registration()
    factories.create_customer(email=EMAIL, **fields)
    with nothing_written():
        assert confirm(token).json() == NOT_VALID


def test_customer_without_password_takes_the_registration_over(
    frozen_now: datetime, token_of_registration: Any
) -> None:
    known = factories.create_customer(
        email=EMAIL, password="!", last_name="Own", phone="1", channel_code="C-1"
    )
    order = factories.create_order(customer=known)
    client = HttpClient()
    token = token_of_registration(client, first_name="Typed", last_name="", phone="")
    pending = User.objects.get(user_type=User.PENDING)
    address = factories.create_address(user=pending)
    assert confirm(token).json() == DONE
    user = account()
    assert (user.pk, user.channel_code, user.phone) == (known.pk, "C-1", "1")
    assert (user.first_name, user.last_name, user.first_name_key) == ("Typed", "Own", "typed")
    assert (user.email_allowed, user.password) == (True, pending.password)
    assert not User.objects.filter(pk=pending.pk).exists()
    assert client.get(CURRENT_USER).json()["pk"] == known.pk
    assert [row["number"] for row in client.get("/users/orders/").json()["results"]] == [
        order.number
    ]
    assert Address.objects.get(pk=address.pk).user_id == known.pk
    # The session keeps its new owner when it is saved again.
    look_up(client, headers={"X-CSRFToken": client.get("/csrf_token/").json()["csrf_token"]})
    assert [session.user_id for session in Session.objects.all()] == [known.pk]


def test_address_that_the_account_has_already_is_not_moved(token_of_registration: Any) -> None:
    known = factories.create_customer(email=EMAIL, password="!")
    factories.create_address(user=known, primary=True)
    token = token_of_registration()
    pending = User.objects.get(user_type=User.PENDING)
    factories.create_address(user=pending, primary=True)
    other = factories.create_address(
        user=pending, title="Work", line="Short Street 2", primary=True
    )
    assert confirm(token).json() == DONE
    book = Address.objects.filter(user=known).order_by("id")
    assert [(row.title, row.primary) for row in book] == [("Home", True), ("Work", False)]
    assert Address.objects.get(pk=other.pk).user_id == known.pk


def test_guest_orders_join_the_account(frozen_now: datetime, token_of_registration: Any) -> None:
    order = factories.create_order(guest="Zeynep@Example.com", now=frozen_now - timedelta(days=9))
    factories.create_order(guest="other@example.com", number="2")
    factories.create_channel(pk=2)
    factories.create_order(guest=EMAIL, channel_id=2, number="3")
    before = frozen_now - timedelta(days=9)
    Order.objects.filter(pk=order.pk).update(modified_date=before)
    guest_id = order.user_id
    client = HttpClient()
    assert confirm(token_of_registration(client)).json() == DONE
    joined = Order.objects.get(pk=order.pk)
    assert (joined.user_id, joined.user_type) == (account().pk, "registered")
    assert joined.modified_date > before  # feeds show the new owner
    assert joined.is_finalized
    assert joined.shipping_address.user_id == account().pk
    assert [row["number"] for row in client.get("/users/orders/").json()["results"]] == [
        order.number
    ]
    assert User.objects.get(pk=guest_id).user_type == User.GUEST
    assert Order.objects.filter(user_type="guest").count() == 2
    assert look_up(email=EMAIL).status_code == 400


def test_first_link_ends_the_others(token_of_registration: Any) -> None:
    stranger, owner = HttpClient(), HttpClient()
    first = token_of_registration(stranger, password="Other-Way-1907")
    second = token_of_registration(owner)
    assert confirm(second).json() == DONE
    # Also if the address becomes free again.
    User.objects.filter(user_type=User.REGISTERED).update(email_key="moved@example.com")
    with nothing_written():
        assert confirm(first).json() == NOT_VALID
    # The stranger's session shows no difference.
    assert stranger.get(CURRENT_USER).json()["email"] == EMAIL


def test_link_of_a_changed_address_is_refused(token_of_registration: Any) -> None:
    token = token_of_registration()
    User.objects.update(email="b@example.com", email_key="b@example.com")
    assert confirm(token).json() == NOT_VALID
