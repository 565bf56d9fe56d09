"""Races: the same item, crossing bulks, reject against withdraw; one winner each (P2, P3, P11)."""

from collections.abc import Iterator, Sequence
from functools import partial

import pytest
from django.db import connection

from takeback.cancellations.commands import open as opening
from takeback.cancellations.commands import transition as deciding
from takeback.cancellations.commands.open import open_case, open_cases
from takeback.cancellations.commands.transition import reject, withdraw
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.cancellations.statuses import Kind
from takeback.core.actor import Actor, ActorKind
from takeback.orders.models import OrderItem
from takeback.orders.scope import OrderScope
from tests import factories
from tests.conftest import CI, LONG
from tests.rigs.races import CONSTRAINT, WON, Clients

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(0 if LONG else 600),
    pytest.mark.heavy("postgresql"),
]

ALREADY, WRONG, CONFLICT = "cancellation_request_100_1", "wrong_state", "conflict"
SCOPE = OrderScope(factories.SHOP)
STAFF = Actor(ActorKind.STAFF, 1)
UNTIL_SEEN = 100
"""A race whose guard is off must show itself within so many rounds."""


@pytest.fixture
def rounds(long_run: bool) -> int:
    """How often each race is run."""
    return 10_000 if long_run else 15 if CI else 2


@pytest.fixture
def unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for anybody: the order's lock is off."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets one writer in at a time: there is no lock to switch off")
    monkeypatch.setattr(opening, "lock_orders_within", lambda item_ids, **whose: [])
    monkeypatch.setattr(deciding, "lock_orders_of", lambda item_ids: [])


@pytest.fixture
def unconstrained(unlocked: None) -> Iterator[None]:
    """The last line is down, too."""
    constraint = "one_live_request_per_item"
    [index] = [c for c in CancellationRequest._meta.constraints if c.name == constraint]
    with connection.schema_editor() as editor:
        editor.remove_constraint(CancellationRequest, index)
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE cancellations_cancellationrequest CASCADE")
    with connection.schema_editor() as editor:
        editor.add_constraint(CancellationRequest, index)


def asking(reason: int, *items: OrderItem) -> "partial[list[int]]":
    """Somebody asks for all of these."""
    asks = [NewCase(order_item=item.pk, kind=Kind.CANCEL, reason=reason) for item in items]
    return partial(open_cases, asks, SCOPE, actor=STAFF, now=factories.NOW)


def fresh_items(number: int, count: int) -> Sequence[OrderItem]:
    """Lines that nobody has asked for yet."""
    lines = [factories.item_input(remote_id=str(line)) for line in range(count)]
    return factories.items_of(factories.create_order(number=str(number), items=lines))


def live_cases(items: Sequence[OrderItem]) -> list[int]:
    """The items that have a case, once for each."""
    found = CancellationRequest.objects.filter(order_item__in=items)
    return sorted(found.values_list("order_item_id", flat=True))


@pytest.mark.parametrize("clients", [2, 8, 32])
def test_one_of_many_gets_the_item(clients: int, rounds: int) -> None:
    reason = factories.create_reason().pk
    with Clients(clients) as racing:
        for number in range(rounds):
            items = fresh_items(number, 1)
            came_to = racing.race([asking(reason, *items)] * clients)
            assert came_to == {WON: 1, ALREADY: clients - 1}
            assert len(live_cases(items)) == 1
    assert CaseHistory.objects.count() == rounds


def crossing(reason: int, items: Sequence[OrderItem], clients: int) -> list["partial[list[int]]"]:
    """All in one order, all in the other, and one in the middle alone."""
    a, b, c = items
    acts = [asking(reason, a, b, c), asking(reason, c, b, a), asking(reason, b)]
    return [acts[index % 3] for index in range(clients)]


@pytest.mark.parametrize("clients", [3, 9, 30])
def test_crossing_bulks_never_wait_for_each_other_for_ever(clients: int, rounds: int) -> None:
    reason = factories.create_reason().pk
    with Clients(clients) as racing:
        for number in range(rounds):
            items = fresh_items(number, 3)
            came_to = racing.race(crossing(reason, items, clients))
            assert came_to == {WON: 1, ALREADY: clients - 1}
            whole = [item.pk for item in items]
            assert live_cases(items) in (whole, [whole[1]])


@pytest.mark.parametrize("clients", [2, 8, 32])
def test_reject_or_withdraw_but_never_both(clients: int, rounds: int) -> None:
    reason = factories.create_reason().pk
    with Clients(clients) as racing:
        for number in range(rounds):
            came_to = racing.race(ending(number, reason, clients))
            assert came_to == {WON: 1, WRONG: clients - 1}
    events = CaseHistory.objects.filter(seq=2).values_list("event", flat=True)
    assert len(events) == rounds
    assert CaseHistory.objects.filter(seq=3).count() == 0


def ending(number: int, reason: int, clients: int) -> list["partial[None]"]:
    """Half of them reject a fresh case, half withdraw it."""
    [item] = fresh_items(number, 1)
    ask = NewCase(order_item=item.pk, kind=Kind.CANCEL, reason=reason)
    case = open_case(ask, SCOPE, actor=STAFF, now=factories.NOW)
    steps = [reject, withdraw]
    return [
        partial(steps[index % 2], case, SCOPE, actor=STAFF, now=factories.NOW)
        for index in range(clients)
    ]


@pytest.mark.usefixtures("unlocked")
def test_without_the_lock_the_constraint_alone_still_holds() -> None:
    reason, seen = factories.create_reason().pk, set[str]()
    with Clients(8) as racing:
        for number in range(UNTIL_SEEN):
            items = fresh_items(number, 3)
            seen |= set(racing.race(crossing(reason, items, 8)))
            assert live_cases(items) in ([items[1].pk], [item.pk for item in items])
            if CONSTRAINT in seen:
                break
    assert CONSTRAINT in seen
    assert seen <= {WON, ALREADY, CONSTRAINT}


@pytest.mark.usefixtures("unconstrained")
def test_without_lock_and_constraint_an_item_gets_two_cases() -> None:
    reason = factories.create_reason().pk
    with Clients(8) as racing:
        for number in range(UNTIL_SEEN):
            items = fresh_items(number, 1)
            racing.race([asking(reason, *items)] * 8)
            if len(live_cases(items)) > 1:
                return
    pytest.fail("the race did not show itself")


@pytest.mark.usefixtures("unlocked")
def test_without_the_lock_a_step_still_wins_alone() -> None:
    reason, seen = factories.create_reason().pk, set[str]()
    with Clients(8) as racing:
        for number in range(UNTIL_SEEN):
            came_to = racing.race(ending(number, reason, 8))
            assert came_to[WON] == 1
            seen |= set(came_to)
            if CONFLICT in seen:
                break
    assert CONFLICT in seen
