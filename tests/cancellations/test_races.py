"""Races for an item, between crossing bulks, and of reject against withdraw (P2, P3, P11)."""

from collections.abc import Iterator, Sequence
from functools import partial

import pytest
from django.db import connection

from takeback.cancellations.commands import open as opening
from takeback.cancellations.commands import transition
from takeback.cancellations.commands.open import open_cases
from takeback.cancellations.commands.transition import reject, withdraw
from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.core.ids import CaseId
from takeback.orders.models import OrderItem
from tests import factories
from tests.cancellations.factories import SCOPE, STAFF, new_case, order_items
from tests.conftest import CI, LONG
from tests.rigs.races import CONSTRAINT, WON, Clients

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(0 if LONG else 600),
    pytest.mark.heavy("postgresql"),
]

ALREADY, WRONG, CONFLICT = "cancellation_request_100_1", "wrong_state", "conflict"
MAX_ROUNDS = 100
"""A race whose guard is off must have its effect within this many rounds."""


@pytest.fixture
def rounds(long_run: bool) -> int:
    """The number of rounds of each race."""
    return 10_000 if long_run else 15 if CI else 2


@pytest.fixture
def unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock on orders is off."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time and no lock to switch off")
    monkeypatch.setattr(opening, "lock_orders_within", lambda item_ids, **scope: [])
    monkeypatch.setattr(transition, "lock_orders_of", lambda item_ids: [])


@pytest.fixture
def unconstrained(unlocked: None) -> Iterator[None]:
    """The lock and the constraint on live cases are off."""
    constraint = "one_live_request_per_item"
    [index] = [c for c in CancellationRequest._meta.constraints if c.name == constraint]
    with connection.schema_editor() as editor:
        editor.remove_constraint(CancellationRequest, index)
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE cancellations_cancellationrequest CASCADE")
    with connection.schema_editor() as editor:
        editor.add_constraint(CancellationRequest, index)


def opening_cases(reason: int, *items: OrderItem) -> "partial[list[CaseId]]":
    """An agent opens a case for each item, in one request."""
    new = [new_case(item, reason=reason) for item in items]
    return partial(open_cases, new, SCOPE, actor=STAFF, now=factories.NOW)


def items_of_new_order(number: int, count: int) -> Sequence[OrderItem]:
    """The items of a new order."""
    return order_items(*[{}] * count, number=str(number))


def items_with_cases(items: Sequence[OrderItem]) -> list[int]:
    """The ids of the items' cases, an item for each case."""
    cases = CancellationRequest.objects.filter(order_item__in=items)
    return sorted(cases.values_list("order_item_id", flat=True))


@pytest.mark.parametrize("clients", [2, 8, 32])
def test_one_of_many_requests_gets_the_item(clients: int, rounds: int) -> None:
    reason = factories.create_reason().pk
    with Clients(clients) as racing:
        for number in range(rounds):
            items = items_of_new_order(number, 1)
            results = racing.race([opening_cases(reason, *items)] * clients)
            assert results == {WON: 1, ALREADY: clients - 1}
            assert len(items_with_cases(items)) == 1
    assert CaseHistory.objects.count() == rounds


def crossing(
    reason: int, items: Sequence[OrderItem], clients: int
) -> list["partial[list[CaseId]]"]:
    """Requests for three items, for the same in reverse order, and for the middle one alone."""
    acts = [
        opening_cases(reason, *items),
        opening_cases(reason, *reversed(items)),
        opening_cases(reason, items[1]),
    ]
    return [acts[index % 3] for index in range(clients)]


@pytest.mark.parametrize("clients", [3, 9, 30])
def test_crossing_bulks_do_not_deadlock(clients: int, rounds: int) -> None:
    reason = factories.create_reason().pk
    with Clients(clients) as racing:
        for number in range(rounds):
            items = items_of_new_order(number, 3)
            results = racing.race(crossing(reason, items, clients))
            assert results == {WON: 1, ALREADY: clients - 1}
            item_ids = [item.pk for item in items]
            assert items_with_cases(items) in (item_ids, [item_ids[1]])


@pytest.mark.parametrize("clients", [2, 8, 32])
def test_reject_and_withdraw_never_both_succeed(clients: int, rounds: int) -> None:
    reason = factories.create_reason().pk
    with Clients(clients) as racing:
        for number in range(rounds):
            results = racing.race(closing(number, reason, clients))
            assert results == {WON: 1, WRONG: clients - 1}
    events = CaseHistory.objects.filter(seq=2).values_list("event", flat=True)
    assert len(events) == rounds
    assert CaseHistory.objects.filter(seq=3).count() == 0


def closing(number: int, reason: int, clients: int) -> list["partial[None]"]:
    """Half of the clients reject a new case, half withdraw it."""
    [case] = opening_cases(reason, *items_of_new_order(number, 1))()
    commands = [reject, withdraw]
    return [
        partial(commands[index % 2], case, SCOPE, actor=STAFF, now=factories.NOW)
        for index in range(clients)
    ]


def overlapping(
    reason: int, items: Sequence[OrderItem], clients: int
) -> list["partial[list[CaseId]]"]:
    """Requests for three items, and for the middle one alone.

    All name the items in the same order: without the lock, the index is locked item by item, and
    requests in opposite orders could deadlock.
    """
    acts = [opening_cases(reason, *items), opening_cases(reason, items[1])]
    return [acts[index % 2] for index in range(clients)]


@pytest.mark.usefixtures("unlocked")
def test_constraint_alone_prevents_a_second_case() -> None:
    reason, results = factories.create_reason().pk, set[str]()
    with Clients(8) as racing:
        for number in range(MAX_ROUNDS):
            items = items_of_new_order(number, 3)
            results |= set(racing.race(overlapping(reason, items, 8)))
            assert items_with_cases(items) in ([items[1].pk], [item.pk for item in items])
            if CONSTRAINT in results:
                break
    assert CONSTRAINT in results
    assert results <= {WON, ALREADY, CONSTRAINT}


@pytest.mark.usefixtures("unconstrained")
def test_without_lock_and_constraint_an_item_gets_two_cases() -> None:
    reason = factories.create_reason().pk
    with Clients(8) as racing:
        for number in range(MAX_ROUNDS):
            items = items_of_new_order(number, 1)
            racing.race([opening_cases(reason, *items)] * 8)
            if len(items_with_cases(items)) > 1:
                return
    pytest.fail("the race had no effect")


@pytest.mark.usefixtures("unlocked")
def test_version_alone_prevents_a_second_transition() -> None:
    reason, results = factories.create_reason().pk, set[str]()
    with Clients(8) as racing:
        for number in range(MAX_ROUNDS):
            counts = racing.race(closing(number, reason, 8))
            assert counts[WON] == 1
            results |= set(counts)
            if CONFLICT in results:
                break
    assert CONFLICT in results
