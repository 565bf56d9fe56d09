"""The pool: handlers run side by side, and a lane that hangs delays no other."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection, connections
from structlog.testing import capture_logs

from takeback.core import clock
from takeback.outbox import commands, pool
from takeback.outbox.commands import claim
from takeback.outbox.models import Message
from takeback.outbox.pool import Pool
from takeback.outbox.worker import Delivery, Handler
from tests.factories import NOW, create_message

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.allow_repeated_queries("each message queries again"),
]

TOPIC = "thing.sent"
WAIT = 20.0
"""Seconds after which a test that waits for threads fails."""


@contextmanager
def running(handler: Handler, per_lane: int = 2) -> Iterator[threading.Event]:
    """A pool in a thread of its own; it has ended when the block has."""
    stop = threading.Event()
    thread = threading.Thread(target=Pool({TOPIC: handler}, per_lane).run, args=(stop,))
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(WAIT)
        assert not thread.is_alive()


def create(lane: int, number: int = 1) -> list[Message]:
    return [create_message(topic=TOPIC, payload={"lane": lane}) for _ in range(number)]


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def done() -> int:
    return Message.objects.filter(done_at__isnull=False).count()


def test_lane_that_hangs_leaves_the_others_alone() -> None:
    hanging, release = Counter[int](), threading.Event()
    create(lane=1, number=6)

    def handle(delivery: Delivery) -> None:
        if delivery.payload["lane"] == 1:
            hanging[1] += 1
            release.wait(WAIT)

    with running(handle):
        wait_until(lambda: hanging[1] == 2)
        create(lane=2, number=5)
        wait_until(lambda: done() == 5)
        # The lane is full: its other messages are not even claimed.
        assert Message.objects.filter(attempts=0, payload__lane=1).count() == 4
        release.set()
        wait_until(lambda: done() == 11)

    assert set(Message.objects.values_list("attempts", flat=True)) == {1}


def test_messages_are_claimed_one_by_one_as_places_become_free() -> None:
    running_now, most = [0], [0]
    lock = threading.Lock()
    create(lane=1, number=12)

    def handle(delivery: Delivery) -> None:
        with lock:
            running_now[0] += 1
            most[0] = max(most[0], running_now[0])
        time.sleep(0.02)
        with lock:
            running_now[0] -= 1

    with running(handle, per_lane=3):
        wait_until(lambda: done() == 12)

    assert most[0] == 3


def test_each_thread_has_its_own_connection_and_closes_it() -> None:
    used: dict[str, object] = {}
    closed: list[bool] = []
    barrier = threading.Barrier(2)
    create(lane=1, number=2)

    def handle(delivery: Delivery) -> None:
        Message.objects.count()
        used[threading.current_thread().name] = connections["default"].connection
        barrier.wait(WAIT)

    close = type(connections["default"]).close

    def counting_close(database: object) -> None:
        closed.append(True)
        close(database)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(connections["default"]), "close", counting_close)
        with running(handle):
            wait_until(lambda: done() == 2)

    assert len(used) == 2
    assert len(set(map(id, used.values()))) == 2
    assert connection.connection not in used.values()
    # Two threads and the one that claims.
    assert len(closed) == 3


def test_stop_lets_running_handlers_finish_and_claims_nothing_else() -> None:
    started, release = threading.Event(), threading.Event()
    first, second = create(lane=1, number=2)

    def handle(delivery: Delivery) -> None:
        started.set()
        release.wait(WAIT)

    with running(handle, per_lane=1) as stop:
        started.wait(WAIT)
        stop.set()
        time.sleep(0.05)
        release.set()

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.attempts, first.done_at is not None) == (1, True)
    assert (second.attempts, second.done_at) == (0, None)


def test_failed_handler_is_postponed_and_frees_its_place() -> None:
    create(lane=1, number=3)

    def handle(delivery: Delivery) -> None:
        raise ConnectionError

    with running(handle, per_lane=1):
        wait_until(lambda: Message.objects.filter(last_error="ConnectionError").count() == 3)

    assert set(Message.objects.values_list("attempts", "leased_until")) == {(1, None)}


def test_lost_connection_stops_neither_the_pool_nor_its_threads() -> None:
    messages = create(lane=1, number=2)

    def handle(delivery: Delivery) -> None:
        if delivery.key == messages[0].key:
            Message.objects.count()
            connection.connection.close()

    with capture_logs() as logs, running(handle, per_lane=1):
        wait_until(lambda: done() == 1)

    assert "outbox failed" in {line["event"] for line in logs}
    assert Message.objects.get(done_at__isnull=False).key == messages[1].key


def test_pool_waits_while_the_database_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [OperationalError, OperationalError]
    original = commands.claim

    def unavailable(*arguments: object, **named: object) -> object:
        if failures:
            raise failures.pop()
        return original(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(commands, "claim", unavailable)
    create(lane=1)

    with capture_logs() as logs, running(lambda delivery: None):
        wait_until(lambda: done() == 1)

    assert [line["event"] for line in logs].count("outbox failed") == 2


def test_number_of_threads_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "MAX_THREADS", 3)
    release, started = threading.Event(), Counter[int]()
    lock = threading.Lock()
    for lane in range(1, 6):
        create(lane)

    def handle(delivery: Delivery) -> None:
        with lock:
            started[0] += 1
        release.wait(WAIT)

    with running(handle):
        wait_until(lambda: started[0] == 3)
        time.sleep(0.1)
        assert started[0] == 3
        release.set()
        wait_until(lambda: done() == 5)


def test_full_lanes_are_left_out_of_a_claim() -> None:
    full, free = create(lane=1)[0], create(lane=2)[0]
    without = create_message(topic=TOPIC)

    assert claim(NOW, [TOPIC], full_lanes=[1]) == free
    assert claim(NOW, [TOPIC], full_lanes=[1]) == without
    assert claim(NOW, [TOPIC], full_lanes=[1]) is None
    assert claim(NOW, [TOPIC]) == full


def test_defect_of_the_pool_stops_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service manager starts it again; a worker that sends nothing would go unnoticed."""

    def defect(*arguments: object, is_idle: bool) -> bool:
        raise RuntimeError

    monkeypatch.setattr(Pool, "_start_next", defect)
    stop = threading.Event()

    with pytest.raises(RuntimeError):
        Pool({TOPIC: lambda delivery: None}, 1).run(stop)
    assert stop.is_set()


def test_due_time_is_that_of_the_clock() -> None:
    message = create_message(topic=TOPIC, payload={"lane": 1}, due_at=clock.now())

    with running(lambda delivery: None):
        wait_until(lambda: done() == 1)

    message.refresh_from_db()
    assert message.attempts == 1
