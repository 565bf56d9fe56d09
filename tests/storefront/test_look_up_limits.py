"""Promise P24 at the look-up and the login: who is counted, under what, and for how long."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection

from takeback.limits.models import Counter
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import LOGIN, look_up, post, refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock() -> Any:
    """Time that moves only when told to."""
    with time_machine.travel(factories.NOW, tick=False) as traveller:
        yield traveller


def statuses(count: int, **told: Any) -> list[int]:
    """The answers to this many look-ups; `{n}` in a value is their number."""
    return [
        look_up(**{k: v.format(n=n) for k, v in told.items()}).status_code for n in range(count)
    ]


def fresh(**told: str) -> dict[str, str]:
    """A pair that fails and shares nothing with any other."""
    return {"number": "n{n}", "email": "e{n}@example.com"} | told


@pytest.mark.usefixtures("clock")
def test_calls_that_another_limit_refused_count_for_their_address_all_the_same() -> None:
    statuses(5, number="n", email="e{n}@example.com", address="192.0.2.{n}")
    waits = [look_up(number="n", address="198.51.100.1")["Retry-After"] for _ in range(11)]

    assert waits == ["900"] * 10 + ["60"]


@pytest.mark.usefixtures("clock")
def test_an_address_may_look_up_ten_times_a_minute_right_or_wrong() -> None:
    factories.create_order()

    assert statuses(5, number=factories.NUMBER) == [200] * 5
    assert statuses(5, **fresh()) == [400] * 5
    assert statuses(2, number=factories.NUMBER) == [429] * 2
    assert statuses(1, number=factories.NUMBER, address="192.0.2.1") == [200]


def test_the_minute_of_an_address_ends(clock: Any) -> None:
    assert statuses(11, **fresh()) == [400] * 10 + [429]
    clock.shift(timedelta(seconds=59))
    assert look_up(number="x", email="x@example.com")["Retry-After"] == "1"
    clock.shift(timedelta(seconds=1))
    assert statuses(1, **fresh()) == [400]


def test_the_hour_of_an_address_ends(clock: Any) -> None:
    for minute in range(4):
        assert statuses(10, **fresh(number=f"{minute}-{{n}}")) == [400] * 10
        clock.shift(timedelta(minutes=1))
    answer = look_up(number="x", email="x@example.com")

    refused(answer, 429, "too_many_requests")
    assert answer["Retry-After"] == "3360"
    clock.shift(timedelta(seconds=3360))
    assert statuses(1, **fresh()) == [400]


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
def test_no_header_gives_a_caller_another_address(header: dict[str, str]) -> None:
    # T17
    found = []
    for number in range(11):
        told = {name: value.format(n=number) for name, value in header.items()}
        answer = look_up(
            number=f"{number}", email=f"{number}@example.com", address="192.0.2.7", headers=told
        )
        found.append(answer.status_code)

    assert found == [400] * 10 + [429]


@pytest.mark.usefixtures("clock")
def test_behind_a_trusted_proxy_the_address_that_it_saw_counts(settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1

    def through(forwarded: str) -> int:
        number = Counter.objects.count()
        answer = look_up(
            number=f"{number}",
            email=f"{number}@example.com",
            headers={"X-Forwarded-For": forwarded},
        )
        return int(answer.status_code)

    assert [through(f"10.0.0.{n}, 198.51.100.1") for n in range(11)] == [400] * 10 + [429]
    assert through("198.51.100.1, 198.51.100.2") == 400


@pytest.mark.usefixtures("clock")
def test_addresses_of_one_ipv6_network_share_their_limit() -> None:
    assert statuses(10, **fresh(address="2001:db8:1:2::{n}")) == [400] * 10
    assert statuses(1, **fresh(address="2001:db8:1:2:ffff::1", number="y")) == [429]
    assert statuses(1, **fresh(address="2001:db8:1:3::1", number="z")) == [400]


@pytest.mark.usefixtures("clock")
def test_an_ipv4_address_in_ipv6_is_the_ipv4_address() -> None:
    assert statuses(5, **fresh(address="192.0.2.5")) == [400] * 5
    assert statuses(6, **fresh(address="::ffff:192.0.2.5", number="m{n}")) == [400] * 5 + [429]


@pytest.mark.usefixtures("clock")
def test_a_storefront_s_server_has_no_limit_of_its_own(settings: Any) -> None:
    settings.STOREFRONT_SERVERS = ["192.0.2.0/28"]

    assert statuses(45, **fresh(address="192.0.2.3")) == [400] * 45
    assert statuses(11, **fresh(address="192.0.2.99", number="o{n}")) == [400] * 10 + [429]


@pytest.mark.usefixtures("clock")
def test_a_number_may_fail_five_times_from_anywhere_and_its_own_guest_is_then_out_too() -> None:
    # L23, L24
    factories.create_order()
    found = statuses(7, number=factories.NUMBER, email="e{n}@example.com", address="192.0.2.{n}")

    assert found == [400] * 5 + [429] * 2
    answer = look_up(address="198.51.100.1")
    refused(answer, 429, "too_many_requests")
    assert answer["Retry-After"] == "900"


def test_the_number_is_open_again_after_a_quarter_of_an_hour(clock: Any) -> None:
    factories.create_order()
    statuses(6, number=factories.NUMBER, email="e{n}@example.com", address="192.0.2.{n}")

    clock.shift(timedelta(seconds=899))
    assert look_up().status_code == 429
    clock.shift(timedelta(seconds=1))
    assert look_up().status_code == 200


def test_an_address_may_fail_ten_times_an_hour_whatever_the_numbers(clock: Any) -> None:
    factories.create_order()
    told = {"number": "n{n}", "email": factories.GUEST, "address": "192.0.2.{n}"}

    assert statuses(11, **told) == [400] * 10 + [429]
    assert look_up().status_code == 429
    clock.shift(timedelta(hours=1))
    assert look_up().status_code == 200


@pytest.mark.usefixtures("clock")
def test_writing_an_address_in_capitals_does_not_get_around_its_limit() -> None:
    statuses(10, number="n{n}", email=factories.GUEST, address="192.0.2.{n}")

    assert look_up(number="m", email=factories.GUEST.upper()).status_code == 429


@pytest.mark.usefixtures("clock")
def test_success_costs_the_number_and_the_address_nothing() -> None:
    # L23: nobody is kept out by somebody else's success.
    factories.create_order()

    assert statuses(30, number=factories.NUMBER, address="192.0.2.{n}") == [200] * 30


@pytest.mark.usefixtures("clock")
def test_a_shop_as_a_whole_has_a_last_brake(settings: Any) -> None:
    settings.LOOKUP_FAILURES_PER_SHOP = 20
    factories.create_order()
    told = fresh(address="192.0.2.{n}")

    assert statuses(25, **told) == [400] * 20 + [429] * 5
    assert look_up(address="198.51.100.1").status_code == 429


@pytest.mark.usefixtures("clock")
def test_counting_up_the_numbers_ends_at_the_limit_of_the_address() -> None:
    # L22
    factories.create_order(number="1000", guest="e5@example.com")
    neighbours = statuses(1_000 // 20, number="10{n}", email="e@example.com", address="192.0.2.8")

    assert neighbours[:10] == [400] * 10
    assert set(neighbours[10:]) == {429}


def test_a_failed_call_that_a_client_repeats_at_once_counts_once(clock: Any) -> None:
    factories.create_order()
    for try_number in range(5):
        for _ in range(4):
            answer = look_up(email=f"e{try_number}@example.com", address=f"192.0.2.{try_number}")
            assert answer.status_code == 400
            clock.shift(timedelta(seconds=1))
    repeated = [look_up(email="e4@example.com", address="192.0.2.4").status_code for _ in range(3)]

    assert repeated == [400] * 3
    assert look_up(email="e9@example.com", address="192.0.2.9").status_code == 429


def test_the_same_failure_counts_again_after_fifteen_seconds(clock: Any) -> None:
    factories.create_order()
    found = []
    for _ in range(6):
        found.append(look_up(email="e@example.com", address="192.0.2.1").status_code)
        clock.shift(timedelta(seconds=15))

    assert found == [400] * 5 + [429]


def test_the_limiter_may_be_switched_off_for_measurements(settings: Any) -> None:
    settings.LIMITS_ENABLED = False
    factories.create_order()

    assert statuses(12, number=factories.NUMBER) == [200] * 12
    assert statuses(2, **fresh()) == [400] * 2
    assert Counter.objects.count() == 0


@pytest.mark.usefixtures("clock")
def test_ten_wrong_passwords_close_an_account_for_a_while_to_the_right_one_too() -> None:
    factories.create_customer()
    wrong = {"email": factories.CUSTOMER, "password": "wrong"}
    found = [post(HttpClient(), LOGIN, wrong).status_code for _ in range(11)]
    answer = post(
        HttpClient(), LOGIN, {"email": factories.CUSTOMER, "password": factories.PASSWORD}
    )

    assert found == [400] * 10 + [429]
    refused(answer, 429, "too_many_requests")
    assert answer["Retry-After"] == "900"


@pytest.mark.usefixtures("clock")
def test_an_account_that_is_not_there_is_closed_just_the_same() -> None:
    wrong = {"email": "nobody@example.com", "password": "wrong"}

    assert [post(HttpClient(), LOGIN, wrong).status_code for _ in range(11)] == [400] * 10 + [429]


@pytest.mark.django_db(transaction=True)
def test_of_sixty_four_tries_at_once_exactly_five_are_looked_at() -> None:
    # L25
    factories.create_order()

    def attempt(number: int) -> int:
        try:
            answer = look_up(email=f"e{number}@example.com", address=f"192.0.2.{number}")
            return int(answer.status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(64) as threads:
        found = sorted(threads.map(attempt, range(64)))

    assert found == [400] * 5 + [429] * 59
