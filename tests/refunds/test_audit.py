"""The check of the ledger finds every change of its rows, and every difference from refunds."""

import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F, Max
from django.test.utils import CaptureQueriesContext

from takeback.orders.models import Order, Payment
from takeback.refunds import audit, money_rows
from takeback.refunds.audit import CHAIN_CODES, Code, Difference
from takeback.refunds.commands.anchor import anchor_day
from takeback.refunds.models import LedgerAnchor, LedgerEntry, LedgerHead, Refund, RefundPart
from takeback.refunds.statuses import Status
from tests.conftest import CI, LONG
from tests.factories import NOW
from tests.refunds.ledgers import (
    COMPLETED_PLAN,
    create_full_ledger,
    create_payment,
    find,
    part,
    plan_refund,
    refund_in,
    rehash,
    rows_of,
)
from tests.rigs.ledger import without_triggers

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("several refunds in one test"),
]
TAMPERINGS = 200 if CI or LONG else 30


def _differences(*completed: int) -> list[Difference]:
    plans = {COMPLETED_PLAN, *completed}
    return list(audit.differences(lambda first, last: plans, lambda done, total: None))


def _lines() -> list[str]:
    return [str(difference) for difference in _differences()]


def _anchor_all() -> None:
    newest = LedgerEntry.objects.aggregate(at=Max("at"))["at"]
    while anchor_day(newest + timedelta(days=2)):
        pass


@pytest.fixture
def payment() -> Payment:
    """A payment with one planned refund."""
    payment = create_payment()
    plan_refund(payment)
    return payment


def test_ledger_of_all_statuses_has_no_difference() -> None:
    create_full_ledger()
    _anchor_all()
    assert _lines() == []
    extent = audit.extent()
    assert (extent.entries, extent.anchors) == (LedgerEntry.objects.count(), 9)
    assert extent.newest_anchor == LedgerAnchor.objects.get(day="2026-03-18")


def test_orders_are_read_in_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    create_full_ledger()
    monkeypatch.setattr(money_rows, "RANGE_SIZE", 2)
    progress: list[tuple[int, int]] = []
    plans = {COMPLETED_PLAN}
    differences = audit.differences(lambda *_: plans, lambda *counts: progress.append(counts))
    assert list(differences) == []
    assert progress == [(1, 3), (2, 3), (3, 3)]


def test_number_of_queries_does_not_depend_on_the_orders() -> None:
    counts = []
    for number in ("1", "2"):
        refund_in(Status.CONFIRMED, create_payment(number), plan_id=2)
        Order.objects.update(refund_minor=1000)
        with CaptureQueriesContext(connection) as captured:
            assert _differences(2) == []
        counts.append(len(captured))
    assert counts == [8, 8]


def test_edited_entry_is_named(payment: Payment) -> None:
    with without_triggers():
        LedgerEntry.objects.filter(side=1).update(amount_minor=999)
    assert _lines() == [
        f"order {payment.order_id}: hash_differs: booking 1, side 1",
        f"order {payment.order_id}: booking_unbalanced: booking 1 adds up to -0.01 TRY",
        (
            f"order {payment.order_id}: entries_differ: refund {Refund.objects.get().pk}"
            " (planned), booking 1: returns:goods has 9.99 TRY, not 10.00 TRY"
        ),
    ]


def test_deleted_entry_is_named(payment: Payment) -> None:
    _anchor_all()
    with without_triggers():
        LedgerEntry.objects.filter(side=1).delete()
    assert [str(difference) for difference in _differences() if difference.code in CHAIN_CODES] == [
        (
            f"order {payment.order_id}: entry_missing: booking 1, side 2 does not follow"
            " booking 0, side 0"
        ),
        f"order {payment.order_id}: hash_differs: booking 1, side 2",
        "anchor 2026-03-10: anchor_differs: it covers 1 entries, not 2",
    ]


def test_cut_tail_is_named_even_with_a_rewound_head(payment: Payment) -> None:
    find(payment, 5)
    _anchor_all()
    with without_triggers():
        LedgerEntry.objects.filter(seq=2).delete()
    cut = f"order {payment.order_id}: head_differs: the head is booking 2, the last entry is of"
    anchor = "anchor 2026-03-10: anchor_differs: it covers 2 entries, not 4"
    wrong = f"order {payment.order_id}: found_differs: payment {payment.pk} has 0.05 TRY, not 0.00"
    assert _lines() == [f"{cut} booking 1", f"{wrong} TRY", anchor]
    with without_triggers():
        rehash(payment.order_id)
    assert _lines() == [f"{wrong} TRY", anchor]


def test_rewritten_chain_is_found_by_its_anchor(payment: Payment) -> None:
    _anchor_all()
    with without_triggers():
        LedgerEntry.objects.update(refund_invoice_number="forged")
        rehash(payment.order_id)
    changed = "its entries or the anchor before have changed"
    assert _lines() == [f"anchor 2026-03-10: anchor_differs: {changed}"]


def test_changed_anchor_is_one_difference_of_itself_and_one_of_the_next(payment: Payment) -> None:
    find(payment, 5, NOW + timedelta(days=1))
    find(payment, 5, NOW + timedelta(days=2))
    _anchor_all()
    with without_triggers():
        LedgerAnchor.objects.filter(day="2026-03-10").update(hash="forged")
    assert [difference.subject for difference in _differences()] == [
        "anchor 2026-03-10",
        "anchor 2026-03-11",
    ]


@pytest.mark.parametrize("is_head_missing", [True, False])
def test_missing_head_and_missing_entries_are_named(
    payment: Payment, is_head_missing: bool
) -> None:
    with without_triggers():
        (LedgerHead if is_head_missing else LedgerEntry).objects.all().delete()
    label = "missing, the last entry is of booking 1"
    if not is_head_missing:
        label = "booking 1, the last entry is of booking 0"
    assert _lines()[0] == f"order {payment.order_id}: head_differs: the head is {label}"


Tampering = Callable[[random.Random, list[LedgerEntry]], None]


def _edit(seeded: random.Random, entries: list[LedgerEntry]) -> None:
    entry = seeded.choice(entries)
    changes: dict[str, Any] = {
        "amount_minor": entry.amount_minor + seeded.choice([-1, 1, 100]),
        "account_code": f"{entry.account_code}x",
        "currency": "usd",
        "cause": "return" if entry.cause != "return" else "plan",
        "tax_rate": Decimal("1.000"),
        "refund_invoice_number": f"{entry.refund_invoice_number} ",
        "at": entry.at + timedelta(microseconds=1),
        "refund_id": None if entry.refund_id else Refund.objects.values_list("pk")[:1],
        "seq": 1_000,
        "side": 1_000,
        "hash": entry.hash[::-1],
    }
    column = seeded.choice(list(changes))
    LedgerEntry.objects.filter(pk=entry.pk).update(**{column: changes[column]})


def _delete(seeded: random.Random, entries: list[LedgerEntry]) -> None:
    LedgerEntry.objects.filter(pk=seeded.choice(entries).pk).delete()


def _swap(seeded: random.Random, entries: list[LedgerEntry]) -> None:
    """Exchange the places of two entries: in their chains, or also their hashes."""
    place = ("order_id", "seq", "side")
    columns = seeded.choice([place, (*place, "hash"), ("hash",)])
    first, other = seeded.sample(entries, 2)
    places = [{column: getattr(entry, column) for column in columns} for entry in (other, first)]
    # A third place, because the places are unique.
    LedgerEntry.objects.filter(pk=first.pk).update(seq=-1)
    for entry, new in ((other, places[1]), (first, {"seq": first.seq} | places[0])):
        LedgerEntry.objects.filter(pk=entry.pk).update(**new)


def _cut(seeded: random.Random, entries: list[LedgerEntry]) -> None:
    """Cut off the last bookings of an order, with or without its head."""
    order_id = seeded.choice(entries).order_id
    rows = rows_of(order_id)
    first = rows[seeded.randrange(len(rows))].seq
    LedgerEntry.objects.filter(order_id=order_id, seq__gte=first).delete()
    if seeded.random() < 0.5:
        LedgerHead.objects.filter(pk=order_id).delete() if first == 1 else rehash(order_id)


def _rewrite(seeded: random.Random, entries: list[LedgerEntry]) -> None:
    """Edit an entry and make its order's chain and head right again."""
    entry = seeded.choice(entries)
    LedgerEntry.objects.filter(pk=entry.pk).update(amount_minor=F("amount_minor") + 1)
    rehash(entry.order_id)


@pytest.mark.timeout(600)
def test_random_tamperings_break_the_chain_check() -> None:
    for number in ("1", "2"):
        payment = create_payment(number)
        refund_in(Status.RETURNED, payment, part(discount_minor=9), part(tax_rate=0), invoice="R")
        plan_refund(payment, now=NOW + timedelta(days=1))
        find(payment, 5, now=NOW + timedelta(days=1))
    _anchor_all()
    entries = list(LedgerEntry.objects.order_by("pk"))
    tamperings: list[Tampering] = [_edit, _delete, _swap, _cut, _rewrite]
    missed = []
    with without_triggers():
        for seed in range(TAMPERINGS):
            tamper = tamperings[seed % len(tamperings)]
            with transaction.atomic():
                tamper(random.Random(seed), entries)
                if not CHAIN_CODES & {difference.code for difference in _differences()}:
                    missed.append((seed, tamper.__name__))
                transaction.set_rollback(True)
    assert missed == []
    assert _lines() == []


PLANTED = {"eur": "0.01 EUR", "jpy": "1 JPY", "kwd": "0.001 KWD"}


@pytest.mark.parametrize("currency", PLANTED)
def test_planted_error_of_one_minor_unit_is_found(currency: str) -> None:
    """The booking adds up and its chain is right: only the refund tells."""
    payment = create_payment(currency=currency)
    refund = refund_in(Status.CONFIRMED, payment, plan_id=COMPLETED_PLAN)
    Order.objects.update(refund_minor=1000)
    with without_triggers():
        for side, change in ((1, 1), (2, -1)):
            LedgerEntry.objects.filter(seq=2, side=side).update(
                amount_minor=F("amount_minor") + change
            )
        rehash(payment.order_id)
    [difference] = _differences()
    assert (difference.code, difference.subject) == (Code.ENTRIES, f"order {payment.order_id}")
    amount = PLANTED[currency]
    number, code = amount.split()
    right = money_rows.amount_text(1000, currency)
    wrong = money_rows.amount_text(1001, currency)
    assert difference.detail == (
        f"refund {refund.pk} (confirmed), booking 2: owed:{payment.pk} has {wrong}, not {right};"
        f" paid:original has -{wrong}, not -{right}"
    )
    assert Decimal(wrong.split()[0]) - Decimal(right.split()[0]) == Decimal(number)
    assert right.endswith(code)


def test_amount_at_another_tax_rate_is_found(payment: Payment) -> None:
    with without_triggers():
        LedgerEntry.objects.update(tax_rate=Decimal("8.000"))
        rehash(payment.order_id)
    assert [difference.detail.partition(": ")[2] for difference in _differences()] == [
        "the entries are of other refunds, payments or tax rates"
    ]


def test_missing_and_surplus_bookings_are_named(payment: Payment) -> None:
    refund = Refund.objects.get()
    with without_triggers():
        Refund.objects.update(status=Status.CONFIRMED.value)
        Payment.objects.update(reserved_minor=0, refunded_minor=1000)
    label = f"order {payment.order_id}: bookings_differ: refund {refund.pk}"
    assert _lines() == [f"{label} (confirmed) is booked as plan"]
    with without_triggers():
        Refund.objects.update(status=Status.PLANNED.value)
        Payment.objects.update(reserved_minor=1000, refunded_minor=0)
        LedgerHead.objects.all().delete()
        LedgerEntry.objects.all().delete()
    assert _lines() == [f"{label} (planned) is booked as nothing"]


def test_booking_of_a_refund_of_another_order_is_named(payment: Payment) -> None:
    other = create_payment("2")
    with without_triggers():
        LedgerEntry.objects.update(order=other.order)
        LedgerHead.objects.all().delete()
        rehash(other.order_id)
    codes = {(difference.subject, difference.code) for difference in _differences()}
    assert (f"order {other.order_id}", Code.UNKNOWN) in codes
    assert (f"order {payment.order_id}", Code.BOOKINGS) in codes


def test_parts_that_do_not_add_up_are_named(payment: Payment) -> None:
    with without_triggers():
        RefundPart.objects.update(fee_minor=1)
    assert _differences()[0].detail == (
        f"refund {Refund.objects.get().pk} (planned): its parts add up to 10.01 TRY, not to"
        " 10.00 TRY"
    )


@pytest.mark.parametrize(
    ("column", "code", "before"),
    [
        ("reserved_minor", Code.RESERVED, "10.00"),
        ("refunded_minor", Code.REFUNDED, "0.00"),
        ("found_minor", Code.FOUND, "0.00"),
        ("charged_back_minor", Code.CHARGED_BACK, "0.00"),
    ],
)
def test_balance_of_a_payment_that_differs_is_named(
    payment: Payment, column: str, code: Code, before: str
) -> None:
    Payment.objects.update(**{column: F(column) + 1})
    after = money_rows.amount_text(1001 if before == "10.00" else 1, "try")
    detail = f"payment {payment.pk} has {after}, not {before} TRY"
    assert _differences() == [Difference(code, f"order {payment.order_id}", detail)]


def test_balance_of_a_payment_without_refunds_is_checked() -> None:
    payment = create_payment()
    Payment.objects.update(reserved_minor=1)
    detail = f"payment {payment.pk} has 0.01 TRY, not 0.00 TRY"
    assert _differences() == [Difference(Code.RESERVED, f"order {payment.order_id}", detail)]


def test_total_of_an_order_counts_confirmed_refunds_of_completed_plans() -> None:
    payment = create_payment()
    refund_in(Status.CONFIRMED, payment, plan_id=1)
    refund_in(Status.CONFIRMED, payment, plan_id=2)
    refund_in(Status.RETURNED, payment, plan_id=1)
    assert _differences() == []
    detail = "the order has 0.00 TRY, not 10.00 TRY"
    assert _differences(1) == [Difference(Code.ORDER_TOTAL, f"order {payment.order_id}", detail)]
    Order.objects.update(refund_minor=2000)
    assert _differences(1, 2) == []
    Payment.objects.update(currency="eur")
    with without_triggers():
        Refund.objects.filter(plan_id=2).update(currency="eur")
    assert Code.ORDER_TOTAL not in {difference.code for difference in _differences()}


def test_total_of_an_order_without_refunds_is_checked() -> None:
    payment = create_payment()
    Order.objects.update(refund_minor=1)
    detail = "the order has 0.01 TRY, not 0.00 TRY"
    assert _differences() == [Difference(Code.ORDER_TOTAL, f"order {payment.order_id}", detail)]
