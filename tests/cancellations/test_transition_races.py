"""Races of approve, reject, remove and edit: one decision, and no lost update (P3)."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from django.db import connection

from takeback.cancellations import history
from takeback.cancellations.commands import transition
from takeback.cancellations.commands.edit import Edit, edit_case
from takeback.cancellations.commands.transition import approve, confirm, reject, remove
from takeback.cancellations.history import NO_DETAILS, Details, Updates
from takeback.cancellations.models import CancellationPlan, CancellationRequest, CaseHistory
from takeback.cancellations.plans import RefundTerms
from takeback.cancellations.statuses import Kind
from takeback.core.actor import Actor
from takeback.core.ids import CaseId
from takeback.orders.models import Order, OrderItem
from takeback.orders.statuses import Status
from tests import factories
from tests.cancellations.factories import SCOPE, STAFF, open_case, order_items
from tests.conftest import CI, LONG
from tests.rigs.races import CONSTRAINT, WON, Clients

pytestmark = [
    pytest.mark.allow_repeated_queries("each round queries again"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(0 if LONG else 600),
    pytest.mark.heavy("postgresql"),
]

STALE, WRONG, GONE, CONFLICT = "precondition_failed", "wrong_state", "not_found", "conflict"
TOO_MUCH = "more_than_paid"
MAX_ROUNDS = 100
"""A race whose guard is off must have its effect within this many rounds."""
ENDINGS = [
    ["confirm", "approve"],
    ["reject"],
    ["reject", "remove"],
    ["withdraw", "remove"],
]
"""The events that may follow the edits."""

Act = Callable[[], object]


@pytest.fixture
def rounds(long_run: bool) -> int:
    """The number of rounds of each race."""
    return 10_000 if long_run else 15 if CI else 2


@pytest.fixture
def unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock on orders is off."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time and no lock to switch off")
    monkeypatch.setattr(transition, "lock_orders_of", lambda item_ids: [])


@pytest.fixture
def without_time_of_change(unlocked: None) -> Iterator[None]:
    """The lock is off, and so is the trigger that writes, and thereby locks, a case's order."""
    table, trigger = CancellationRequest._meta.db_table, "case_changes_its_order"
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}")


@pytest.fixture
def unversioned(unlocked: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock and the version check are off: the last writer wins."""
    overwrite = partial(_overwrite, has_history=True)
    for module in (history, transition):
        monkeypatch.setattr(module, "update_cases", overwrite)


@pytest.fixture
def unguarded(unlocked: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock, the version check and the numbers of history rows are off."""
    monkeypatch.setattr(history, "update_cases", partial(_overwrite, has_history=False))


def _overwrite(
    updates: Updates,
    event: str,
    actor: Actor,
    now: datetime,
    details: Details = NO_DETAILS,
    *,
    has_history: bool,
) -> None:
    for case, values in updates:
        before, after = case.status, {**values, "version": case.version + 1}
        CancellationRequest.objects.filter(pk=case.pk).update(**after)
        for name, value in after.items():
            setattr(case, name, value)
        if has_history:
            history.history_row(case, event, before, actor, now, details).save()


def waiting_case(number: int) -> CaseId:
    """A new case of a new order."""
    return open_case(*order_items(number=str(number)))


def four_commands(case_id: CaseId, clients: int, version: int | None = None) -> list[Act]:
    """The clients edit, approve, reject and remove the case, in turn."""
    common: dict[str, Any] = {"actor": STAFF, "now": factories.NOW, "version": version}
    return [
        partial(edit_case, case_id, SCOPE, Edit(description=str(client)), **common)
        if client % 4 == 0
        else partial((approve, reject, remove)[client % 4 - 1], case_id, SCOPE, **common)
        for client in range(clients)
    ]


def events_of(case_id: CaseId) -> list[str]:
    """The events after the opening; the history has no gaps and no repetitions."""
    history_rows = CaseHistory.objects.filter(cancellation_request_id=case_id).order_by("seq")
    rows = list(history_rows.values_list("seq", "event", "before", "after"))
    case = CancellationRequest.objects.get(pk=case_id)
    assert [seq for seq, *_ in rows] == list(range(1, case.version + 1))
    assert [before for _, _, before, _ in rows[1:]] == [after for *_, after in rows[:-1]]
    assert rows[-1][3] == case.status
    assert CancellationPlan.objects.filter(order=case.order_item.order).count() == (
        case.status == "approved"
    )
    return [event for _, event, *_ in rows[1:]]


@pytest.mark.parametrize("clients", [2, 8, 32])
def test_one_decision_wins_and_no_edit_is_lost(clients: int, rounds: int) -> None:
    with Clients(clients) as racing:
        for number in range(rounds):
            case = waiting_case(number)
            results = racing.race(four_commands(case, clients))
            events = events_of(case)
            edits = events.count("edit")
            assert events[:edits] == ["edit"] * edits
            assert events[edits:] in ENDINGS
            # Approving a waiting case and removing a live one write two events each.
            decisions = len(set(events) & {"approve", "reject", "remove"})
            assert results[WON] == edits + decisions
            assert set(results) <= {WON, WRONG, GONE}


@pytest.mark.parametrize("clients", [2, 8, 32])
def test_one_command_wins_among_those_on_the_same_version(clients: int, rounds: int) -> None:
    with Clients(clients) as racing:
        for number in range(rounds):
            case = waiting_case(number)
            results = racing.race(four_commands(case, clients, version=1))
            assert results[WON] == 1
            assert set(results) <= {WON, STALE, GONE}
            assert events_of(case) in [["edit"], *ENDINGS]


def two_plans(number: int) -> list[Act]:
    """A plan for a cancellation and one for a return, each for the full amount of the order."""
    # An item with the lowest status keeps both commands from updating the order's row.
    statuses = (Status.APPROVED, Status.DELIVERED, Status.APPROVED)
    items = order_items(*({"status": status} for status in statuses), number=str(number))
    OrderItem.objects.filter(pk=items[2].pk).update(status=Status.CANCELLATION_WAITING)
    Order.objects.filter(pk=items[2].order_id).update(status=Status.CANCELLATION_WAITING)
    terms = RefundTerms(forced_refund_minor=items[0].order.amount_minor)
    cases = [open_case(items[0]), open_case(items[1], kind=Kind.RETURN)]
    common: dict[str, Any] = {"actor": STAFF, "now": factories.NOW, "terms": terms}
    return [partial(confirm, case, SCOPE, **common) for case in cases]


def test_two_plans_never_promise_the_same_money(rounds: int) -> None:
    with Clients(2) as racing:
        for number in range(rounds):
            assert racing.race(two_plans(number)) == {WON: 1, TOO_MUCH: 1}


@pytest.mark.usefixtures("without_time_of_change")
def test_without_the_lock_two_plans_promise_the_same_money() -> None:
    with Clients(2) as racing:
        for number in range(MAX_ROUNDS):
            if racing.race(two_plans(number))[WON] > 1:
                return
    pytest.fail("the race had no effect")


@pytest.mark.usefixtures("unlocked")
def test_version_alone_prevents_lost_updates() -> None:
    results = _results_until(CONFLICT)

    assert CONFLICT in results
    # A constraint refuses the second of two concurrent plans.
    assert results <= {WON, STALE, GONE, CONFLICT, CONSTRAINT}


@pytest.mark.usefixtures("unversioned")
def test_history_numbers_alone_prevent_lost_updates() -> None:
    assert CONSTRAINT in _results_until(CONSTRAINT)


@pytest.mark.usefixtures("unguarded")
def test_without_any_guard_an_update_is_lost() -> None:
    with Clients(8) as racing:
        for number in range(MAX_ROUNDS):
            case = waiting_case(number)
            acts = [act for _ in range(8) for act in four_commands(case, 1, version=1)]
            if racing.race(acts)[WON] > 1:
                return
    pytest.fail("the race had no effect")


def _results_until(expected: str) -> set[str]:
    """The results of rounds of eight clients, up to this one; each round has one winner."""
    results: set[str] = set()
    with Clients(8) as racing:
        for number in range(MAX_ROUNDS):
            case = waiting_case(number)
            counts = racing.race(four_commands(case, 8, version=1))
            assert counts[WON] == 1
            events_of(case)
            results |= set(counts)
            if expected in results:
                break
    return results
