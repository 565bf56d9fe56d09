"""Approve against reject at the same instant (R3t): one of them wins."""

from collections.abc import Iterator
from functools import partial

import pytest
from django.db import IntegrityError, connection

from takeback.core import errors
from takeback.core.actor import ActorKind
from takeback.core.errors import Refused
from takeback.orders.models import OrderItem
from takeback.trade_in import commands
from takeback.trade_in.commands import decide
from takeback.trade_in.models import TradeIn
from takeback.trade_in.statuses import Decision
from tests import factories
from tests.conftest import CI, LONG
from tests.rigs.races import CONSTRAINT, WON, Clients
from tests.trade_in.offers import make_offer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(0 if LONG else 600),
    pytest.mark.heavy("postgresql"),
]

ANSWERED = "not_found"
UNTIL_SEEN = 100
"""A race whose guard is off must show itself within so many rounds."""


@pytest.fixture
def rounds(long_run: bool) -> int:
    """How often each race is run."""
    return 10_000 if long_run else 15 if CI else 2


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    TradeIn.objects.all().delete()


@pytest.fixture
def unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for anybody: the order's lock is off."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets one writer in at a time: there is no lock to switch off")
    monkeypatch.setattr(commands, "lock_orders_of", lambda item_ids: [])


@pytest.fixture
def unconstrained(unlocked: None) -> Iterator[None]:
    """The last line is down, too: a line may have several answers."""
    names = connection.introspection.get_constraints(connection.cursor(), "trade_in_tradein")
    [name] = [name for name, told in names.items() if told["unique"] and not told["primary_key"]]
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER TABLE trade_in_tradein DROP CONSTRAINT "{name}"')
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE trade_in_tradein")
        cursor.execute(
            f'ALTER TABLE trade_in_tradein ADD CONSTRAINT "{name}" UNIQUE (order_item_id)'
        )


def answer(item: OrderItem, decision: Decision) -> None:
    """As over HTTP: a lost race that only the constraint saw is a conflict."""
    try:
        decide(item.pk, decision, 12050, by=ActorKind.GUEST, now=factories.NOW)
    except IntegrityError as error:
        raise Refused(errors.CONFLICT) from error


def answering(item: OrderItem, clients: int) -> list["partial[None]"]:
    """Half of them approve, half reject."""
    both = list(Decision)
    return [partial(answer, item, both[index % 2]) for index in range(clients)]


@pytest.mark.parametrize("clients", [2, 8, 32])
def test_approved_or_rejected_but_never_both(clients: int, rounds: int) -> None:
    with Clients(clients) as racing:
        for number in range(rounds):
            item = make_offer(number=str(number))
            came_to = racing.race(answering(item, clients))
            # Who says the same as the winner is told the same.
            assert came_to == {WON: clients // 2, ANSWERED: clients // 2}
            assert TradeIn.objects.filter(order_item=item).count() == 1


@pytest.mark.usefixtures("unlocked")
def test_without_the_lock_the_constraint_alone_still_holds() -> None:
    seen = set[str]()
    with Clients(8) as racing:
        for number in range(UNTIL_SEEN):
            item = make_offer(number=str(number))
            seen |= set(racing.race(answering(item, 8)))
            assert TradeIn.objects.filter(order_item=item).count() == 1
            if CONSTRAINT in seen:
                break
    assert CONSTRAINT in seen
    assert seen <= {WON, ANSWERED, CONSTRAINT}


@pytest.mark.usefixtures("unconstrained")
def test_without_lock_and_constraint_an_offer_gets_two_answers() -> None:
    with Clients(8) as racing:
        for number in range(UNTIL_SEEN):
            item = make_offer(number=str(number))
            racing.race(answering(item, 8))
            if TradeIn.objects.filter(order_item=item).count() > 1:
                return
    pytest.fail("the race did not show itself")
