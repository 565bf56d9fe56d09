"""Approve, reject, remove and correct at once: one decision, and nobody overwrites another (P3)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from django.db import connection

from takeback.cancellations import history
from takeback.cancellations.commands import edit as editing
from takeback.cancellations.commands import transition as deciding
from takeback.cancellations.commands.edit import Edit, edit_case
from takeback.cancellations.commands.transition import approve, confirm, reject, remove
from takeback.cancellations.models import CancellationPlan, CancellationRequest, CaseHistory
from takeback.cancellations.plans import RefundTerms
from takeback.cancellations.statuses import Kind
from takeback.core.actor import Actor
from takeback.orders.statuses import Status
from tests import factories
from tests.cancellations.cases import SCOPE, STAFF, opened
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
UNTIL_SEEN = 100
"""A race whose guard is off must show itself within so many rounds."""
ENDINGS = [
    ["confirm", "approve"],
    ["reject"],
    ["reject", "remove"],
    ["withdraw", "remove"],
]
"""What may follow the corrections, whoever comes first."""

Act = Callable[[], object]


@pytest.fixture
def rounds(long_run: bool) -> int:
    """How often each race is run."""
    return 10_000 if long_run else 15 if CI else 2


@pytest.fixture
def unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for anybody: the order's lock is off."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets one writer in at a time: there is no lock to switch off")
    monkeypatch.setattr(deciding, "lock_orders_of", lambda item_ids: [])


@pytest.fixture
def unversioned(unlocked: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever writes last wins, without looking."""
    overwrite = partial(_overwrite, has_history=True)
    for module in (history, deciding):
        monkeypatch.setattr(module, "update_cases", overwrite)


@pytest.fixture
def unguarded(unlocked: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last line is down, too: the numbers of steps in the history and in messages."""
    monkeypatch.setattr(history, "update_cases", partial(_overwrite, has_history=False))
    monkeypatch.setattr(editing, "publish", lambda topic, cases: None)


def _overwrite(
    told: Sequence[tuple[CancellationRequest, Mapping[str, Any]]],
    event: str,
    actor: Actor,
    now: datetime,
    *,
    note: str | None = None,
    has_history: bool,
) -> None:
    for case, values in told:
        before, after = case.status, {**values, "version": case.version + 1}
        CancellationRequest.objects.filter(pk=case.pk).update(**after)
        for name, value in after.items():
            setattr(case, name, value)
        if has_history:
            history.history_row(case, event, before, actor, now, note=note).save()


def fresh_case(number: int) -> int:
    """A case that nobody has decided yet."""
    return opened(factories.items_of(factories.make_order(number=str(number)))[0])


def four_ways(case: int, clients: int, version: int | None = None) -> list[Act]:
    """In turn somebody approves, rejects, removes and corrects the case."""
    by: dict[str, Any] = {"actor": STAFF, "now": factories.NOW, "version": version}
    return [
        partial(edit_case, case, SCOPE, Edit(description=str(client)), **by)
        if client % 4 == 0
        else partial((approve, reject, remove)[client % 4 - 1], case, SCOPE, **by)
        for client in range(clients)
    ]


def events(case: int) -> list[str]:
    """What has happened since the case was opened; each step once and none left out."""
    rows = CaseHistory.objects.filter(cancellation_request_id=case).order_by("seq")
    steps = list(rows.values_list("seq", "event", "before", "after"))
    row = CancellationRequest.objects.get(pk=case)
    assert [seq for seq, *_ in steps] == list(range(1, row.version + 1))
    assert [before for _, _, before, _ in steps[1:]] == [after for *_, after in steps[:-1]]
    assert steps[-1][3] == row.status
    assert CancellationPlan.objects.filter(order=row.order_item.order).count() == (
        row.status == "approved"
    )
    return [event for _, event, *_ in steps[1:]]


@pytest.mark.parametrize("clients", [2, 8, 32])
def test_one_decides_and_no_correction_is_lost(clients: int, rounds: int) -> None:
    with Clients(clients) as racing:
        for number in range(rounds):
            case = fresh_case(number)
            came_to = racing.race(four_ways(case, clients))
            found = events(case)
            corrections = found.count("edit")
            assert found[:corrections] == ["edit"] * corrections
            assert found[corrections:] in ENDINGS
            # Approving what waits is two steps of one act, and removing what lives as well.
            acts = len(set(found) & {"approve", "reject", "remove"})
            assert came_to[WON] == corrections + acts
            assert set(came_to) <= {WON, WRONG, GONE}


@pytest.mark.parametrize("clients", [2, 8, 32])
def test_of_those_who_saw_the_same_version_one_wins(clients: int, rounds: int) -> None:
    with Clients(clients) as racing:
        for number in range(rounds):
            case = fresh_case(number)
            came_to = racing.race(four_ways(case, clients, version=1))
            assert came_to[WON] == 1
            assert set(came_to) <= {WON, STALE, GONE}
            assert events(case) in [["edit"], *ENDINGS]


def two_plans(number: int) -> list[Act]:
    """Each wants the whole of one order: one for what is cancelled, one for what comes back."""
    # A line waits already, so that neither writes the order's row, where they would meet.
    statuses = (Status.APPROVED, Status.DELIVERED, Status.CANCELLATION_WAITING)
    lines = [factories.item_in(remote_id=str(status), status=status) for status in statuses]
    order = factories.make_order(number=str(number), items=lines)
    terms = RefundTerms(forced_refund_minor=order.amount_minor)
    cancelled, returned, _ = factories.items_of(order)
    cases = [opened(cancelled), opened(returned, kind=Kind.REFUND)]
    by: dict[str, Any] = {"actor": STAFF, "now": factories.NOW, "terms": terms}
    return [partial(confirm, case, SCOPE, **by) for case in cases]


def test_two_plans_never_promise_the_same_money(rounds: int) -> None:
    with Clients(2) as racing:
        for number in range(rounds):
            assert racing.race(two_plans(number)) == {WON: 1, TOO_MUCH: 1}


@pytest.mark.usefixtures("unlocked")
def test_without_the_lock_two_plans_promise_the_same_money() -> None:
    with Clients(2) as racing:
        for number in range(UNTIL_SEEN):
            if racing.race(two_plans(number))[WON] > 1:
                return
    pytest.fail("the race did not show itself")


@pytest.mark.usefixtures("unlocked")
def test_without_the_lock_the_version_alone_still_holds() -> None:
    seen = _seen_until(CONFLICT)

    assert CONFLICT in seen
    # A plan that two of them make at once is refused by its own constraint.
    assert seen <= {WON, STALE, GONE, CONFLICT, CONSTRAINT}


@pytest.mark.usefixtures("unversioned")
def test_without_lock_and_version_the_history_alone_still_holds() -> None:
    seen = _seen_until(CONSTRAINT)

    assert CONSTRAINT in seen


@pytest.mark.usefixtures("unguarded")
def test_without_any_of_them_somebody_is_overwritten() -> None:
    with Clients(8) as racing:
        for number in range(UNTIL_SEEN):
            case = fresh_case(number)
            acts = [act for _ in range(8) for act in four_ways(case, 1, version=1)]
            if racing.race(acts)[WON] > 1:
                return
    pytest.fail("the race did not show itself")


def _seen_until(wanted: str) -> set[str]:
    """How acts of eight clients ended, until one ended like this; one of them wins each round."""
    seen: set[str] = set()
    with Clients(8) as racing:
        for number in range(UNTIL_SEEN):
            case = fresh_case(number)
            came_to = racing.race(four_ways(case, 8, version=1))
            assert came_to[WON] == 1
            events(case)
            seen |= set(came_to)
            if wanted in seen:
                break
    return seen
