"""Promise P17: leases, attempts, waits and parking, with the clock held."""

import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from django.db import connection
from structlog.testing import capture_logs

from takeback.outbox import commands
from takeback.outbox.commands import KEPT, LEASE, MOST_ATTEMPTS, claim, wait
from takeback.outbox.models import Message
from takeback.outbox.queries import waiting
from takeback.outbox.worker import (
    Delivery,
    Handler,
    HandlerTimeout,
    PermanentFailure,
    Worker,
    limited,
)
from tests.factories import NOW, create_message

MOMENT = timedelta(microseconds=1)
TOPIC = "thing.happened"


class NoSuchCarrier(PermanentFailure):
    """Nothing to try again."""


def worker(handler: Handler) -> Worker:
    """A worker of one topic that always waits the full time."""
    return Worker({TOPIC: handler}, chance=lambda: 0.0)


def failing(delivery: Delivery) -> None:
    """Fails as a provider would, quoting what it was sent."""
    raise ConnectionError("jane@example.com was refused")


def state(message: Message) -> tuple[int, bool, bool, bool, str]:
    """Attempts; whether it is leased, done, parked; why it failed."""
    message.refresh_from_db()
    held, done, parked = message.leased_until, message.done_at, message.parked_at
    return message.attempts, bool(held), bool(done), bool(parked), message.last_error


@pytest.mark.django_db
def test_a_message_is_delivered_with_its_key_and_is_done() -> None:
    message = create_message(payload={"request_id": 7}, key="thing.happened:7")
    seen: list[Delivery] = []

    assert worker(seen.append).work_one(NOW) is True
    assert worker(seen.append).work_one(NOW) is False

    assert seen == [Delivery("thing.happened:7", {"request_id": 7})]
    assert state(message) == (1, False, True, False, "")
    assert message.done_at == NOW


@pytest.mark.django_db
def test_the_longest_due_comes_first_and_the_future_does_not_come(frozen_now: datetime) -> None:
    for name, hours in (("b", 1), ("a", 2), ("later", 0)):
        create_message(key=name, due_at=frozen_now - timedelta(hours=hours))
    Message.objects.filter(key="later").update(due_at=frozen_now + MOMENT)
    seen: list[str] = []

    assert worker(lambda delivery: seen.append(delivery.key)).work_all() == 2

    assert seen == ["a", "b"]


@pytest.mark.django_db
def test_a_topic_without_handler_is_left_alone() -> None:
    message = create_message(topic="of.tomorrow")

    assert worker(failing).work_one(NOW) is False
    assert state(message) == (0, False, False, False, "")


@pytest.mark.django_db
def test_an_idle_worker_only_looks(django_assert_num_queries: pytest.FixtureRequest) -> None:
    with django_assert_num_queries(1):  # type: ignore[operator]  # a context manager
        worker(failing).work_one(NOW)


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_a_handler_runs() -> None:
    create_message()
    seen: list[tuple[bool, int]] = []

    def looking(delivery: Delivery) -> None:
        seen.append((connection.in_atomic_block, Message.objects.get().attempts))

    worker(looking).work_one(NOW)

    assert seen == [(False, 1)]


@pytest.mark.django_db
def test_a_lease_keeps_others_away_until_it_ends() -> None:
    message = create_message()
    assert claim(NOW, [TOPIC]) == message
    seen: list[Delivery] = []
    other = worker(seen.append)

    assert other.work_one(NOW + LEASE - MOMENT) is False
    assert other.work_one(NOW + LEASE) is True

    assert len(seen) == 1
    assert state(message) == (2, False, True, False, "")


@pytest.mark.django_db
def test_who_was_too_slow_settles_nothing() -> None:
    message = create_message()
    slow = claim(NOW, [TOPIC])
    quick = claim(NOW + LEASE, [TOPIC])
    assert slow is not None
    assert quick is not None

    assert commands.finish(slow, NOW) is False
    assert commands.park(slow, NoSuchCarrier(), NOW) is False
    assert commands.postpone(slow, ValueError(), chance=0.0, now=NOW) is False
    assert state(message) == (2, True, False, False, "")
    assert commands.finish(quick, NOW) is True
    assert commands.finish(slow, NOW) is False
    assert state(message) == (2, False, True, False, "")


@pytest.mark.django_db
def test_a_worker_that_lost_its_lease_says_so_and_goes_on() -> None:
    message = create_message()

    def overtaken(delivery: Delivery) -> None:
        claim(NOW + LEASE, [TOPIC])

    with capture_logs() as logs:
        assert worker(overtaken).work_one(NOW) is True

    assert [line["event"] for line in logs] == ["lease lost"]
    assert state(message) == (2, True, False, False, "")


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [
        (1, 10),
        (2, 30),
        (3, 90),
        (4, 270),
        (5, 810),
        (6, 2_430),
        (7, 7_290),
        (8, 21_600),
        (9, 21_600),
        (12, 21_600),
    ],
)
def test_waits_grow_to_six_hours_and_chance_takes_a_quarter_off(
    attempts: int, seconds: int
) -> None:
    assert wait(attempts, 0.0) == timedelta(seconds=seconds)
    assert wait(attempts, 0.5) == timedelta(seconds=seconds * 7 / 8)


@pytest.mark.django_db
def test_a_failure_waits_and_keeps_the_name_of_its_error_only() -> None:
    message = create_message()

    with capture_logs() as logs:
        Worker({TOPIC: failing}, chance=lambda: 0.4).work_one(NOW)

    assert state(message) == (1, False, False, False, "ConnectionError")
    assert message.due_at == NOW + timedelta(seconds=9)
    assert logs == [
        {
            "event": "message failed",
            "log_level": "warning",
            "key": message.key,
            "attempt": 1,
            "error": "ConnectionError",
        }
    ]


@pytest.mark.django_db
def test_the_next_success_forgets_the_error() -> None:
    message = create_message()
    worker(failing).work_one(NOW)

    worker(lambda delivery: None).work_one(NOW + timedelta(seconds=10))

    assert state(message) == (2, False, True, False, "")


@pytest.mark.django_db
def test_after_twelve_attempts_it_is_parked_a_day_later() -> None:
    message, now = create_message(), NOW
    for _ in range(MOST_ATTEMPTS):
        assert worker(failing).work_one(now - MOMENT) is False
        assert worker(failing).work_one(now) is True
        message.refresh_from_db()
        now = message.due_at

    assert state(message) == (12, False, False, True, "ConnectionError")
    assert message.parked_at == now == NOW + timedelta(seconds=97_330)
    assert worker(failing).work_one(NOW + timedelta(days=365)) is False


@pytest.mark.django_db
def test_what_kills_its_worker_twelve_times_is_parked_and_the_next_is_served() -> None:
    message, now = create_message(), NOW
    for _ in range(MOST_ATTEMPTS):
        assert claim(now, [TOPIC]) == message
        now += LEASE
    good = create_message(due_at=now)

    assert worker(lambda delivery: None).work_one(now) is True

    assert state(message) == (12, False, False, True, "WorkerDied")
    assert state(good) == (1, False, True, False, "")


@pytest.mark.django_db
def test_the_hopeless_is_parked_at_once() -> None:
    message = create_message()

    def hopeless(delivery: Delivery) -> None:
        raise NoSuchCarrier("jane@example.com")

    worker(hopeless).work_one(NOW)

    assert state(message) == (1, False, False, True, "NoSuchCarrier")


@pytest.mark.django_db
def test_parked_messages_are_replayed_by_number_or_by_topic() -> None:
    parked = [create_message(parked_at=NOW, attempts=12, last_error="E") for _ in range(3)]
    other = create_message(topic="other.happened", parked_at=NOW, attempts=12)
    done, waiting = create_message(done_at=NOW), create_message(attempts=3)
    later = NOW + timedelta(hours=1)
    everything = [message.pk for message in (parked[0], done, waiting)]

    assert commands.replay(ids=everything, now=later) == 1
    assert commands.replay(topic="other.happened", now=later) == 1
    assert commands.replay(now=later) == 0

    assert [state(message)[:4] for message in (*parked, other)] == [
        (0, False, False, False),
        (12, False, False, True),
        (12, False, False, True),
        (0, False, False, False),
    ]
    assert parked[0].due_at == later
    assert (state(done)[2], state(waiting)[0]) == (True, 3)
    assert worker(lambda delivery: None).work_one(later) is True


@pytest.mark.django_db
def test_what_was_done_is_forgotten_after_thirty_days(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "PRUNED_AT_ONCE", 2)
    for _ in range(3):
        create_message(done_at=NOW - KEPT)
    kept = {
        create_message(done_at=NOW - KEPT + MOMENT).pk,
        create_message(parked_at=NOW - 2 * KEPT).pk,
        create_message(due_at=NOW - 2 * KEPT).pk,
    }

    assert [commands.prune(NOW) for _ in range(3)] == [2, 1, 0]
    assert set(Message.objects.values_list("pk", flat=True)) == kept


@pytest.mark.django_db(transaction=True)
def test_many_workers_run_each_message_once() -> None:
    messages = [create_message() for _ in range(60)]
    seen: Counter[str] = Counter()
    start = threading.Barrier(6)

    def works(_: int) -> int:
        mine = worker(lambda delivery: seen.update([delivery.key]))
        start.wait()
        count = 0
        try:
            # A worker that finds the next message taken meanwhile is told that none is due.
            while waiting(NOW, [TOPIC]).exists():
                count += mine.work_one(NOW)
        finally:
            connection.close()
        return count

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(works, range(6))) == len(messages)

    assert seen == Counter({message.key: 1 for message in messages})
    assert set(Message.objects.values_list("attempts", "done_at")) == {(1, NOW)}


@pytest.mark.django_db(transaction=True)
def test_a_handler_that_hangs_is_stopped_and_its_connection_is_not_used_again() -> None:
    message = create_message()
    held = connection.connection

    def hangs(delivery: Delivery) -> None:
        threading.Event().wait(60)

    Worker(limited({TOPIC: hangs}, seconds=0.05), chance=lambda: 0.0).work_one(NOW)

    assert state(message) == (1, False, False, False, HandlerTimeout.__name__)
    assert connection.connection is not held


@pytest.mark.parametrize("handler", [lambda delivery: None, failing])
def test_after_a_message_no_alarm_is_left_to_ring(handler: Handler) -> None:
    with suppress(ConnectionError):
        limited({TOPIC: handler}, seconds=60)[TOPIC](Delivery("k", {}))

    left = signal.setitimer(signal.ITIMER_REAL, 0)
    assert left == (0.0, 0.0)


@pytest.mark.django_db(transaction=True)
def test_the_loop_outlives_its_connection_and_stops_when_told() -> None:
    messages = [create_message() for _ in range(2)]
    stop = threading.Event()

    def breaks(delivery: Delivery) -> None:
        if delivery.key == messages[0].key:
            connection.connection.close()
        else:
            stop.set()

    with capture_logs() as logs:
        worker(breaks).run(stop)

    assert [line["event"] for line in logs] == ["outbox failed"]
    assert [state(message) for message in messages] == [
        (1, True, False, False, ""),
        (1, False, True, False, ""),
    ]
