"""A system that follows a list of changes misses none (decision 0028)."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from random import Random
from threading import Event, local
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError

from takeback.cancellations.commands.edit import Edit, edit_case
from takeback.cancellations.commands.import_completed import CompletedCase, record_completed
from takeback.cancellations.commands.transition import confirm, reject
from takeback.cancellations.inputs import NewImage
from takeback.cancellations.models import (
    CancellationPlan,
    CancellationRequest,
    CancellationRequestImage,
)
from takeback.channel import changes
from takeback.core import clock
from takeback.core.db import change_time
from takeback.core.db.change_time import ChangeTime, visible_before
from takeback.core.ids import CaseId, ItemId
from takeback.orders.commands.update_items import mark_as_sent
from takeback.orders.models import Order
from tests import factories
from tests.cancellations.factories import SCOPE, STAFF, open_case, order_items
from tests.channel import shop
from tests.channel.following import START, Follower, in_thread
from tests.channel.sync import BASE, send
from tests.conftest import CI, LONG

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(0 if LONG else 600),
]

ORDERS, CASES = f"{BASE}orders/updates/", f"{BASE}cancellation_requests/updates/"
WRITERS, ROWS = 8, 24
ROUNDS, SECONDS, HELD_SECONDS = (20, 60, 90) if LONG else (2, 10 if CI else 3, 1)

postgresql_only = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has one writer at a time"
)


@pytest.fixture(autouse=True)
def unlimited(settings: Any) -> None:
    """Polls and writes without the limit of a key."""
    settings.LIMITS_ENABLED = False


def change(order: Order) -> None:
    """A change of an order that lists of changes show."""
    is_send = Order.objects.values_list("is_send", flat=True).get(pk=order.pk)
    mark_as_sent([shop.SHOP], order.pk, is_send=not is_send, now=clock.now())


@contextmanager
def open_transaction(act: Callable[[], object]) -> Iterator[Event]:
    """Another client's transaction, which commits when the event is set or the block ends."""
    ready, finish = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            act()
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            ready.set()
            assert finish.wait(2 * HELD_SECONDS + 60)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(in_thread(hold))
        try:
            while not ready.wait(0.05):
                assert not holding.done(), holding.result()
            yield finish
        finally:
            finish.set()
    holding.result()


@postgresql_only
def test_change_that_commits_late_is_not_missed() -> None:
    late, early = (factories.create_order(number=number) for number in "AB")
    follower = Follower(shop.client(), ORDERS, limit=10)
    assert follower.poll() == [late.pk, early.pk]

    with open_transaction(lambda: change(late)) as finish:
        change(early)
        until = time.monotonic() + HELD_SECONDS
        while time.monotonic() < until:
            assert follower.poll() == []
            time.sleep(0.1)
        finish.set()

    assert follower.poll() == [late.pk, early.pk]
    assert all(row["is_send"] for row in follower.rows.values())


@postgresql_only
def test_late_plan_keeps_the_latest_plans_back() -> None:
    plans = [
        factories.create_plan(case=factories.create_case(item=item).pk)
        for item in (factories.items_of(factories.create_order(number=n))[0] for n in "AB")
    ]
    caller, path = shop.client(), f"{BASE}cancellation_plans/updates/"

    def changed(plan: CancellationPlan) -> None:
        with transaction.atomic():
            CancellationPlan.objects.filter(pk=plan.pk).update(modified_date=ChangeTime())

    with open_transaction(lambda: changed(plans[0])):
        changed(plans[1])
        assert [row["pk"] for row in send(caller, "GET", path).json()] == [plans[0].pk]

    assert [row["pk"] for row in send(caller, "GET", path).json()] == [plans[1].pk, plans[0].pk]


@postgresql_only
def test_open_transaction_without_changes_delays_nothing() -> None:
    order = factories.create_order()
    follower = Follower(shop.client(), ORDERS, limit=10)

    def read_and_lock() -> None:
        list(Order.objects.select_for_update().filter(number="none"))
        shop.key()

    with open_transaction(read_and_lock):
        change(order)
        assert follower.poll() == [order.pk]


@postgresql_only
def test_announcement_bounds_the_times_of_its_transaction() -> None:
    before = visible_before()
    assert before is not None
    times: list[datetime] = []
    order = factories.create_order()

    def write() -> None:
        change(order)
        times.append(Order.objects.get().modified_date)

    with open_transaction(write):
        during = visible_before()
        assert during is not None
        assert before < during < times[0] < datetime.now(UTC) + timedelta(minutes=1)
        assert visible_before() == during
    after = visible_before()
    assert after is not None
    assert after > times[0]


def test_time_of_a_change_needs_a_transaction() -> None:
    factories.create_order()

    with pytest.raises(TransactionManagementError):
        Order.objects.update(modified_date=ChangeTime())


@pytest.mark.parametrize("by_link", [False, True])
def test_page_is_not_cut_between_rows_of_one_time(by_link: bool) -> None:
    cases = [
        factories.create_case(item=factories.items_of(factories.create_order(number=str(n)))[0]).pk
        for n in range(7)
    ]
    later = factories.NOW + timedelta(hours=1)
    CancellationRequest.objects.filter(pk__in=cases[1:6]).update(modified_date=later)
    CancellationRequest.objects.filter(pk=cases[6]).update(modified_date=later + timedelta(hours=1))
    follower = Follower(shop.client(), CASES, limit=2, by_link=by_link)

    first = send(follower.caller, "GET", f"{CASES}?modified_date__gt={START}&limit=2").json()

    assert (first["count"], [row["pk"] for row in first["results"]]) == (7, cases[:6])
    assert first["next"].endswith(
        f"{CASES}?limit=2&modified_date__gt=2026-03-10T13%3A00%3A00.000000Z"
    )
    assert follower.poll() == cases


def test_orders_of_one_batch_have_distinct_times() -> None:
    factories.create_channel()
    factories.ingest(*(factories.order_input(number=str(number)) for number in range(5)))

    assert len(set(Order.objects.values_list("modified_date", flat=True))) == 5


@pytest.mark.allow_repeated_queries("the test runs several commands")
def test_commands_take_the_time_of_the_database() -> None:
    factories.create_channel()
    customer, reason = factories.create_customer(), factories.create_reason()
    (item, other, third) = order_items({}, {}, {}, customer=customer)
    images = (NewImage("cases/1.jpg", "0" * 64, None),)
    cases = [open_case(new, reason=reason.pk, images=images) for new in (item, other)]
    for case, act in zip(cases, (confirm, reject), strict=True):
        act(case, SCOPE, actor=STAFF, now=factories.NOW)
    completed = CompletedCase(ItemId(third.pk), 1, "R-1", factories.NOW)
    record_completed(shop.SHOP, [completed], reason_id=reason.pk, now=factories.NOW)

    for model in (Order, CancellationRequest, CancellationPlan, CancellationRequestImage):
        assert model.objects.exists()
        assert not model.objects.filter(modified_date=factories.NOW).exists()


class Shop:
    """Orders with a case each, and writers that change them and commit at different times."""

    def __init__(self) -> None:
        self.orders = [factories.create_order(number=str(number)) for number in range(ROWS)]
        reason = factories.create_reason()
        self.cases = [
            factories.create_case(item=factories.items_of(order)[0], reason=reason).pk
            for order in self.orders
        ]
        self.followers = [
            Follower(shop.client(), path, limit, by_link=limit == 5)
            for path in (ORDERS, CASES)
            for limit in (5, 100)
        ]
        self.numbers = count()

    def write(self, seed: int, until: float) -> None:
        rng = Random(seed)
        while time.monotonic() < until:
            before_change()
            with transaction.atomic():
                for at in sorted(rng.sample(range(ROWS), rng.choice((1, 1, 3)))):
                    edit = Edit(description=str(next(self.numbers)))
                    edit_case(CaseId(self.cases[at]), SCOPE, edit, actor=STAFF, now=clock.now())
                    change(self.orders[at])
                time.sleep(rng.choice((0, 0.005, 0.05)))

    def run(self, seconds: float) -> None:
        until, stop = time.monotonic() + seconds, Event()
        with ThreadPoolExecutor(WRITERS + len(self.followers)) as pool:
            reads = [pool.submit(follower.run, stop) for follower in self.followers]
            writes = [
                pool.submit(in_thread(partial(self.write, seed, until))) for seed in range(WRITERS)
            ]
            try:
                for write in writes:
                    write.result()
            finally:
                stop.set()
            for read in reads:
                read.result()

    def missed(self) -> int:
        """How many rows a follower has in a state that is not the stored one."""
        orders = dict(Order.objects.values_list("pk", "is_send"))
        cases = dict(CancellationRequest.objects.values_list("pk", "description"))
        missed = 0
        for follower in self.followers:
            is_of_orders = follower.path == ORDERS
            column, stored = ("is_send", orders) if is_of_orders else ("description", cases)
            missed += sum(
                pk not in follower.rows or follower.rows[pk][column] != value
                for pk, value in stored.items()
            )
        return missed


_thread = local()


def before_change() -> None:
    """Remember the time before the transaction, which rows had as their `modified_date` before."""
    _thread.now = clock.now()


@pytest.mark.thorough
@pytest.mark.heavy("postgresql")
def test_followers_have_the_final_state_of_every_row() -> None:
    rows = Shop()

    for _ in range(ROUNDS):
        before = next(rows.numbers)
        rows.run(SECONDS)
        assert next(rows.numbers) > before + WRITERS
        assert rows.missed() == 0
        for follower in rows.followers:
            assert follower.poll() == []


@pytest.mark.heavy("postgresql")
def test_without_the_mechanism_followers_miss_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Shop()
    if connection.vendor == "postgresql":
        monkeypatch.setattr(changes, "visible_before", lambda: None)
    else:
        monkeypatch.setattr(change_time, "sqlite_time", lambda connection: _thread.now)

    for _ in range(20):
        rows.run(1)
        if rows.missed():
            return
    pytest.fail("no change was missed, so the mechanism was not tested")
