"""Floods of registrations: limits per client address, per shop and of mails per address."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine

from takeback.accounts.customers import prune_pending
from takeback.accounts.models import Session, User
from takeback.outbox.models import Message
from tests import factories
from tests.storefront.api import nothing_written
from tests.storefront.test_registration import EMAIL, register

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("frozen_now", "shop"),
    pytest.mark.allow_repeated_queries("each test sends several commands"),
]

STRANGER = "203.0.113.7"
TOO_MANY = {"non_field_errors": ["Too many attempts. Please try again later."]}


@pytest.fixture
def shop() -> None:
    """The channel of the storefront."""
    factories.create_channel()


def test_client_address_is_limited_to_twenty_an_hour(frozen_now: datetime) -> None:
    returned = [
        register(address=STRANGER, email=f"{number}@example.com").status_code
        for number in range(20)
    ]
    assert returned == [201] * 20
    with nothing_written():
        response = register(address=STRANGER)
    assert (response.status_code, response.json()) == (429, TOO_MANY)
    assert response["Retry-After"] == "3600"
    assert register(address="198.51.100.1").status_code == 201
    with time_machine.travel(frozen_now + timedelta(hours=1), tick=False):
        assert register(address=STRANGER).status_code == 201


def test_storefront_servers_have_no_limit_per_address(settings: Any) -> None:
    settings.REGISTRATIONS_PER_ADDRESS = 1
    settings.STOREFRONT_SERVERS = ["203.0.113.0/24"]
    assert [register(address=STRANGER).status_code for _ in range(3)] == [201] * 3


def test_shop_is_limited(settings: Any) -> None:
    settings.REGISTRATIONS_PER_SHOP = 2
    addresses = [f"198.51.100.{number}" for number in range(3)]
    responses = [register(address=address) for address in addresses]
    assert [response.status_code for response in responses] == [201, 201, 429]
    assert responses[-1].json() == TOO_MANY


def test_refused_client_address_uses_up_nothing_of_the_shop(settings: Any) -> None:
    settings.REGISTRATIONS_PER_ADDRESS, settings.REGISTRATIONS_PER_SHOP = 1, 2
    returned = [register(address=STRANGER).status_code for _ in range(5)]
    assert returned == [201] + [429] * 4
    assert register(address="198.51.100.1").status_code == 201


@pytest.mark.parametrize("is_known", [True, False])
def test_fourth_registration_of_an_address_sends_no_mail(*, is_known: bool) -> None:
    if is_known:
        factories.create_customer(email=EMAIL)
    assert [register(email=EMAIL.upper()).status_code for _ in range(4)] == [201] * 4
    assert Message.objects.count() == 3
    assert User.objects.filter(user_type=User.PENDING).count() == 4


def test_limits_can_be_turned_off(settings: Any) -> None:
    settings.LIMITS_ENABLED = False
    settings.REGISTRATIONS_PER_ADDRESS = settings.REGISTRATIONS_PER_SHOP = 0
    assert register().status_code == 201
    assert Message.objects.count() == 1


def test_missing_channel_is_refused(settings: Any) -> None:
    settings.STOREFRONT_CHANNEL = 77
    with nothing_written():
        response = register()
    assert (response.status_code, response.json()) == (404, {"non_field_errors": ["Not found."]})


def test_pending_customers_are_deleted_after_seven_days(frozen_now: datetime) -> None:
    register(email="old@example.com")
    factories.create_address(user=User.objects.get(user_type=User.PENDING))
    factories.create_customer(date_joined=frozen_now)
    week = timedelta(days=7)
    with time_machine.travel(frozen_now + timedelta(seconds=1), tick=False):
        register(email="new@example.com")
    assert prune_pending(frozen_now + week - timedelta(seconds=1)) == 0
    assert [prune_pending(frozen_now + week), prune_pending(frozen_now + week)] == [1, 0]
    emails = User.objects.order_by("email").values_list("email", flat=True)
    assert list(emails) == [factories.CUSTOMER, "new@example.com"]
    assert Session.objects.count() == 1
