"""Concurrent approval and rejection of an offer (R3t): one of them wins."""

from collections.abc import Iterator
from functools import partial

import pytest
from django.db import IntegrityError, connection

from takeback.core import errors
from takeback.core.actor import ActorKind
from takeback.core.errors import Refused
from takeback.orders.models import OrderItem
from takeback.trade_in import commands
from takeback.trade_in.commands import decide_offer
from takeback.trade_in.models import Decision, TradeIn
from tests import factories
from tests.conftest import CI, LONG
from tests.rigs.races import CONSTRAINT, WON, Clients
from tests.trade_in.factories import make_offer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(0 if LONG else 600),
    pytest.mark.heavy("postgresql"),
]

REFUSED = "not_found"
MAX_ROUNDS = 100
"""A race without its guard must occur within this number of rounds."""


@pytest.fixture
def rounds(long_run: bool) -> int:
    """The number of rounds of each race."""
    return 10_000 if long_run else 15 if CI else 2


@pytest.fixture(autouse=True)
def _delete_decisions() -> Iterator[None]:
    yield
    TradeIn.objects.all().delete()


@pytest.fixture
def unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock of the order is off."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets one writer in at a time: there is no lock to switch off")
    monkeypatch.setattr(commands, "lock_orders_of", lambda item_ids: [])


@pytest.fixture
def unconstrained(unlocked: None) -> Iterator[None]:
    """The unique constraint is dropped as well: an item may have several decisions."""
    names = connection.introspection.get_constraints(connection.cursor(), "trade_in_tradein")
    [name] = [name for name, info in names.items() if info["unique"] and not info["primary_key"]]
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER TABLE trade_in_tradein DROP CONSTRAINT "{name}"')
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE trade_in_tradein")
        cursor.execute(
            f'ALTER TABLE trade_in_tradein ADD CONSTRAINT "{name}" UNIQUE (order_item_id)'
        )


def decide(item: OrderItem, decision: Decision) -> None:
    """As over HTTP: a violation of the constraint is a conflict."""
    try:
        decide_offer(item.pk, decision, 12050, by=ActorKind.GUEST, now=factories.NOW)
    except IntegrityError as error:
        raise Refused(errors.CONFLICT) from error


def opposite_decisions(item: OrderItem, clients: int) -> list["partial[None]"]:
    """Half of the clients approve, half reject."""
    both = list(Decision)
    return [partial(decide, item, both[index % 2]) for index in range(clients)]


@pytest.mark.parametrize("clients", [2, 8, 32])
def test_concurrent_decisions_approve_or_reject_but_never_both(clients: int, rounds: int) -> None:
    with Clients(clients) as racing:
        for number in range(rounds):
            item = make_offer(number=str(number))
            results = racing.race(opposite_decisions(item, clients))
            # A client with the winner's decision gets the winner's response.
            assert results == {WON: clients // 2, REFUSED: clients // 2}
            assert TradeIn.objects.filter(order_item=item).count() == 1


@pytest.mark.usefixtures("unlocked")
def test_without_the_lock_the_constraint_still_holds() -> None:
    results = set[str]()
    with Clients(8) as racing:
        for number in range(MAX_ROUNDS):
            item = make_offer(number=str(number))
            results |= set(racing.race(opposite_decisions(item, 8)))
            assert TradeIn.objects.filter(order_item=item).count() == 1
            if CONSTRAINT in results:
                break
    assert CONSTRAINT in results
    assert results <= {WON, REFUSED, CONSTRAINT}


@pytest.mark.usefixtures("unconstrained")
def test_without_lock_and_constraint_an_offer_gets_two_decisions() -> None:
    with Clients(8) as racing:
        for number in range(MAX_ROUNDS):
            item = make_offer(number=str(number))
            racing.race(opposite_decisions(item, 8))
            if TradeIn.objects.filter(order_item=item).count() > 1:
                return
    pytest.fail("the race did not occur")
