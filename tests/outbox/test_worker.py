"""Promise P17: leases, attempts, retry delays and parking, at fixed times."""

import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from structlog.testing import capture_logs

from takeback.core import clock
from takeback.outbox import commands
from takeback.outbox.commands import LEASE, MAX_ATTEMPTS, RETENTION, claim, retry_delay
from takeback.outbox.models import Message
from takeback.outbox.queries import due_messages, last_worker_run
from takeback.outbox.worker import (
    Delivery,
    Handler,
    HandlerTimeout,
    PermanentFailure,
    Worker,
    with_timeout,
)
from tests.factories import NOW, create_message

MOMENT = timedelta(microseconds=1)
TOPIC = "thing.happened"


class NoSuchCarrier(PermanentFailure):
    """A retry cannot succeed."""


def worker(handler: Handler) -> Worker:
    """A worker of one topic without jitter."""
    return Worker({TOPIC: handler}, jitter=lambda: 0.0)


def failing(delivery: Delivery) -> None:
    """Fail as a provider would, with personal data in the error."""
    raise ConnectionError("jane@example.com was refused")


def state(message: Message) -> tuple[int, bool, bool, bool, str]:
    """The attempts, whether the message is leased, done and parked, and its last error."""
    message.refresh_from_db()
    leased, done, parked = message.leased_until, message.done_at, message.parked_at
    return message.attempts, bool(leased), bool(done), bool(parked), message.last_error


@pytest.mark.django_db
def test_message_is_delivered_with_its_key_and_done() -> None:
    message = create_message(payload={"request_id": 7}, key="thing.happened:7")
    delivered: list[Delivery] = []

    assert worker(delivered.append).deliver_next(NOW) is True
    assert worker(delivered.append).deliver_next(NOW) is False

    assert delivered == [Delivery("thing.happened:7", {"request_id": 7})]
    assert state(message) == (1, False, True, False, "")
    assert message.done_at == NOW


@pytest.mark.django_db
def test_oldest_due_message_comes_first_and_future_ones_wait(frozen_now: datetime) -> None:
    for name, hours in (("b", 1), ("a", 2), ("later", 0)):
        create_message(key=name, due_at=frozen_now - timedelta(hours=hours))
    Message.objects.filter(key="later").update(due_at=frozen_now + MOMENT)
    delivered: list[str] = []

    assert worker(lambda delivery: delivered.append(delivery.key)).deliver_all() == 2

    assert delivered == ["a", "b"]


@pytest.mark.django_db
def test_message_without_handler_waits() -> None:
    message = create_message(topic="of.tomorrow")

    assert worker(failing).deliver_next(NOW) is False
    assert state(message) == (0, False, False, False, "")


@pytest.mark.django_db
def test_idle_worker_runs_one_query(django_assert_num_queries: pytest.FixtureRequest) -> None:
    with django_assert_num_queries(1):  # type: ignore[operator]  # a context manager
        worker(failing).deliver_next(NOW)


@pytest.mark.django_db
def test_worker_looks_for_messages_only_while_it_is_idle() -> None:
    for _ in range(2):
        create_message()
    queries: list[int] = []
    for is_idle in (True, False, False, True):
        with CaptureQueriesContext(connection) as captured:
            worker(lambda delivery: None).deliver_next(NOW, is_idle=is_idle)
        statements = [query["sql"] for query in captured if "outbox_message" in query["sql"]]
        queries.append(len(statements))
    # A look, the claim in two statements, and the end; then no look; then no message.
    assert queries == [4, 3, 1, 1]


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_a_handler_runs() -> None:
    create_message()
    observed: list[tuple[bool, int]] = []

    def observe(delivery: Delivery) -> None:
        observed.append((connection.in_atomic_block, Message.objects.get().attempts))

    worker(observe).deliver_next(NOW)

    assert observed == [(False, 1)]


@pytest.mark.django_db
def test_leased_message_is_not_claimed_until_the_lease_ends() -> None:
    message = create_message()
    assert claim(NOW, [TOPIC]) == message
    delivered: list[Delivery] = []
    other = worker(delivered.append)

    assert other.deliver_next(NOW + LEASE - MOMENT) is False
    assert other.deliver_next(NOW + LEASE) is True

    assert len(delivered) == 1
    assert state(message) == (2, False, True, False, "")


@pytest.mark.django_db
def test_worker_that_lost_its_lease_changes_nothing() -> None:
    message = create_message()
    late = claim(NOW, [TOPIC])
    current = claim(NOW + LEASE, [TOPIC])
    assert late is not None
    assert current is not None

    assert commands.finish(late, NOW) is False
    assert commands.park(late, NoSuchCarrier(), NOW) is False
    assert commands.postpone(late, ValueError(), jitter=0.0, now=NOW) is False
    assert state(message) == (2, True, False, False, "")
    assert commands.finish(current, NOW) is True
    assert commands.finish(late, NOW) is False
    assert state(message) == (2, False, True, False, "")


@pytest.mark.django_db
def test_worker_that_lost_its_lease_logs_it_and_continues() -> None:
    message = create_message()

    def claim_again(delivery: Delivery) -> None:
        claim(NOW + LEASE, [TOPIC])

    with capture_logs() as logs:
        assert worker(claim_again).deliver_next(NOW) is True

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
def test_retry_delay_grows_to_six_hours_and_jitter_shortens_it(attempts: int, seconds: int) -> None:
    assert retry_delay(attempts, 0.0) == timedelta(seconds=seconds)
    assert retry_delay(attempts, 0.5) == timedelta(seconds=seconds * 7 / 8)


@pytest.mark.django_db
def test_failed_message_waits_and_records_the_error_type_only() -> None:
    message = create_message()

    with capture_logs() as logs:
        Worker({TOPIC: failing}, jitter=lambda: 0.4).deliver_next(NOW)

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
def test_success_clears_the_last_error() -> None:
    message = create_message()
    worker(failing).deliver_next(NOW)

    worker(lambda delivery: None).deliver_next(NOW + timedelta(seconds=10))

    assert state(message) == (2, False, True, False, "")


@pytest.mark.django_db
def test_message_is_parked_after_twelve_attempts() -> None:
    message, now = create_message(), NOW
    for _ in range(MAX_ATTEMPTS):
        assert worker(failing).deliver_next(now - MOMENT) is False
        assert worker(failing).deliver_next(now) is True
        message.refresh_from_db()
        now = message.due_at

    assert state(message) == (12, False, False, True, "ConnectionError")
    assert message.parked_at == now == NOW + timedelta(seconds=97_330)
    assert worker(failing).deliver_next(NOW + timedelta(days=365)) is False


@pytest.mark.django_db
def test_message_that_kills_its_worker_twelve_times_is_parked() -> None:
    message, now = create_message(), NOW
    for _ in range(MAX_ATTEMPTS):
        assert claim(now, [TOPIC]) == message
        now += LEASE
    next_message = create_message(due_at=now)

    assert worker(lambda delivery: None).deliver_next(now) is True

    assert state(message) == (12, False, False, True, "WorkerDied")
    assert state(next_message) == (1, False, True, False, "")


@pytest.mark.django_db
def test_permanent_failure_parks_the_message_at_once() -> None:
    message = create_message()

    def refuse(delivery: Delivery) -> None:
        raise NoSuchCarrier("jane@example.com")

    worker(refuse).deliver_next(NOW)

    assert state(message) == (1, False, False, True, "NoSuchCarrier")


@pytest.mark.django_db
def test_parked_messages_are_replayed_by_id_or_by_topic() -> None:
    parked = [create_message(parked_at=NOW, attempts=12, last_error="E") for _ in range(3)]
    other = create_message(topic="other.happened", parked_at=NOW, attempts=12)
    done, waiting = create_message(done_at=NOW), create_message(attempts=3)
    later = NOW + timedelta(hours=1)
    ids = [message.pk for message in (parked[0], done, waiting)]

    assert commands.replay(ids=ids, now=later) == 1
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
    assert worker(lambda delivery: None).deliver_next(later) is True


@pytest.mark.django_db
def test_done_messages_are_pruned_after_thirty_days(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "PRUNED_AT_ONCE", 2)
    for _ in range(3):
        create_message(done_at=NOW - RETENTION)
    remaining = {
        create_message(done_at=NOW - RETENTION + MOMENT).pk,
        create_message(parked_at=NOW - 2 * RETENTION).pk,
        create_message(due_at=NOW - 2 * RETENTION).pk,
    }

    assert [commands.prune(NOW) for _ in range(3)] == [2, 1, 0]
    assert set(Message.objects.values_list("pk", flat=True)) == remaining


@pytest.mark.django_db(transaction=True)
def test_concurrent_workers_run_each_message_once() -> None:
    messages = [create_message() for _ in range(60)]
    deliveries: Counter[str] = Counter()
    start = threading.Barrier(6)

    def work(_: int) -> int:
        own = worker(lambda delivery: deliveries.update([delivery.key]))
        start.wait()
        count = 0
        try:
            # deliver_next also returns False when another worker has just claimed the message.
            while due_messages(NOW, [TOPIC]).exists():
                count += own.deliver_next(NOW)
        finally:
            connection.close()
        return count

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(work, range(6))) == len(messages)

    assert deliveries == Counter({message.key: 1 for message in messages})
    assert set(Message.objects.values_list("attempts", "done_at")) == {(1, NOW)}


@pytest.mark.django_db(transaction=True)
def test_hanging_handler_is_stopped_and_its_connection_closed() -> None:
    message = create_message()
    before = connection.connection

    def hang(delivery: Delivery) -> None:
        threading.Event().wait(60)

    Worker(with_timeout({TOPIC: hang}, seconds=0.05), jitter=lambda: 0.0).deliver_next(NOW)

    assert state(message) == (1, False, False, False, HandlerTimeout.__name__)
    assert connection.connection is not before


@pytest.mark.parametrize("handler", [lambda delivery: None, failing])
def test_no_alarm_is_left_after_a_message(handler: Handler) -> None:
    with suppress(ConnectionError):
        with_timeout({TOPIC: handler}, seconds=60)[TOPIC](Delivery("k", {}))

    remaining = signal.setitimer(signal.ITIMER_REAL, 0)
    assert remaining == (0.0, 0.0)


@pytest.mark.django_db(transaction=True)
def test_worker_survives_a_lost_connection_and_stops_on_request() -> None:
    messages = [create_message() for _ in range(2)]
    stop = threading.Event()

    def break_connection(delivery: Delivery) -> None:
        if delivery.key == messages[0].key:
            connection.connection.close()
        else:
            stop.set()

    with capture_logs() as logs:
        worker(break_connection).run(stop)

    assert [line["event"] for line in logs] == ["outbox failed"]
    assert [state(message) for message in messages] == [
        (1, True, False, False, ""),
        (1, False, True, False, ""),
    ]


@pytest.mark.django_db
def test_worker_records_that_it_runs(frozen_now: datetime) -> None:
    assert last_worker_run() is None
    worker(failing).deliver_all()
    assert last_worker_run() == frozen_now
    commands.record_run(frozen_now + MOMENT)
    assert last_worker_run() == frozen_now + MOMENT


@pytest.mark.django_db
def test_running_worker_records_it_once_a_minute(
    frozen_now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, recorded = threading.Event(), list[datetime]()
    moments = [frozen_now, frozen_now + timedelta(seconds=59), frozen_now + timedelta(seconds=60)]
    monkeypatch.setattr(stop, "wait", lambda seconds: None)
    monkeypatch.setattr(clock, "now", lambda: moments.pop(0))
    monkeypatch.setattr(commands, "record_run", recorded.append)
    monkeypatch.setattr(stop, "is_set", lambda: not moments)
    worker(failing).run(stop)
    assert recorded == [frozen_now, frozen_now + timedelta(seconds=60)]
