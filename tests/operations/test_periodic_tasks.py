"""The worker's chores, and the loop that does them."""

import threading
from datetime import datetime, timedelta

import pytest
from django.db import OperationalError

from takeback.accounts import sessions
from takeback.accounts.models import Session
from takeback.limits.models import Counter
from takeback.operations.periodic_tasks import PERIODIC_TASKS, PeriodicTask, run, run_once


def _session(key: str, ends: datetime) -> None:
    Session.objects.create(session_key=key, session_data="", expire_date=ends)


@pytest.mark.django_db
def test_sessions_that_are_over_are_forgotten(frozen_now: datetime) -> None:
    second = timedelta(seconds=1)
    for key, ends in (("before", -second), ("now", 0 * second), ("after", second)):
        _session(key, frozen_now + ends)
    assert sessions.prune_sessions(frozen_now) == 2
    assert [session.session_key for session in Session.objects.all()] == ["after"]
    assert sessions.prune_sessions(frozen_now) == 0


@pytest.mark.django_db
def test_sessions_are_forgotten_a_few_at_a_time(
    frozen_now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "PRUNED_AT_ONCE", 2)
    for number in range(3):
        _session(f"s{number}", frozen_now - timedelta(hours=number))
    assert [sessions.prune_sessions(frozen_now) for _ in range(3)] == [2, 1, 0]


@pytest.mark.django_db
def test_one_round_does_every_chore_to_its_end(
    frozen_now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "PRUNED_AT_ONCE", 2)
    epoch = int(frozen_now.timestamp())
    Counter.objects.create(key="over", hits=1, ends_at_epoch=epoch)
    Counter.objects.create(key="running", hits=1, ends_at_epoch=epoch + 1)
    for number in range(5):
        _session(f"s{number}", frozen_now)
    assert run_once(threading.Event()) is True
    assert [counter.key for counter in Counter.objects.all()] == ["running"]
    assert Session.objects.count() == 0


def test_the_table_of_chores_is_what_it_is() -> None:
    assert [(chore.name, chore.every_seconds) for chore in PERIODIC_TASKS] == [
        ("prune_limits", 600),
        ("prune_sessions", 3600),
        ("prune_keys", 3600),
        ("prune_outbox", 3600),
        ("prune_replies", 3600),
        ("prune_exchange", 3600),
        ("look_at_tables", 3600),
        ("sweep_pictures", 24 * 3600),
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("failure", [OperationalError, PermissionError])
def test_a_chore_that_fails_hinders_no_other(failure: type[Exception]) -> None:
    done: list[str] = []

    def broken(now: datetime) -> int:
        done.append("broken")
        raise failure

    def sound(now: datetime) -> int:
        done.append("sound")
        return 0

    chores = [PeriodicTask("broken", 60, broken), PeriodicTask("sound", 60, sound)]
    assert run_once(threading.Event(), chores) is False
    assert done == ["broken", "sound"]


def test_a_chore_comes_round_when_its_time_has_come() -> None:
    stop = threading.Event()
    done: list[str] = []

    def often(now: datetime) -> int:
        done.append("often")
        if done.count("often") == 3:
            stop.set()
        return 0

    def rarely(now: datetime) -> int:
        done.append("rarely")
        return 0

    run(stop, [PeriodicTask("often", 0, often), PeriodicTask("rarely", 3600, rarely)])
    assert done == ["often", "rarely", "often", "often"]


def test_told_to_stop_a_chore_finishes_its_step_and_no_more() -> None:
    stop = threading.Event()
    steps: list[datetime] = []

    def endless(now: datetime) -> int:
        steps.append(now)
        stop.set()
        return 1

    run(stop, [PeriodicTask("endless", 1, endless)])
    assert len(steps) == 1
