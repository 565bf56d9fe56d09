"""An alarm when half of a limit is used up: once per window and kind of bucket."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from takeback.accounts.sign_in import attempt, login_buckets
from takeback.core.errors import Refused
from takeback.limits.commands import Bucket, count, forget_alarms, increment, key_of, take_alarms
from takeback.limits.commands import raise_alarms as raise_for
from takeback.limits.models import Counter
from takeback.shoppers.guest_lookup import find_guest_order
from tests import factories
from tests.factories import NOW
from tests.storefront.api import look_up

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("frozen_now"),
    pytest.mark.allow_repeated_queries("each test counts several hits"),
]


def bucket(name: str = "jane@example.com", allowed: int = 4, kind: str = "kind") -> Bucket:
    """A bucket whose key hashes a name."""
    return Bucket(key_of(kind, name), allowed, 60)


def warnings(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The alarms in the log."""
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    return [
        {key: line[key] for key in ("limit", "allowed", "window_seconds", "level")}
        for line in lines
        if line["event"] == "limit_half_used"
    ]


ALARM = {"limit": "kind", "allowed": 4, "window_seconds": 60, "level": "warning"}


def test_half_of_a_limit_raises_one_alarm(capfd: pytest.CaptureFixture[str]) -> None:
    count([bucket()], NOW)
    assert (warnings(capfd), take_alarms()) == ([], {})
    count([bucket()], NOW)
    assert (warnings(capfd), take_alarms()) == ([ALARM], {"kind": 1})
    for _ in range(2):
        count([bucket()], NOW)
    with pytest.raises(Refused):
        count([bucket()], NOW)
    assert (warnings(capfd), take_alarms()) == ([], {})


def test_buckets_of_one_kind_raise_one_alarm_per_window(
    capfd: pytest.CaptureFixture[str],
) -> None:
    for name in ("a", "b"):
        for _ in range(2):
            count([bucket(name)], NOW)
    assert warnings(capfd) == [ALARM]
    for _ in range(2):
        count([bucket("c")], NOW + timedelta(seconds=60))
    assert warnings(capfd) == [ALARM]
    assert take_alarms() == {"kind": 2}


def test_kinds_raise_their_own_alarms() -> None:
    for kind in ("one", "two"):
        count([bucket(kind=kind, allowed=1)], NOW)
    assert take_alarms() == {"one": 1, "two": 1}


def test_alarm_of_another_process_is_not_repeated(capfd: pytest.CaptureFixture[str]) -> None:
    count([bucket(allowed=1)], NOW)
    forget_alarms()
    count([bucket("other", allowed=1)], NOW)
    assert (len(warnings(capfd)), take_alarms()) == (1, {})


def test_limit_of_zero_raises_no_alarm() -> None:
    raise_for([bucket(allowed=0)], increment([bucket(allowed=0)], NOW), NOW)
    assert take_alarms() == {}


def test_alarm_is_stored_and_logged_without_the_name(capfd: pytest.CaptureFixture[str]) -> None:
    count([bucket(allowed=1)], NOW)
    assert "jane" not in capfd.readouterr().out
    assert Counter.objects.filter(key="alarm:kind").exists()


def test_right_password_raises_no_alarm() -> None:
    buckets = login_buckets("login-email", "jane@example.com", "192.0.2.1")
    for _ in range(4):
        attempt(buckets, lambda: False, NOW)
    attempt(buckets, lambda: True, NOW)
    assert take_alarms() == {}
    attempt(buckets, lambda: False, NOW)
    assert take_alarms() == {"login-email": 1}


def find(email: str, address: str) -> None:
    """A look-up without a request, after which the metrics would take the alarms."""
    find_guest_order(factories.SHOP, factories.NUMBER, email, address=address, now=NOW)


def test_failed_look_ups_raise_the_alarms_of_number_and_shop(settings: Any) -> None:
    settings.LOOKUP_FAILURES_PER_SHOP = 8
    factories.create_order()
    alarms: list[dict[str, int]] = []
    for n in range(4):
        with pytest.raises(Refused):
            find(f"e{n}@example.com", address=f"192.0.2.{n}")
        alarms.append(dict(take_alarms()))
    assert alarms == [{}, {}, {"lookup-number": 1}, {"lookup-shop": 1}]


def test_right_look_ups_raise_no_alarm() -> None:
    factories.create_order()
    for _ in range(12):
        find(factories.GUEST, "192.0.2.1")
    assert take_alarms() == {}


def test_alarms_are_a_metric(client: Client) -> None:
    before = metric(client)
    for n in range(3):
        look_up(email=f"e{n}@example.com", address=f"192.0.2.{n}")
    assert metric(client) == before + 1


def metric(client: Client) -> float:
    """The alarms of order numbers on the page of the metrics."""
    pattern = r'^takeback_limit_alarms_total{limit="lookup-number"} ([0-9.]+)$'
    match = re.search(pattern, client.get("/metrics").text, re.MULTILINE)
    return float(match[1]) if match else 0.0
