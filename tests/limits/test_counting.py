"""Promise P24, the counter: exact at any concurrency, without personal data in its keys."""

from collections import Counter as Tally
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Event

import pytest
from django.db import connection, transaction

from takeback.core.errors import Refused
from takeback.limits import commands
from takeback.limits.commands import Bucket, Count, decrement, enforce, increment, key_of, prune
from takeback.limits.models import Counter
from tests.factories import NOW
from tests.rigs.races import WON, Clients

THREADS = 64
ALLOWED = 50


def bucket(key: str = "k", allowed: int = 3, window_seconds: int = 60, hits: int = 1) -> Bucket:
    """A bucket with the defaults of these tests."""
    return Bucket(key, allowed, window_seconds, hits)


@pytest.mark.django_db
def test_hits_add_up_and_report_the_seconds_left() -> None:
    assert increment([bucket()], NOW) == {"k": Count(1, 60)}
    assert increment([bucket()], NOW + timedelta(seconds=59)) == {"k": Count(2, 1)}


@pytest.mark.django_db
def test_hit_after_the_window_starts_a_new_window() -> None:
    increment([bucket()], NOW)

    assert increment([bucket()], NOW + timedelta(seconds=60)) == {"k": Count(1, 60)}


@pytest.mark.django_db
def test_peeking_counts_nothing() -> None:
    def peek(*, after: int) -> Count:
        return increment([bucket("other"), bucket(hits=0)], NOW + timedelta(seconds=after))["k"]

    assert peek(after=0) == Count(0, 60)
    assert increment([bucket(hits=2)], NOW)["k"].hits == 2
    assert [peek(after=59), peek(after=60)] == [Count(2, 1), Count(0, 60)]
    assert Counter.objects.get(key="k").hits == 2


@pytest.mark.django_db(transaction=True)
def test_peeking_does_not_wait_for_a_lock() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    increment([bucket("shop")], NOW)
    peeked = Event()

    def another() -> int:
        try:
            return increment([bucket("other"), bucket("shop", hits=0)], NOW)["shop"].hits
        finally:
            peeked.set()
            connection.close()

    with ThreadPoolExecutor(1) as threads, transaction.atomic():
        increment([bucket("shop")], NOW)
        result = threads.submit(another)
        assert peeked.wait(20)
    assert result.result() == 1


@pytest.mark.django_db
def test_several_buckets_are_counted_in_one_statement(
    django_assert_num_queries: pytest.FixtureRequest,
) -> None:
    with django_assert_num_queries(1):  # type: ignore[operator]  # a context manager
        counts = increment([bucket("b"), bucket("a"), bucket("c", hits=0)], NOW)

    assert counts == {"a": Count(1, 60), "b": Count(1, 60), "c": Count(0, 60)}


@pytest.mark.django_db
def test_decrement_takes_a_hit_back_and_stops_at_zero() -> None:
    increment([bucket("a"), bucket("b")], NOW)

    decrement(["a", "b"])
    decrement(["a", "unknown", "unknown"])

    assert dict(Counter.objects.values_list("key", "hits")) == {"a": 0, "b": 0, "unknown": 0}
    assert prune(NOW) == 1
    assert increment([bucket("a"), bucket("b")], NOW) == {"a": Count(1, 60), "b": Count(1, 60)}


@pytest.mark.django_db
def test_refusal_carries_the_longest_wait() -> None:
    short, long = (
        bucket("a", allowed=1, window_seconds=60),
        bucket("b", allowed=1, window_seconds=900),
    )
    enforce([short, long], increment([short, long], NOW))

    with pytest.raises(Refused) as refused:
        enforce([short, long], increment([short, long], NOW + timedelta(seconds=10)))

    assert refused.value.problem.code == "too_many_requests"
    assert refused.value.context == {"retry_after_seconds": 890}


def test_wait_is_at_least_one_second() -> None:
    with pytest.raises(Refused) as refused:
        enforce([bucket(allowed=1)], {"k": Count(2, 0)})

    assert refused.value.context == {"retry_after_seconds": 1}


@pytest.mark.django_db
def test_prune_deletes_ended_windows_only() -> None:
    increment([bucket("a"), bucket("b", window_seconds=61)], NOW)

    assert prune(NOW + timedelta(seconds=60)) == 1
    assert list(Counter.objects.values_list("key", flat=True)) == ["b"]


@pytest.mark.django_db
def test_prune_deletes_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "PRUNED_AT_ONCE", 2)
    increment([bucket("a"), bucket("b"), bucket("c")], NOW)

    assert [prune(NOW + timedelta(seconds=60)) for _ in range(3)] == [2, 1, 0]


@pytest.mark.django_db(transaction=True)
def test_prune_skips_locked_rows() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    increment([bucket("a"), bucket("b"), bucket("c")], NOW)
    later = NOW + timedelta(seconds=60)
    pruned = Event()

    def another() -> int:
        try:
            return prune(later)
        finally:
            pruned.set()
            connection.close()

    with ThreadPoolExecutor(1) as threads, transaction.atomic():
        increment([bucket("b")], later)
        deleted = threads.submit(another)
        assert pruned.wait(20)
    assert deleted.result() == 2
    assert list(Counter.objects.values_list("key", "hits")) == [("b", 1)]


def test_bucket_key_hashes_its_parts() -> None:
    key = key_of("lookup-email", "1", "jane@example.com")

    assert key.startswith("lookup-email:")
    assert "jane" not in key
    assert len(key) <= 80
    assert key == key_of("lookup-email", "1", "jane@example.com")
    assert key != key_of("lookup-email", "1j", "ane@example.com")
    assert key != key_of("lookup-number", "1", "jane@example.com")


def test_parts_of_a_key_are_separated() -> None:
    assert key_of("pair", "a", "bc") != key_of("pair", "ab", "c")


@pytest.mark.django_db(transaction=True)
def test_exactly_the_allowed_number_of_concurrent_hits_pass(long_run: bool) -> None:
    attempts = 200 if long_run else 4

    def tries(_: int) -> Tally[bool]:
        try:
            return Tally(
                increment([bucket(allowed=ALLOWED)], NOW)["k"].hits <= ALLOWED
                for _ in range(attempts)
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as threads:
        passed = sum(threads.map(tries, range(THREADS)), Tally())

    assert passed == {True: ALLOWED, False: THREADS * attempts - ALLOWED}
    assert Counter.objects.get().hits == THREADS * attempts


KEYS = [f"k{number:02}" for number in range(20)]
ROUNDS = 3
CALLS = 40


def _raced(clients: Clients, *acts: Callable[[], object]) -> dict[str, int]:
    """The results of concurrent acts, each repeated many times."""
    _insert_in_reverse()
    return dict(clients.race([partial(_repeat, act) for act in acts]))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "act",
    [lambda: increment([bucket(key) for key in reversed(KEYS)], NOW), lambda: decrement(KEYS)],
    ids=["increment", "decrement"],
)
def test_statement_waiting_for_the_first_key_holds_no_other_lock(act: Callable[[], object]) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    _insert_in_reverse()

    def another() -> None:
        try:
            act()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            increment([bucket(KEYS[0])], NOW)
            waiting = threads.submit(another)
            while not (_has_waiting_lock() or waiting.done()):
                pass
            # If the other statement held this key, both would wait, and one would fail.
            increment([bucket(KEYS[-1])], NOW)
        waiting.result()


def _has_waiting_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


def _insert_in_reverse() -> None:
    """Insert the rows against the order of their keys."""
    Counter.objects.all().delete()
    for key in reversed(KEYS):
        increment([bucket(key)], NOW)


def _repeat(act: Callable[[], object]) -> None:
    for _ in range(CALLS):
        act()


@pytest.mark.django_db(transaction=True)
def test_increments_in_opposite_order_do_not_deadlock(long_run: bool) -> None:
    forward = partial(increment, [bucket(key) for key in KEYS], NOW)
    backward = partial(increment, [bucket(key) for key in reversed(KEYS)], NOW)

    with Clients(4) as clients:
        for _ in range(100 if long_run else ROUNDS):
            assert _raced(clients, forward, backward, forward, backward) == {WON: 4}
            assert set(Counter.objects.values_list("hits", flat=True)) == {4 * CALLS + 1}


@pytest.mark.django_db(transaction=True)
def test_increment_and_decrement_do_not_deadlock(long_run: bool) -> None:
    count, uncount = (
        partial(increment, [bucket(key) for key in KEYS], NOW),
        partial(decrement, KEYS),
    )

    with Clients(4) as clients:
        for _ in range(100 if long_run else ROUNDS):
            assert _raced(clients, count, uncount, count, uncount) == {WON: 4}
