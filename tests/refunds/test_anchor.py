"""Anchors: each finished day once, chained, and never before a running booking has ended."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, transaction

from takeback.orders.models import Payment
from takeback.refunds import ledger
from takeback.refunds.commands import anchor
from takeback.refunds.commands.anchor import anchor_day
from takeback.refunds.commands.book import book_found
from takeback.refunds.ledger import START, anchor_hash
from takeback.refunds.models import LedgerAnchor, LedgerEntry
from tests.factories import NOW
from tests.refunds.ledgers import create_payment, find, plan_refund

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("several bookings in one test"),
]
DAY = timedelta(days=1)
MIDNIGHT = datetime(2026, 3, 11, tzinfo=UTC)


def _anchors() -> list[tuple[date, int, int]]:
    anchors = LedgerAnchor.objects.order_by("day")
    return list(anchors.values_list("day", "last_entry", "entries"))


def _ids(before: datetime) -> list[int]:
    return list(
        LedgerEntry.objects.filter(at__lt=before).order_by("pk").values_list("pk", flat=True)
    )


def test_ledger_without_entries_has_no_anchor() -> None:
    assert anchor_day(NOW) == 0
    assert _anchors() == []


def test_each_finished_day_is_anchored_once() -> None:
    payment = create_payment()
    plan_refund(payment, now=NOW)
    find(payment, 5, now=MIDNIGHT - timedelta(microseconds=1))
    find(payment, 7, now=MIDNIGHT)
    ids = list(LedgerEntry.objects.order_by("pk").values_list("pk", flat=True))

    assert anchor_day(MIDNIGHT - timedelta(microseconds=1)) == 0
    assert [anchor_day(MIDNIGHT) for _ in range(2)] == [1, 0]
    assert _anchors() == [(date(2026, 3, 10), ids[3], 4)]
    assert [anchor_day(MIDNIGHT + DAY) for _ in range(2)] == [1, 0]
    assert _anchors()[1:] == [(date(2026, 3, 11), ids[5], 2)]


def test_anchors_of_missed_days_are_made_up_for() -> None:
    payment = create_payment()
    find(payment, 5, now=NOW)
    find(payment, 6, now=NOW + 2 * DAY)
    later = NOW + 4 * DAY
    assert [anchor_day(later) for _ in range(5)] == [1, 1, 1, 1, 0]
    days = [(day.day, entries) for day, _, entries in _anchors()]
    assert days == [(10, 2), (11, 0), (12, 2), (13, 0)]


def test_anchor_covers_its_entries_and_the_anchor_before() -> None:
    payment = create_payment()
    find(payment, 5, now=NOW)
    find(payment, 6, now=NOW + DAY)
    for _ in range(2):
        anchor_day(NOW + 2 * DAY)
    hashes = list(LedgerEntry.objects.order_by("pk").values_list("hash", flat=True))
    first, second = LedgerAnchor.objects.order_by("day")
    assert (first.hash, 2) == anchor_hash(START, first.day, first.last_entry, hashes[:2])
    assert (second.hash, 2) == anchor_hash(first.hash, second.day, second.last_entry, hashes[2:])


def test_entry_with_an_older_time_belongs_to_the_next_anchor() -> None:
    """After a jump of the clock, too, an anchor covers all ids up to its last one."""
    payment = create_payment()
    find(payment, 5, now=NOW)
    find(payment, 6, now=NOW + DAY)
    find(payment, 7, now=NOW)
    for _ in range(2):
        anchor_day(NOW + 2 * DAY)
    assert [(day.day, entries) for day, _, entries in _anchors()] == [(10, 2), (11, 4)]


def test_hashes_are_read_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anchor, "BATCH_SIZE", 3)
    payment = create_payment()
    for amount in range(1, 6):
        find(payment, amount)
    entries = list(LedgerEntry.objects.order_by("pk").values_list("pk", "hash"))
    between = anchor.hashes_between(entries[1][0], entries[8][0])
    assert list(between) == [entry_hash for _, entry_hash in entries[2:9]]


def test_anchor_of_another_worker_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    find(create_payment(), 5)

    def slow(*arguments: object) -> tuple[str, int]:
        monkeypatch.setattr(ledger, "anchor_hash", anchor_hash)
        assert anchor_day(MIDNIGHT) == 1
        return "late", 2

    monkeypatch.setattr(ledger, "anchor_hash", slow)
    assert anchor_day(MIDNIGHT) == 0
    assert LedgerAnchor.objects.get().hash != "late"


@pytest.mark.skipif(connection.vendor == "sqlite", reason="a booking is SQLite's only writer")
@pytest.mark.django_db(transaction=True)
def test_anchor_waits_for_a_running_booking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anchor, "_ATTEMPTS", 3)
    first, second = create_payment(), create_payment("2")
    is_booked, may_commit = threading.Event(), threading.Event()

    def book_slowly() -> None:
        with transaction.atomic():
            book_found(Payment.objects.get(pk=first.pk), 5, NOW)
            is_booked.set()
            may_commit.wait(30)
        connection.close()

    booking = threading.Thread(target=book_slowly)
    booking.start()
    is_booked.wait(30)
    # Its ids are larger, but it commits first.
    find(second, 7)
    assert anchor_day(MIDNIGHT) == 0
    may_commit.set()
    booking.join()
    assert anchor_day(MIDNIGHT) == 1
    assert _anchors() == [(date(2026, 3, 10), max(_ids(MIDNIGHT)), 4)]
