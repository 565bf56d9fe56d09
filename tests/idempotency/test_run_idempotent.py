"""Promise P10: one effect per key, the stored response again, nothing stored for a refusal."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter as Tally
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from takeback.core.errors import Problem, Refused
from takeback.idempotency import commands, errors
from takeback.idempotency.commands import (
    RETENTION,
    IdempotentCall,
    IdempotentResponse,
    prune,
    run_idempotent,
)
from takeback.idempotency.models import Reply
from takeback.limits.models import Counter
from tests.factories import NOW
from tests.rigs.serving import database_url

CALL = IdempotentCall(principal="p" * 64, route="POST asks/", key="k-1", fingerprint="f" * 64)
SOON = NOW + timedelta(seconds=1)
MOMENT = timedelta(microseconds=1)
BUSY = Problem("busy", 406, "Not now.")


class Service:
    """Writes a row per effect and returns its number."""

    def __init__(self, status: int = 201) -> None:
        self.status = status

    def act(self) -> IdempotentResponse:
        number = Counter.objects.count() + 1
        Counter.objects.create(key=str(number), hits=number, ends_at_epoch=0)
        return IdempotentResponse(self.status, f'{{"id":{number},"iban":"TR33"}}'.encode())


def refused(call: IdempotentCall, service: Service | None = None) -> Problem:
    """The problem of a refused call."""
    with pytest.raises(Refused) as refusal:
        run_idempotent(call, (service or Service()).act, SOON)
    return refusal.value.problem


@pytest.mark.django_db
def test_repeated_call_gets_the_same_bytes_and_acts_once() -> None:
    first = run_idempotent(CALL, Service().act, NOW)
    second = run_idempotent(CALL, Service().act, SOON)

    assert first == IdempotentResponse(201, b'{"id":1,"iban":"TR33"}', is_replayed=False)
    assert second == IdempotentResponse(201, b'{"id":1,"iban":"TR33"}', is_replayed=True)
    assert Counter.objects.count() == 1


@pytest.mark.django_db
def test_first_call_costs_three_more_statements(django_assert_num_queries: Any) -> None:
    reads = 1 if connection.vendor == "sqlite" else 2
    with django_assert_num_queries(2 + reads + 2 + 1):  # the effect has two, a savepoint two
        run_idempotent(CALL, Service().act, NOW)


@pytest.mark.django_db
def test_stored_response_is_encrypted() -> None:
    run_idempotent(CALL, Service().act, NOW)

    stored = Reply.objects.get()
    assert (stored.status, stored.created_at) == (201, NOW)
    assert "TR33" not in stored.body_encrypted


@pytest.mark.django_db
def test_key_of_another_request_is_refused() -> None:
    run_idempotent(CALL, Service().act, NOW)

    assert refused(replace(CALL, fingerprint="other")) is errors.KEY_REUSED
    assert Counter.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("other", [{"principal": "q"}, {"route": "POST b/"}, {"key": "K-1"}])
def test_other_caller_route_or_key_is_another_call(other: dict[str, str]) -> None:
    run_idempotent(CALL, Service().act, NOW)

    second = run_idempotent(replace(CALL, **other), Service().act, NOW)
    assert second.body == b'{"id":2,"iban":"TR33"}'
    assert Reply.objects.count() == 2


@pytest.mark.django_db
def test_refusal_stores_nothing_and_leaves_the_key_free() -> None:
    def busy() -> IdempotentResponse:
        Service().act()
        raise Refused(BUSY)

    with pytest.raises(Refused) as refusal:
        run_idempotent(CALL, busy, NOW)
    assert refusal.value.problem is BUSY
    assert (Counter.objects.count(), Reply.objects.count()) == (0, 0)

    assert run_idempotent(CALL, Service(status=406).act, NOW).status == 406
    assert (Counter.objects.count(), Reply.objects.count()) == (0, 0)

    assert (
        run_idempotent(replace(CALL, fingerprint="fixed"), Service().act, SOON).is_replayed is False
    )


DIES = """
import os, signal
from takeback.cli.setup import boot
boot()
from datetime import datetime, UTC
from takeback.idempotency.commands import IdempotentCall, run_idempotent
from takeback.limits.models import Counter

def act():
    Counter.objects.create(key="1", hits=1, ends_at_epoch=0)
    os.kill(os.getpid(), signal.SIGKILL)

run_idempotent(IdempotentCall("p" * 64, "POST asks/", "k-1", "f" * 64), act, datetime.now(UTC))
"""


@pytest.mark.django_db(transaction=True)
def test_process_killed_after_the_effect_leaves_the_key_free() -> None:
    command = [sys.executable, "-c", DIES]
    died = subprocess.run(command, env=os.environ | {"DATABASE_URL": database_url()}, check=False)

    assert died.returncode == -signal.SIGKILL
    assert (Counter.objects.count(), Reply.objects.count()) == (0, 0)
    assert run_idempotent(CALL, Service().act, SOON).is_replayed is False


@pytest.mark.django_db
def test_response_is_stored_for_seven_days() -> None:
    run_idempotent(CALL, Service().act, NOW)

    assert run_idempotent(CALL, Service().act, NOW + RETENTION - MOMENT).is_replayed is True
    assert (
        run_idempotent(replace(CALL, fingerprint="new"), Service().act, NOW + RETENTION).is_replayed
        is False
    )
    assert Reply.objects.get().created_at == NOW + RETENTION


@pytest.mark.django_db
def test_expired_responses_are_pruned_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "PRUNED_AT_ONCE", 2)
    for number in range(3):
        run_idempotent(replace(CALL, key=str(number)), Service().act, NOW)
    run_idempotent(CALL, Service().act, NOW + MOMENT)

    assert [prune(NOW + RETENTION) for _ in range(3)] == [2, 1, 0]
    assert Reply.objects.get().key == "k-1"


def _burst(count: int) -> Tally[object]:
    """The results of identical calls that start at the same time."""
    start = threading.Barrier(count)

    def run(_: int) -> object:
        start.wait()
        try:
            return run_idempotent(CALL, Service().act, NOW).body
        except Refused as refusal:
            return refusal.problem.code
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as threads:
        return Tally(threads.map(run, range(count)))


@pytest.mark.django_db(transaction=True)
def test_one_of_eight_identical_concurrent_calls_acts(long_run: bool) -> None:
    for _ in range(1_000 if long_run else 20):
        results = _burst(8)

        assert set(results) <= {b'{"id":1,"iban":"TR33"}', "idempotency_key_in_use"}
        assert results[b'{"id":1,"iban":"TR33"}'] >= 1
        assert (Counter.objects.count(), Reply.objects.count()) == (1, 1)
        Counter.objects.all().delete()
        Reply.objects.all().delete()


@pytest.mark.django_db(transaction=True)
def test_repetition_of_a_running_call_is_refused_or_replayed() -> None:
    inside, checked = threading.Event(), threading.Event()

    def slow() -> IdempotentResponse:
        inside.set()
        # On SQLite the repetition waits until this call ends.
        checked.wait(60 if connection.vendor == "postgresql" else 0)
        return Service().act()

    def first() -> IdempotentResponse:
        try:
            return run_idempotent(CALL, slow, NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(first)
        inside.wait(60)
        try:
            if connection.vendor == "postgresql":
                assert refused(CALL) is errors.KEY_IN_USE
            else:
                assert run_idempotent(CALL, Service().act, SOON).is_replayed is True
        finally:
            checked.set()
        assert running.result().is_replayed is False

    assert run_idempotent(CALL, Service().act, SOON).is_replayed is True
    assert Counter.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_calls_with_different_keys_are_not_refused() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time")

    def another() -> IdempotentResponse:
        try:
            return run_idempotent(replace(CALL, key="k-2"), Service().act, NOW)
        finally:
            connection.close()

    def slow() -> IdempotentResponse:
        with ThreadPoolExecutor(1) as threads:
            assert threads.submit(another).result().status == 201
        return IdempotentResponse(201, b"{}")

    assert run_idempotent(CALL, slow, NOW).status == 201
    assert Reply.objects.count() == 2
