"""Promise P10: one effect per key, its answer again, and nothing kept of a refusal."""

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
from takeback.idempotency.commands import KEPT, Answer, Call, prune, run_idempotent
from takeback.idempotency.models import Reply
from takeback.limits.models import Counter
from tests.factories import NOW
from tests.rigs.serving import database_url

CALL = Call(principal="p" * 64, route="POST asks/", key="k-1", fingerprint="f" * 64)
SOON = NOW + timedelta(seconds=1)
MOMENT = timedelta(microseconds=1)
BUSY = Problem("busy", 406, "Not now.")


class Desk:
    """Writes a row per effect and answers with its number."""

    def __init__(self, status: int = 201) -> None:
        self.status = status

    def act(self) -> Answer:
        number = Counter.objects.count() + 1
        Counter.objects.create(key=str(number), hits=number, ends_at_epoch=0)
        return Answer(self.status, f'{{"id":{number},"iban":"TR33"}}'.encode())


def refused(call: Call, desk: Desk | None = None) -> Problem:
    """Why the call is refused."""
    with pytest.raises(Refused) as refusal:
        run_idempotent(call, (desk or Desk()).act, SOON)
    return refusal.value.problem


@pytest.mark.django_db
def test_the_same_call_is_answered_with_the_same_bytes_and_acts_once() -> None:
    first = run_idempotent(CALL, Desk().act, NOW)
    second = run_idempotent(CALL, Desk().act, SOON)

    assert first == Answer(201, b'{"id":1,"iban":"TR33"}', is_replayed=False)
    assert second == Answer(201, b'{"id":1,"iban":"TR33"}', is_replayed=True)
    assert Counter.objects.count() == 1


@pytest.mark.django_db
def test_a_first_call_costs_three_statements_on_top(django_assert_num_queries: Any) -> None:
    look = 1 if connection.vendor == "sqlite" else 2
    with django_assert_num_queries(2 + look + 2 + 1):  # the effect has two, a savepoint two
        run_idempotent(CALL, Desk().act, NOW)


@pytest.mark.django_db
def test_the_answer_is_sealed_where_it_is_kept() -> None:
    run_idempotent(CALL, Desk().act, NOW)

    kept = Reply.objects.get()
    assert (kept.status, kept.created_at) == (201, NOW)
    assert "TR33" not in kept.body_encrypted


@pytest.mark.django_db
def test_the_key_of_another_request_is_refused() -> None:
    run_idempotent(CALL, Desk().act, NOW)

    assert refused(replace(CALL, fingerprint="other")) is errors.KEY_REUSED
    assert Counter.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("other", [{"principal": "q"}, {"route": "POST b/"}, {"key": "K-1"}])
def test_another_caller_route_or_key_is_another_call(other: dict[str, str]) -> None:
    run_idempotent(CALL, Desk().act, NOW)

    assert run_idempotent(replace(CALL, **other), Desk().act, NOW).body == b'{"id":2,"iban":"TR33"}'
    assert Reply.objects.count() == 2


@pytest.mark.django_db
def test_a_refusal_leaves_no_trace_and_the_key_free() -> None:
    def busy() -> Answer:
        Desk().act()
        raise Refused(BUSY)

    with pytest.raises(Refused) as refusal:
        run_idempotent(CALL, busy, NOW)
    assert refusal.value.problem is BUSY
    assert (Counter.objects.count(), Reply.objects.count()) == (0, 0)

    assert run_idempotent(CALL, Desk(status=406).act, NOW).status == 406
    assert (Counter.objects.count(), Reply.objects.count()) == (0, 0)

    assert (
        run_idempotent(replace(CALL, fingerprint="mended"), Desk().act, SOON).is_replayed is False
    )


DIES = """
import os, signal
from takeback.cli.setup import boot
boot()
from datetime import datetime, UTC
from takeback.idempotency.commands import Call, run_idempotent
from takeback.limits.models import Counter

def act():
    Counter.objects.create(key="1", hits=1, ends_at_epoch=0)
    os.kill(os.getpid(), signal.SIGKILL)

run_idempotent(Call("p" * 64, "POST asks/", "k-1", "f" * 64), act, datetime.now(UTC))
"""


@pytest.mark.django_db(transaction=True)
def test_killed_between_effect_and_answer_nothing_is_kept_and_the_key_is_free() -> None:
    command = [sys.executable, "-c", DIES]
    died = subprocess.run(command, env=os.environ | {"DATABASE_URL": database_url()}, check=False)

    assert died.returncode == -signal.SIGKILL
    assert (Counter.objects.count(), Reply.objects.count()) == (0, 0)
    assert run_idempotent(CALL, Desk().act, SOON).is_replayed is False


@pytest.mark.django_db
def test_an_answer_is_kept_for_seven_days() -> None:
    run_idempotent(CALL, Desk().act, NOW)

    assert run_idempotent(CALL, Desk().act, NOW + KEPT - MOMENT).is_replayed is True
    assert (
        run_idempotent(replace(CALL, fingerprint="new"), Desk().act, NOW + KEPT).is_replayed
        is False
    )
    assert Reply.objects.get().created_at == NOW + KEPT


@pytest.mark.django_db
def test_old_answers_are_forgotten_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "PRUNED_AT_ONCE", 2)
    for number in range(3):
        run_idempotent(replace(CALL, key=str(number)), Desk().act, NOW)
    run_idempotent(CALL, Desk().act, NOW + MOMENT)

    assert [prune(NOW + KEPT) for _ in range(3)] == [2, 1, 0]
    assert Reply.objects.get().key == "k-1"


def _burst(twins: int) -> Tally[object]:
    """What so many twins are told, who start at one moment."""
    start = threading.Barrier(twins)

    def calls(_: int) -> object:
        start.wait()
        try:
            return run_idempotent(CALL, Desk().act, NOW).body
        except Refused as refusal:
            return refusal.problem.code
        finally:
            connection.close()

    with ThreadPoolExecutor(twins) as threads:
        return Tally(threads.map(calls, range(twins)))


@pytest.mark.django_db(transaction=True)
def test_of_eight_twins_at_once_one_acts(long_run: bool) -> None:
    for _ in range(1_000 if long_run else 20):
        told = _burst(8)

        assert set(told) <= {b'{"id":1,"iban":"TR33"}', "idempotency_key_in_use"}
        assert told[b'{"id":1,"iban":"TR33"}'] >= 1
        assert (Counter.objects.count(), Reply.objects.count()) == (1, 1)
        Counter.objects.all().delete()
        Reply.objects.all().delete()


@pytest.mark.django_db(transaction=True)
def test_a_twin_of_a_running_call_is_told_to_come_again_or_gets_its_answer() -> None:
    inside, told = threading.Event(), threading.Event()

    def slow() -> Answer:
        inside.set()
        # On SQLite the twin waits for us, and tells nothing before we are done.
        told.wait(60 if connection.vendor == "postgresql" else 0)
        return Desk().act()

    def first() -> Answer:
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
                assert run_idempotent(CALL, Desk().act, SOON).is_replayed is True
        finally:
            told.set()
        assert running.result().is_replayed is False

    assert run_idempotent(CALL, Desk().act, SOON).is_replayed is True
    assert Counter.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_calls_under_different_keys_do_not_refuse_each_other() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time")

    def another() -> Answer:
        try:
            return run_idempotent(replace(CALL, key="k-2"), Desk().act, NOW)
        finally:
            connection.close()

    def slow() -> Answer:
        with ThreadPoolExecutor(1) as threads:
            assert threads.submit(another).result().status == 201
        return Answer(201, b"{}")

    assert run_idempotent(CALL, slow, NOW).status == 201
    assert Reply.objects.count() == 2
