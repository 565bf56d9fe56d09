"""Promise P24, the counter itself: exact at any concurrency, silent about what it counts."""

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


def one(key: str = "k", allowed: int = 3, window_seconds: int = 60, hits: int = 1) -> Bucket:
    """A bucket."""
    return Bucket(key, allowed, window_seconds, hits)


@pytest.mark.django_db
def test_hits_add_up_and_say_how_long_the_window_still_runs() -> None:
    assert increment([one()], NOW) == {"k": Count(1, 60)}
    assert increment([one()], NOW + timedelta(seconds=59)) == {"k": Count(2, 1)}


@pytest.mark.django_db
def test_a_window_ends_to_the_second_and_the_next_hit_starts_another() -> None:
    increment([one()], NOW)

    assert increment([one()], NOW + timedelta(seconds=60)) == {"k": Count(1, 60)}


@pytest.mark.django_db
def test_looking_counts_nothing() -> None:
    def look(*, after: int) -> Count:
        return increment([one("other"), one(hits=0)], NOW + timedelta(seconds=after))["k"]

    assert look(after=0) == Count(0, 60)
    assert increment([one(hits=2)], NOW)["k"].hits == 2
    assert [look(after=59), look(after=60)] == [Count(2, 1), Count(0, 60)]
    assert Counter.objects.get(key="k").hits == 2


@pytest.mark.django_db(transaction=True)
def test_looking_waits_for_nobody() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    increment([one("shop")], NOW)
    looked = Event()

    def another() -> int:
        try:
            return increment([one("other"), one("shop", hits=0)], NOW)["shop"].hits
        finally:
            looked.set()
            connection.close()

    with ThreadPoolExecutor(1) as threads, transaction.atomic():
        increment([one("shop")], NOW)
        seen = threads.submit(another)
        assert looked.wait(20)
    assert seen.result() == 1


@pytest.mark.django_db
def test_several_buckets_are_counted_by_one_statement(
    django_assert_num_queries: pytest.FixtureRequest,
) -> None:
    with django_assert_num_queries(1):  # type: ignore[operator]  # a context manager
        counts = increment([one("b"), one("a"), one("c", hits=0)], NOW)

    assert counts == {"a": Count(1, 60), "b": Count(1, 60), "c": Count(0, 60)}


@pytest.mark.django_db
def test_what_is_given_back_was_never_counted_and_never_less_than_nothing() -> None:
    increment([one("a"), one("b")], NOW)

    decrement(["a", "b"])
    decrement(["a", "unknown", "unknown"])

    assert dict(Counter.objects.values_list("key", "hits")) == {"a": 0, "b": 0, "unknown": 0}
    assert prune(NOW) == 1
    assert increment([one("a"), one("b")], NOW) == {"a": Count(1, 60), "b": Count(1, 60)}


@pytest.mark.django_db
def test_one_too_many_is_refused_until_the_longest_wait_is_over() -> None:
    short, long = one("a", allowed=1, window_seconds=60), one("b", allowed=1, window_seconds=900)
    enforce([short, long], increment([short, long], NOW))

    with pytest.raises(Refused) as refused:
        enforce([short, long], increment([short, long], NOW + timedelta(seconds=10)))

    assert refused.value.problem.code == "too_many_requests"
    assert refused.value.context == {"retry_after_seconds": 890}


def test_nobody_is_told_to_come_again_at_once() -> None:
    with pytest.raises(Refused) as refused:
        enforce([one(allowed=1)], {"k": Count(2, 0)})

    assert refused.value.context == {"retry_after_seconds": 1}


@pytest.mark.django_db
def test_only_windows_that_are_over_are_forgotten() -> None:
    increment([one("a"), one("b", window_seconds=61)], NOW)

    assert prune(NOW + timedelta(seconds=60)) == 1
    assert list(Counter.objects.values_list("key", flat=True)) == ["b"]


@pytest.mark.django_db
def test_windows_are_forgotten_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "PRUNED_AT_ONCE", 2)
    increment([one("a"), one("b"), one("c")], NOW)

    assert [prune(NOW + timedelta(seconds=60)) for _ in range(3)] == [2, 1, 0]


@pytest.mark.django_db(transaction=True)
def test_forgetting_waits_for_nobody_and_leaves_what_is_being_counted() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    increment([one("a"), one("b"), one("c")], NOW)
    later = NOW + timedelta(seconds=60)
    forgot = Event()

    def another() -> int:
        try:
            return prune(later)
        finally:
            forgot.set()
            connection.close()

    with ThreadPoolExecutor(1) as threads, transaction.atomic():
        increment([one("b")], later)
        forgotten = threads.submit(another)
        assert forgot.wait(20)
    assert forgotten.result() == 2
    assert list(Counter.objects.values_list("key", "hits")) == [("b", 1)]


def test_the_name_of_a_bucket_does_not_tell_what_was_sent() -> None:
    name = key_of("lookup-email", "1", "jane@example.com")

    assert name.startswith("lookup-email:")
    assert "jane" not in name
    assert len(name) <= 80
    assert name == key_of("lookup-email", "1", "jane@example.com")
    assert name != key_of("lookup-email", "1j", "ane@example.com")
    assert name != key_of("lookup-number", "1", "jane@example.com")


def test_parts_of_a_name_do_not_run_into_each_other() -> None:
    assert key_of("pair", "a", "bc") != key_of("pair", "ab", "c")


@pytest.mark.django_db(transaction=True)
def test_of_many_hits_at_once_exactly_the_allowed_number_pass(long_run: bool) -> None:
    each = 200 if long_run else 4

    def tries(_: int) -> Tally[bool]:
        try:
            return Tally(
                increment([one(allowed=ALLOWED)], NOW)["k"].hits <= ALLOWED for _ in range(each)
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as threads:
        passed = sum(threads.map(tries, range(THREADS)), Tally())

    assert passed == {True: ALLOWED, False: THREADS * each - ALLOWED}
    assert Counter.objects.get().hits == THREADS * each


KEYS = [f"k{number:02}" for number in range(20)]
ROUNDS = 3
CALLS = 40


def _raced(clients: Clients, *acts: Callable[[], object]) -> dict[str, int]:
    """What becomes of acts at once, each done many times."""
    _lay_reversed()
    return dict(clients.race([partial(_again, act) for act in acts]))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "act",
    [lambda: increment([one(key) for key in reversed(KEYS)], NOW), lambda: decrement(KEYS)],
    ids=["count", "give back"],
)
def test_whoever_waits_for_the_first_key_holds_no_other(act: Callable[[], object]) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    _lay_reversed()

    def another() -> None:
        try:
            act()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            increment([one(KEYS[0])], NOW)
            waiting = threads.submit(another)
            while not (_somebody_waits() or waiting.done()):
                pass
            # Were this one held meanwhile, both would wait, and one of them would fail.
            increment([one(KEYS[-1])], NOW)
        waiting.result()


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


def _lay_reversed() -> None:
    """The rows lie in the table against the order of their keys."""
    Counter.objects.all().delete()
    for key in reversed(KEYS):
        increment([one(key)], NOW)


def _again(act: Callable[[], object]) -> None:
    for _ in range(CALLS):
        act()


@pytest.mark.django_db(transaction=True)
def test_buckets_in_either_order_never_wait_for_each_other_for_ever(long_run: bool) -> None:
    forth = partial(increment, [one(key) for key in KEYS], NOW)
    back = partial(increment, [one(key) for key in reversed(KEYS)], NOW)

    with Clients(4) as clients:
        for _ in range(100 if long_run else ROUNDS):
            assert _raced(clients, forth, back, forth, back) == {WON: 4}
            assert set(Counter.objects.values_list("hits", flat=True)) == {4 * CALLS + 1}


@pytest.mark.django_db(transaction=True)
def test_what_is_given_back_never_waits_for_what_is_counted_for_ever(long_run: bool) -> None:
    count, uncount = partial(increment, [one(key) for key in KEYS], NOW), partial(decrement, KEYS)

    with Clients(4) as clients:
        for _ in range(100 if long_run else ROUNDS):
            assert _raced(clients, count, uncount, count, uncount) == {WON: 4}
