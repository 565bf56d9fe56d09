"""Of several clients that change the same version of an item or order at once, one succeeds."""

from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet

from takeback.core import clock
from takeback.core.errors import PRECONDITION_FAILED
from takeback.orders.commands import update_items as commands
from takeback.orders.models import Order, OrderItem
from takeback.orders.versions import version_of
from tests import factories
from tests.conftest import CI, LONG
from tests.rigs.races import WON, Clients

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(0 if LONG else 600),
    pytest.mark.heavy("postgresql"),
]

REFUSED = PRECONDITION_FAILED.code
MAX_ROUNDS = 100
"""Without its guard, a race must occur within this number of rounds."""


def change_item(round_: int, client: int) -> Callable[[], object]:
    item = OrderItem.objects.get()
    changes = {item.pk: {"tracking_number": f"{round_} {client}"}}
    version = version_of(item.modified_date)
    return lambda: commands.update_items(
        [factories.SHOP], changes, now=clock.now(), version=version
    )


def change_order(round_: int, client: int) -> Callable[[], object]:
    order = Order.objects.get()
    version, is_send = version_of(order.modified_date), not order.is_send

    def act() -> None:
        with transaction.atomic():
            commands.ensure_order_version([factories.SHOP], order.pk, version)
            commands.mark_as_sent([factories.SHOP], order.pk, is_send=is_send, now=clock.now())

    return act


ACTS = {"item": change_item, "order": change_order}


def race(clients: Clients, name: str, round_: int) -> dict[str, int]:
    """The outcomes of two clients that have read the same version."""
    return dict(clients.race([ACTS[name](round_, client) for client in range(2)]))


@pytest.mark.allow_repeated_queries("the test runs several rounds")
@pytest.mark.parametrize("name", ACTS)
def test_one_of_two_clients_changes_a_version(name: str, long_run: bool) -> None:
    factories.create_order()

    with Clients(2) as clients:
        for round_ in range(10_000 if long_run else 30 if CI else 3):
            assert race(clients, name, round_) == {WON: 1, REFUSED: 1}


@pytest.mark.allow_repeated_queries("the test runs several rounds")
@pytest.mark.parametrize("name", ACTS)
def test_without_the_lock_both_change_a_version(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time and no row lock to disable")
    factories.create_order()
    monkeypatch.setattr(commands, "lock_orders_of", lambda item_ids: None)
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **_: rows.all())

    with Clients(2) as clients:
        for round_ in range(MAX_ROUNDS):
            if race(clients, name, round_) == {WON: 2}:
                return
    pytest.fail("no race occurred, so the lock was not tested")
