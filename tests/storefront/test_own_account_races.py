"""Concurrent uses of reset links and e-mail changes: one of them wins."""

from collections.abc import Callable
from functools import partial

import pytest
from pytest_django import Settings

from takeback.accounts.models import EmailChange, User
from takeback.core import clock, errors
from takeback.core.errors import Refused
from takeback.outbox.models import Message
from takeback.shoppers.commands.change_email import confirm_email_change, request_email_change
from takeback.shoppers.commands.set_password import change_password, reset_password
from takeback.shoppers.email_change_links import email_change_link
from takeback.shoppers.password_links import reset_token, user_of_token
from tests import factories
from tests.conftest import CI
from tests.rigs.races import WON, Clients

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(600),
    pytest.mark.allow_repeated_queries("each round sends several commands"),
]

ROUNDS = 10 if CI else 3
NEW = "new@example.com"


def attempt(act: Callable[[], object]) -> None:
    """Run an act that returns a falsy value if it changes nothing."""
    if not act():
        raise Refused(errors.NOT_FOUND)


def reset(token: str, password: str) -> None:
    """Set a password by a link, as the page does."""
    user = user_of_token(token)
    attempt(lambda: user and reset_password(user, password, clock.now()))


def test_link_used_at_once_sets_one_password_and_sends_one_mail() -> None:
    user = factories.create_customer()
    with Clients(4) as clients:
        for _ in range(ROUNDS):
            user.refresh_from_db()
            token = reset_token(user)
            passwords = [f"Long-Way-{number}" for number in range(4)]
            outcome = clients.race([partial(reset, token, password) for password in passwords])
            assert outcome == {WON: 1, "not_found": 3}
            assert Message.objects.count() == 1
            Message.objects.all().delete()


def test_two_changes_with_one_old_password_set_one() -> None:
    factories.create_customer()
    with Clients(2) as clients:
        for _ in range(ROUNDS):
            readers = [User.objects.get(), User.objects.get()]
            acts = [
                partial(change_password, user, "Long-Way-1", session_key=None, now=clock.now())
                for user in readers
            ]
            outcome = clients.race([partial(attempt, act) for act in acts])
            assert outcome == {WON: 1, "not_found": 1}


def token_for(email: str) -> str:
    """A link that gives this customer the new address."""
    user = factories.create_customer(email=email)
    request_email_change(user, NEW, clock.now())
    change = EmailChange.objects.select_related("user__channel").get(user=user)
    return email_change_link(change).strip("/").rpartition("/")[2]


def confirm(token: str) -> None:
    """Open the link to a new address."""
    attempt(lambda: confirm_email_change(token, clock.now()))


def test_one_of_two_customers_gets_an_address(settings: Settings) -> None:
    settings.LIMITS_ENABLED = False  # each round sends mails to the address
    with Clients(2) as clients:
        for _ in range(ROUNDS):
            tokens = [token_for(email) for email in ("a@example.com", "b@example.com")]
            outcome = clients.race([partial(confirm, token) for token in tokens])
            assert outcome == {WON: 1, "not_found": 1}
            assert User.objects.filter(email=NEW).count() == 1
            User.objects.all().delete()
            # SQLite gives the next change the same id, and so the same key.
            Message.objects.all().delete()


def test_one_link_opened_at_once_changes_the_address_once() -> None:
    token = token_for("a@example.com")
    with Clients(4) as clients:
        assert clients.race([partial(confirm, token)] * 4) == {WON: 1, "not_found": 3}
    assert Message.objects.filter(topic="customer.email_changed").count() == 1
