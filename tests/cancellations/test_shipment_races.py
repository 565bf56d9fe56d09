"""Races of a shipment against the approval of a cancellation: the first commit wins."""

from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection

from takeback.cancellations.commands import transition
from takeback.cancellations.commands.transition import approve, confirm
from takeback.cancellations.commands.turn_into_return import turn_into_return
from takeback.cancellations.models import CancellationRequest
from takeback.core.ids import CaseId
from takeback.orders.commands import update_items as items_command
from takeback.orders.commands.update_items import update_items
from takeback.orders.models import OrderItem
from tests import factories
from tests.cancellations.factories import SCOPE, STAFF, open_case, order_items
from tests.conftest import CI, LONG
from tests.rigs.races import WON, Clients

pytestmark = [
    pytest.mark.allow_repeated_queries("each round queries again"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(0 if LONG else 600),
    pytest.mark.heavy("postgresql"),
]

TOO_LATE, CANCELLED, CONFLICT = "cancellation_request_100_2", "item_cancelled", "conflict"
MAX_ROUNDS = 200
"""A race whose guard is off must have its effect within this many rounds."""

Act = Callable[[], object]


@pytest.fixture
def rounds(long_run: bool) -> int:
    """The number of rounds of each race."""
    return 10_000 if long_run else 30 if CI else 5


@pytest.fixture
def unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock on orders is off."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time and no lock to switch off")
    for module in (transition, items_command):
        monkeypatch.setattr(module, "lock_orders_of", lambda item_ids: [])


def confirmed_case(number: int) -> tuple[CaseId, OrderItem]:
    """A confirmed cancellation of a new order, and its item."""
    # Another item with a lower status keeps both commands from updating the order's row.
    item, other = order_items({}, {}, number=str(number))
    OrderItem.objects.filter(pk=other.pk).update(status=50)
    case = open_case(item)
    confirm(case, SCOPE, actor=STAFF, now=factories.NOW)
    return case, item


def racing_acts(case: CaseId, item: OrderItem) -> list[Act]:
    """The approval of the case, and the report that its item is delivered."""
    return [
        partial(approve, case, SCOPE, actor=STAFF, now=factories.NOW),
        partial(update_items, [factories.SHOP], {item.pk: {"status": 550}}, now=factories.NOW),
    ]


def outcome_of(case: CaseId, item: OrderItem) -> tuple[str, int | None]:
    """The status of the case, and the deferred one of its item."""
    item.refresh_from_db()
    return CancellationRequest.objects.get(pk=case).status, item.deferred_status


def test_shipped_item_is_never_cancelled(rounds: int) -> None:
    with Clients(2) as racing:
        for number in range(rounds):
            case, item = confirmed_case(number)
            results = racing.race(racing_acts(case, item))
            is_approved = results == {WON: 1, CANCELLED: 1}
            assert is_approved or results == {WON: 1, TOO_LATE: 1}
            expected = ("approved", None) if is_approved else ("confirmed", 550)
            assert outcome_of(case, item) == expected


@pytest.mark.usefixtures("unlocked")
def test_without_the_lock_a_shipped_item_is_cancelled() -> None:
    with Clients(2) as racing:
        for number in range(MAX_ROUNDS):
            case, item = confirmed_case(number)
            racing.race(racing_acts(case, item))
            if outcome_of(case, item) == ("approved", 550):
                return
    pytest.fail("the race had no effect")


def test_approval_and_return_of_one_case_never_both_happen(rounds: int) -> None:
    with Clients(2) as racing:
        for number in range(rounds):
            case, item = confirmed_case(number)
            update_items([factories.SHOP], {item.pk: {"status": 500}}, now=factories.NOW)
            turn = partial(turn_into_return, case, SCOPE, actor=STAFF, now=factories.NOW, version=2)
            act = partial(approve, case, SCOPE, actor=STAFF, now=factories.NOW, version=2)
            results = racing.race([turn, act])
            assert results[WON] == 1
            assert set(results) <= {WON, TOO_LATE, "precondition_failed"}
            row = CancellationRequest.objects.get(pk=case)
            assert (row.cancellation_type, row.status) == ("refund", "waiting")
