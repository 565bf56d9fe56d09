"""The owner of an order is served under thousands of hostile look-ups; guessing stays hard."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine

from takeback.core.errors import Refused
from takeback.limits.models import Counter
from takeback.orders import queries
from takeback.shoppers import guest_lookup
from takeback.shoppers.commands import order_codes
from takeback.shoppers.guest_lookup import LOOK_UP_BLOCKED, LOOKUP_FAILED, find_guest_order
from tests import factories
from tests.factories import GUEST, NOW, NUMBER, SHOP
from tests.storefront.test_confirm_registration import deliver

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.thorough,
    pytest.mark.timeout(1_800),  # the long form sends ten thousand look-ups
    pytest.mark.allow_repeated_queries("each test sends thousands of commands"),
]

OWNER = "192.0.2.1"
LOOKED_AT_PER_HOUR = {"number": 20, "email": 10, "shop": 2_000}
"""Pairs that an attacker with any number of networks gets looked at, as before the code route."""


@pytest.fixture
def look_ups(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The pairs that are looked at."""
    rows: list[Any] = []
    guest_order = queries.guest_order

    def counted(**pair: Any) -> Any:
        rows.append(pair)
        return guest_order(**pair)

    monkeypatch.setattr(guest_lookup, "guest_order", counted)
    return rows


def hostile_pair(kind: str, n: int) -> tuple[str, str]:
    """A wrong pair that names the owner's number, their e-mail address, or neither."""
    number = NUMBER if kind == "number" else f"n{n}"
    return number, GUEST if kind == "email" else f"e{n}@example.com"


def attack(kind: str, count: int) -> Iterator[datetime]:
    """Hostile look-ups of an hour, each from another network; yields three moments."""
    for n in range(count):
        now = NOW + timedelta(hours=1) * n / count
        number, email = hostile_pair(kind, n)
        address = f"2001:db8:{n:x}::1"
        with pytest.raises(Refused) as refused:
            find_guest_order(SHOP, number, email, address=address, now=now)
        assert refused.value.problem in {LOOKUP_FAILED, LOOK_UP_BLOCKED}
        if n % (count // 3) == count // 3 - 1:
            yield now


def serve_owner(now: datetime, mailoutbox: Any) -> str:
    """How the owner opens the order: by the pair, else by a mailed code."""
    try:
        find_guest_order(SHOP, NUMBER, GUEST, address=OWNER, now=now)
    except Refused as refused:
        problem = refused.problem
    else:
        return "pair"
    assert problem is LOOK_UP_BLOCKED
    with time_machine.travel(now, tick=False):
        order_codes.request_code(SHOP, NUMBER, language="en", address=OWNER, now=now)
        deliver()
    code = re.findall(r"^[0-9]{6}$", mailoutbox[-1].body, re.MULTILINE)[0]
    assert order_codes.accept_code(SHOP, NUMBER, code, address=OWNER, now=now).number == NUMBER
    return "code"


@pytest.mark.parametrize("kind", ["number", "email", "shop"])
def test_owner_is_served_under_hostile_look_ups(
    kind: str, mailoutbox: Any, look_ups: list[Any], settings: Any, long_run: bool
) -> None:
    count = 10_000 if long_run else 400
    allowed = LOOKED_AT_PER_HOUR[kind]
    if kind == "shop" and not long_run:
        allowed = settings.LOOKUP_FAILURES_PER_SHOP = 100
    order = factories.create_order()

    served = []
    for now in attack(kind, count):
        served.append(serve_owner(now, mailoutbox))
        granted = find_guest_order(SHOP, NUMBER, GUEST, address=OWNER, granted=[order.pk], now=now)
        assert granted.id == order.pk

    assert served == ["code"] * 3
    looked_at = [pair for pair in look_ups if pair["email_key"] != GUEST or kind == "email"]
    assert len(looked_at) == allowed


@pytest.mark.parametrize("known", ["number", "none"])
def test_stranger_with_codes_guesses_twenty_a_day(known: str, long_run: bool) -> None:
    count = 10_000 if long_run else 400
    factories.create_order()
    number = NUMBER if known == "number" else "unknown"
    looked_at = 0
    for n in range(count):
        now = NOW + timedelta(hours=24) * n / count
        with pytest.raises(Refused) as refused:
            order_codes.accept_code(SHOP, number, f"{n:06}", address=f"2001:db8:{n:x}::1", now=now)
        looked_at += refused.value.problem is order_codes.CODE_WRONG
    assert looked_at == 20
    assert Counter.objects.filter(key__startswith="order-code-day:").get().hits == count
