"""The periodic tasks of the worker, and the loop that runs them."""

import threading
from datetime import datetime, timedelta

import pytest
from django.db import OperationalError
from structlog.testing import capture_logs

from takeback.accounts import sessions
from takeback.accounts.models import Session
from takeback.limits.models import Counter
from takeback.operations.periodic_tasks import PERIODIC_TASKS, PeriodicTask, run, run_once


def _create_session(key: str, ends: datetime) -> None:
    Session.objects.create(session_key=key, session_data="", expire_date=ends)


@pytest.mark.django_db
def test_expired_sessions_are_deleted(frozen_now: datetime) -> None:
    second = timedelta(seconds=1)
    for key, ends in (("before", -second), ("now", 0 * second), ("after", second)):
        _create_session(key, frozen_now + ends)
    assert sessions.prune_sessions(frozen_now) == 2
    assert [session.session_key for session in Session.objects.all()] == ["after"]
    assert sessions.prune_sessions(frozen_now) == 0


@pytest.mark.django_db
def test_expired_sessions_are_deleted_in_batches(
    frozen_now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "PRUNED_AT_ONCE", 2)
    for number in range(3):
        _create_session(f"s{number}", frozen_now - timedelta(hours=number))
    assert [sessions.prune_sessions(frozen_now) for _ in range(3)] == [2, 1, 0]


@pytest.mark.django_db
def test_single_round_runs_each_task_to_its_end(
    frozen_now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "PRUNED_AT_ONCE", 2)
    epoch = int(frozen_now.timestamp())
    Counter.objects.create(key="over", hits=1, ends_at_epoch=epoch)
    Counter.objects.create(key="running", hits=1, ends_at_epoch=epoch + 1)
    for number in range(5):
        _create_session(f"s{number}", frozen_now)
    assert run_once(threading.Event()) is True
    assert [counter.key for counter in Counter.objects.all()] == ["running"]
    assert Session.objects.count() == 0


def test_tasks_have_these_names_and_intervals() -> None:
    assert [(task.name, task.every_seconds) for task in PERIODIC_TASKS] == [
        ("look_at_payments", 10),
        ("guard_database", 60),
        ("prune_limits", 600),
        ("prune_sessions", 3600),
        ("prune_keys", 3600),
        ("prune_one_time_secrets", 3600),
        ("prune_email_changes", 3600),
        ("prune_pending_customers", 3600),
        ("prune_outbox", 3600),
        ("prune_replies", 3600),
        ("prune_exchange", 3600),
        ("look_at_tables", 3600),
        ("sweep_pictures", 24 * 3600),
        ("anchor_ledger", 3600),
        ("forget_bank_accounts", 24 * 3600),
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("failure", [OperationalError, PermissionError])
def test_failed_task_does_not_stop_other_tasks(failure: type[Exception]) -> None:
    done: list[str] = []

    def broken(now: datetime) -> int:
        done.append("broken")
        raise failure

    def working(now: datetime) -> int:
        done.append("working")
        return 0

    tasks = [PeriodicTask("broken", 60, broken), PeriodicTask("working", 60, working)]
    assert run_once(threading.Event(), tasks) is False
    assert done == ["broken", "working"]


def test_task_runs_again_when_its_interval_has_passed() -> None:
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


def test_stopped_task_finishes_only_its_current_step() -> None:
    stop = threading.Event()
    steps: list[datetime] = []

    def endless(now: datetime) -> int:
        steps.append(now)
        stop.set()
        return 1

    run(stop, [PeriodicTask("endless", 1, endless)])
    assert len(steps) == 1


@pytest.mark.parametrize(("every_seconds", "is_logged"), [(10, False), (60, True)])
def test_frequent_task_is_logged_when_it_has_done_something(
    every_seconds: int, is_logged: bool
) -> None:
    results = [0, 0, 2]
    task = PeriodicTask("often", every_seconds, lambda now: results.pop())
    with capture_logs() as logs:
        run_once(threading.Event(), [task])
        run_once(threading.Event(), [task])
    assert [line["done"] for line in logs] == ([2, 0] if is_logged else [2])
