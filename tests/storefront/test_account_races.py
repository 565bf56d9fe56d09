"""Concurrent confirmations, codes and tokens: one of them wins."""

from collections import Counter as Tally
from collections.abc import Callable
from functools import partial

import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection

from takeback.accounts.customer_input import CustomerIn
from takeback.accounts.models import OneTimeSecret, Session, User
from takeback.core import clock, errors
from takeback.core.errors import Refused
from takeback.limits.models import Counter
from takeback.orders.commands.ingest import ingest_order
from takeback.orders.models import Order
from takeback.outbox.models import Message
from takeback.shoppers.commands import confirm_registration as confirm_command
from takeback.shoppers.commands import sign_in_links
from takeback.shoppers.commands.confirm_registration import confirm_registration
from takeback.shoppers.commands.hand_off import accept_token, issue_sign_in_token
from takeback.shoppers.commands.register import register
from takeback.shoppers.commands.sign_in_codes import accept_code, issue_code, request_code
from takeback.shoppers.confirmation_links import token_of
from tests import factories
from tests.conftest import CI
from tests.rigs.races import CONSTRAINT, WON, Clients

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(600),
    pytest.mark.allow_repeated_queries("each round sends several commands"),
]

ROUNDS = 10 if CI else 3
EMAIL = "zeynep@example.com"


def attempt(act: Callable[[], object]) -> None:
    """Run an act that returns a falsy value if it changes nothing."""
    if not act():
        raise Refused(errors.NOT_FOUND)


def pending() -> User:
    """A new pending customer of the address."""
    return factories.create_customer(
        email=EMAIL, user_type=User.PENDING, password=make_password("Long-Way-1907")
    )


@pytest.fixture(autouse=True)
def _channel() -> None:
    factories.create_channel()


def clean() -> None:
    """Delete what a round has created, except orders."""
    for model in (Session, OneTimeSecret, Counter, Message):
        model.objects.all().delete()
    User.objects.filter(order__isnull=True).delete()


def confirm(user: User) -> None:
    """Open the link of a pending customer."""
    attempt(partial(confirm_registration, token_of(user), now=clock.now()))


def test_first_of_two_confirmations_wins() -> None:
    with Clients(2) as clients:
        for _ in range(ROUNDS):
            users = [pending(), pending()]
            outcome = clients.race([partial(confirm, user) for user in users])
            assert outcome == {WON: 1, "not_found": 1}
            assert Tally(User.objects.values_list("user_type", flat=True)) == {
                "registered": 1,
                "pending": 1,
            }
            clean()


def test_one_link_opened_twice_confirms_once() -> None:
    with Clients(4) as clients:
        for _ in range(ROUNDS):
            user = pending()
            known = factories.create_customer(email=EMAIL, password="!")
            assert clients.race([partial(confirm, user)] * 4) == {WON: 1, "not_found": 3}
            known.refresh_from_db()
            assert known.password == user.password
            clean()


def test_without_the_lock_the_database_refuses_a_second_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets one writer in at a time: there is no lock to switch off")
    monkeypatch.setattr(confirm_command, "lock_channel", lambda channel_id: None)
    outcomes: Tally[str] = Tally()
    with Clients(2) as clients:
        for _ in range(50):
            users = [pending(), pending()]
            outcomes += clients.race([partial(confirm, user) for user in users])
            assert User.objects.filter(user_type="registered").count() == 1
            clean()
            if outcomes[CONSTRAINT]:
                return
    pytest.fail(f"the race did not occur: {outcomes}")


def test_guest_order_that_arrives_meanwhile_loses_no_part() -> None:
    order = factories.order_input(customer=CustomerIn(email=EMAIL))
    with Clients(2) as clients:
        user = pending()

        def ingest() -> None:
            ingest_order(factories.SHOP, order, source="channel", now=clock.now())

        assert clients.race([partial(confirm, user), ingest]) == {WON: 2}
    stored = Order.objects.select_related("user").get()
    assert stored.user_type == stored.user.user_type
    assert stored.is_finalized


def test_two_registrations_of_one_address_are_both_accepted() -> None:
    def act() -> None:
        data = {"email": EMAIL, "password": "Long-Way-1907"}
        register(factories.SHOP, data, language="en", address="127.0.0.1", now=clock.now())

    with Clients(4) as clients:
        assert clients.race([act] * 4) == {WON: 4}
    assert User.objects.filter(user_type="pending").count() == 4
    assert Message.objects.count() == 3


def test_token_of_the_shop_is_accepted_once() -> None:
    user = factories.create_customer()
    with Clients(4) as clients:
        for _ in range(ROUNDS):
            token = issue_sign_in_token(factories.SHOP, user.pk, now=clock.now())
            assert token
            act = partial(accept_token, factories.SHOP, token.token, now=clock.now())
            assert clients.race([partial(attempt, act)] * 4) == {WON: 1, "not_found": 3}


def test_mailed_link_is_accepted_once() -> None:
    user = factories.create_customer()
    with Clients(4) as clients:
        for _ in range(ROUNDS):
            user.refresh_from_db()
            token = sign_in_links.token_of(user)
            act = partial(accept_token, factories.SHOP, token, now=clock.now())
            assert clients.race([partial(attempt, act)] * 4) == {WON: 1, "not_found": 3}


def test_code_is_accepted_once() -> None:
    factories.create_customer()
    now = clock.now()
    request_code(factories.SHOP, factories.CUSTOMER, language="en", address="::1", now=now)
    with Clients(4) as clients:
        for _ in range(ROUNDS):
            code = issue_code(Message.objects.get().payload["secret"], clock.now())
            act = partial(
                accept_code,
                factories.SHOP,
                factories.CUSTOMER,
                code,
                address="::1",
                now=clock.now(),
            )
            assert clients.race([partial(attempt, act)] * 4) == {WON: 1, "not_found": 3}
            Counter.objects.all().delete()
