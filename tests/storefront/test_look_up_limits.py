"""Promise P24: the limits of look-up and login, what they count and when they expire."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection

from takeback.core.errors import Refused
from takeback.limits.models import Counter
from takeback.shoppers.guest_lookup import find_guest_order
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import LOGIN, assert_look_up_blocked, look_up, post

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock() -> Any:
    """A clock that only moves when the test shifts it."""
    with time_machine.travel(factories.NOW, tick=False) as traveller:
        yield traveller


def statuses(count: int, **pair: Any) -> list[int]:
    """The statuses of this many look-ups; `{n}` in a value is the number of the look-up."""
    return [
        look_up(**{k: v.format(n=n) for k, v in pair.items()}).status_code for n in range(count)
    ]


def unique_pair(**changes: str) -> dict[str, str]:
    """A pair that fails and has no part in common with others."""
    return {"number": "n{n}", "email": "e{n}@example.com"} | changes


@pytest.mark.usefixtures("clock")
def test_requests_refused_by_another_limit_count_for_their_address() -> None:
    statuses(5, number="n", email="e{n}@example.com", address="192.0.2.{n}")
    waits = [look_up(number="n", address="198.51.100.1")["Retry-After"] for _ in range(11)]

    assert waits == ["900"] * 10 + ["60"]


@pytest.mark.usefixtures("clock")
def test_address_can_fail_ten_times_a_minute() -> None:
    factories.create_order()

    assert statuses(5, number=factories.NUMBER) == [200] * 5
    assert statuses(10, **unique_pair()) == [400] * 10
    assert statuses(2, number=factories.NUMBER) == [429] * 2
    assert statuses(1, number=factories.NUMBER, address="192.0.2.1") == [200]


def test_limit_per_minute_expires(clock: Any) -> None:
    assert statuses(11, **unique_pair()) == [400] * 10 + [429]
    clock.shift(timedelta(seconds=59))
    assert look_up(number="x", email="x@example.com")["Retry-After"] == "1"
    clock.shift(timedelta(seconds=1))
    assert statuses(1, **unique_pair()) == [400]


def test_limit_per_hour_expires(clock: Any) -> None:
    for minute in range(4):
        assert statuses(10, **unique_pair(number=f"{minute}-{{n}}")) == [400] * 10
        clock.shift(timedelta(minutes=1))
    response = look_up(number="x", email="x@example.com")

    assert_look_up_blocked(response)
    assert response["Retry-After"] == "3360"
    clock.shift(timedelta(seconds=3360))
    assert statuses(1, **unique_pair()) == [400]


@pytest.mark.usefixtures("clock")
def test_failures_of_an_email_address_count_in_each_shop_alone() -> None:
    """Addresses differ, so that only the failures of the e-mail address count."""
    factories.create_channel(pk=1)
    factories.create_channel(pk=2)

    def problem(channel_id: int, number: int) -> str:
        address = f"192.0.2.{channel_id * 20 + number}"
        with pytest.raises(Refused) as refusal:
            find_guest_order(
                channel_id, f"n{number}", "jane@example.com", address=address, now=factories.NOW
            )
        return refusal.value.problem.code

    assert [problem(1, number) for number in range(11)] == [
        *["order_lookup_100_1"] * 10,
        "too_many_requests",
    ]
    assert [problem(2, number) for number in range(11)] == [
        *["order_lookup_100_1"] * 10,
        "too_many_requests",
    ]


HEADERS = [
    {"X-Forwarded-For": "203.0.113.{n}"},
    {"X-Forwarded-For": "203.0.113.{n}, 198.51.100.{n}"},
    {"X_Forwarded_For": "203.0.113.{n}"},
    {"Forwarded": "for=203.0.113.{n}"},
    {"X-Real-IP": "203.0.113.{n}"},
    {"X-HttpClient-IP": "203.0.113.{n}"},
    {"True-HttpClient-IP": "203.0.113.{n}"},
    {"CF-Connecting-IP": "203.0.113.{n}"},
    {"X-Originating-IP": "203.0.113.{n}"},
    {"X-Remote-Addr": "203.0.113.{n}"},
    {"X-Cluster-HttpClient-IP": "203.0.113.{n}"},
    {"Via": "1.1 203.0.113.{n}"},
    {"Remote-Addr": "203.0.113.{n}"},
]


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("header", HEADERS, ids=lambda header: next(iter(header)))
def test_headers_do_not_change_the_client_address(header: dict[str, str]) -> None:
    returned = []
    for number in range(11):
        headers = {name: value.format(n=number) for name, value in header.items()}
        response = look_up(
            number=f"{number}", email=f"{number}@example.com", address="192.0.2.7", headers=headers
        )
        returned.append(response.status_code)

    assert returned == [400] * 10 + [429]


@pytest.mark.usefixtures("clock")
def test_address_from_a_trusted_proxy_counts(settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1

    def through(forwarded: str) -> int:
        number = Counter.objects.count()
        response = look_up(
            number=f"{number}",
            email=f"{number}@example.com",
            headers={"X-Forwarded-For": forwarded},
        )
        return int(response.status_code)

    assert [through(f"10.0.0.{n}, 198.51.100.1") for n in range(11)] == [400] * 10 + [429]
    assert through("198.51.100.1, 198.51.100.2") == 400


@pytest.mark.usefixtures("clock")
def test_addresses_of_one_ipv6_network_share_a_limit() -> None:
    assert statuses(10, **unique_pair(address="2001:db8:1:2::{n}")) == [400] * 10
    assert statuses(1, **unique_pair(address="2001:db8:1:2:ffff::1", number="y")) == [429]
    assert statuses(1, **unique_pair(address="2001:db8:1:3::1", number="z")) == [400]


@pytest.mark.usefixtures("clock")
def test_mapped_ipv4_address_counts_as_ipv4() -> None:
    assert statuses(5, **unique_pair(address="192.0.2.5")) == [400] * 5
    assert statuses(6, **unique_pair(address="::ffff:192.0.2.5", number="m{n}")) == [400] * 5 + [
        429
    ]


@pytest.mark.usefixtures("clock")
def test_storefront_server_has_no_limit_per_address(settings: Any) -> None:
    settings.STOREFRONT_SERVERS = ["192.0.2.0/28"]

    assert statuses(45, **unique_pair(address="192.0.2.3")) == [400] * 45
    assert statuses(11, **unique_pair(address="192.0.2.99", number="o{n}")) == [400] * 10 + [429]


@pytest.mark.usefixtures("clock")
def test_five_failures_block_a_number_for_all() -> None:
    factories.create_order()
    returned = statuses(7, number=factories.NUMBER, email="e{n}@example.com", address="192.0.2.{n}")

    assert returned == [400] * 5 + [429] * 2
    response = look_up(address="198.51.100.1")
    assert_look_up_blocked(response)
    assert response["Retry-After"] == "900"


def test_block_of_a_number_expires_after_fifteen_minutes(clock: Any) -> None:
    factories.create_order()
    statuses(6, number=factories.NUMBER, email="e{n}@example.com", address="192.0.2.{n}")

    clock.shift(timedelta(seconds=899))
    assert look_up().status_code == 429
    clock.shift(timedelta(seconds=1))
    assert look_up().status_code == 200


def test_ten_failures_block_an_e_mail_address_for_an_hour(clock: Any) -> None:
    factories.create_order()
    pair = {"number": "n{n}", "email": factories.GUEST, "address": "192.0.2.{n}"}

    assert statuses(11, **pair) == [400] * 10 + [429]
    assert look_up().status_code == 429
    clock.shift(timedelta(hours=1))
    assert look_up().status_code == 200


@pytest.mark.usefixtures("clock")
def test_case_of_an_e_mail_address_is_irrelevant_to_its_limit() -> None:
    statuses(10, number="n{n}", email=factories.GUEST, address="192.0.2.{n}")

    assert look_up(number="m", email=factories.GUEST.upper()).status_code == 429


@pytest.mark.usefixtures("clock")
def test_successful_look_ups_do_not_count_as_failures() -> None:
    # A success of one visitor does not block others.
    factories.create_order()

    assert statuses(30, number=factories.NUMBER, address="192.0.2.{n}") == [200] * 30


@pytest.mark.usefixtures("clock")
def test_failures_of_a_shop_are_limited(settings: Any) -> None:
    settings.LOOKUP_FAILURES_PER_SHOP = 20
    factories.create_order()
    pair = unique_pair(address="192.0.2.{n}")

    assert statuses(25, **pair) == [400] * 20 + [429] * 5
    assert look_up(address="198.51.100.1").status_code == 429


@pytest.mark.usefixtures("clock")
def test_enumerating_numbers_stops_at_the_limit_of_the_address() -> None:
    factories.create_order(number="1000", guest="e5@example.com")
    neighbours = statuses(1_000 // 20, number="10{n}", email="e@example.com", address="192.0.2.8")

    assert neighbours[:10] == [400] * 10
    assert set(neighbours[10:]) == {429}


def test_failure_repeated_at_once_counts_once(clock: Any) -> None:
    factories.create_order()
    for try_number in range(5):
        for _ in range(4):
            response = look_up(email=f"e{try_number}@example.com", address=f"192.0.2.{try_number}")
            assert response.status_code == 400
            clock.shift(timedelta(seconds=1))
    repeated = [look_up(email="e4@example.com", address="192.0.2.4").status_code for _ in range(3)]

    assert repeated == [400] * 3
    assert look_up(email="e9@example.com", address="192.0.2.9").status_code == 429


def test_same_failure_counts_again_after_fifteen_seconds(clock: Any) -> None:
    factories.create_order()
    returned = []
    for _ in range(6):
        returned.append(look_up(email="e@example.com", address="192.0.2.1").status_code)
        clock.shift(timedelta(seconds=15))

    assert returned == [400] * 5 + [429]


def test_setting_disables_the_limits(settings: Any) -> None:
    settings.LIMITS_ENABLED = False
    factories.create_order()

    assert statuses(12, number=factories.NUMBER) == [200] * 12
    assert statuses(2, **unique_pair()) == [400] * 2
    assert Counter.objects.count() == 0


@pytest.mark.usefixtures("clock")
def test_ten_wrong_passwords_block_the_account() -> None:
    factories.create_customer()
    wrong = {"email": factories.CUSTOMER, "password": "wrong"}
    returned = [post(HttpClient(), LOGIN, wrong).status_code for _ in range(11)]
    response = post(
        HttpClient(), LOGIN, {"email": factories.CUSTOMER, "password": factories.PASSWORD}
    )

    assert returned == [400] * 10 + [429]
    # Login pages join lists: they would take `detail` for a field.
    text = "Too many attempts. Sign in with a code sent by e-mail, or try again later."
    assert response["X-Takeback-Code-Url"] == "/users/login/code/"
    assert (response.status_code, response.json()) == (429, {"non_field_errors": [text]})
    assert response["Retry-After"] == "900"


@pytest.mark.usefixtures("clock")
def test_unknown_account_is_blocked_like_a_known_one() -> None:
    wrong = {"email": "nobody@example.com", "password": "wrong"}

    assert [post(HttpClient(), LOGIN, wrong).status_code for _ in range(11)] == [400] * 10 + [429]


@pytest.mark.django_db(transaction=True)
def test_limit_is_exact_for_64_concurrent_attempts() -> None:
    factories.create_order()

    def attempt(number: int) -> int:
        try:
            response = look_up(email=f"e{number}@example.com", address=f"192.0.2.{number}")
            return int(response.status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(64) as threads:
        returned = sorted(threads.map(attempt, range(64)))

    assert returned == [400] * 5 + [429] * 59
