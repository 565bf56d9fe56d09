"""The database keeps the ledger append-only and balanced, and refunds true to their life cycle."""

from datetime import date
from itertools import product
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Model

from takeback.core import triggers
from takeback.orders.models import Payment
from takeback.refunds.ledger import next_hash
from takeback.refunds.models import (
    LedgerAnchor,
    LedgerEntry,
    LedgerHead,
    PaymentAccount,
    Refund,
    RefundPart,
)
from takeback.refunds.statuses import LIFE_CYCLE, Means, Status
from tests.factories import NOW
from tests.refunds.ledgers import (
    create_account,
    create_payment,
    plan_refund,
    refund_in,
    row_of,
    rows_of,
)
from tests.rigs.ledger import without_triggers

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("several statements in one test"),
]
on_postgresql = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite has no such statement"
)
on_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite replaces rows")


@pytest.fixture
def payment() -> Payment:
    """A payment with one planned refund."""
    payment = create_payment()
    plan_refund(payment)
    LedgerAnchor.objects.create(day=date(2026, 3, 10), last_entry=9, entries=2, hash="a")
    return payment


def refuses(name: str) -> Any:
    """The block violates the rule of this name."""
    return pytest.raises(IntegrityError, match=name)


def _execute(sql: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize("kind", ["entry", "anchor"])
def test_rows_are_neither_changed_nor_deleted(payment: Payment, kind: str) -> None:
    with refuses(f"ledger_{kind}_stays"):
        _execute(f"UPDATE refunds_ledger{kind} SET hash = 'x'")
    with refuses(f"ledger_{kind}_remains"):
        _execute(f"DELETE FROM refunds_ledger{kind}")


@pytest.mark.parametrize("column", [field.column for field in LedgerEntry._meta.concrete_fields])
def test_no_column_of_an_entry_changes(payment: Payment, column: str) -> None:
    with refuses("ledger_entry_stays"):
        _execute(f"UPDATE refunds_ledgerentry SET {column} = {column}")


REPLACED: list[tuple[type[Model], dict[str, str]]] = [
    (LedgerEntry, {"seq": "seq + 1"}),
    (LedgerHead, {}),
    (LedgerAnchor, {"day": "'2026-03-11'"}),
    (Refund, {}),
    (RefundPart, {}),
]


@on_sqlite
@pytest.mark.parametrize(("model", "changes"), REPLACED)
def test_rows_are_not_replaced(
    payment: Payment, model: type[Model], changes: dict[str, str]
) -> None:
    """The new rows are valid by themselves."""
    table = model._meta.db_table
    columns = [str(field.column) for field in model._meta.concrete_fields]
    values = ", ".join(changes.get(column, column) for column in columns)
    with refuses(f"{table}_is_not_replaced"):
        _execute(
            f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table}"
        )


@on_postgresql
@pytest.mark.parametrize(
    "table", ["refunds_ledgerentry", "refunds_ledgerhead", "refunds_ledgeranchor"]
)
def test_table_with_rows_is_not_truncated(payment: Payment, table: str) -> None:
    _execute("SET CONSTRAINTS ALL IMMEDIATE")
    with refuses(f"{table}_is_not_truncated"):
        _execute(f"TRUNCATE {table}")
    with without_triggers():
        LedgerAnchor.objects.all().delete()
    _execute("TRUNCATE refunds_ledgeranchor")


def test_anchor_follows_the_anchors_before(payment: Payment) -> None:
    same_day = {"day": date(2026, 3, 10), "last_entry": 10}
    earlier_day = {"day": date(2026, 3, 9), "last_entry": 10}
    fewer_entries = {"day": date(2026, 3, 11), "last_entry": 8}
    # The first one is refused as a replacement as well; each database names one of both triggers.
    for values in (same_day, earlier_day, fewer_entries):
        with refuses("ledger_?anchor_is_(newest|not_replaced)"), transaction.atomic():
            LedgerAnchor.objects.create(entries=0, hash="b", **values)
    LedgerAnchor.objects.create(day=date(2026, 3, 11), last_entry=9, entries=0, hash="b")


def _next_entries(payment: Payment, *changes: dict[str, Any]) -> list[LedgerEntry]:
    """Entries that continue the chain, changed from two that add up to zero."""
    last = rows_of(payment.order_id)[-1]
    previous, entries = last.hash, []
    for side, values in enumerate(changes, start=1):
        entry = LedgerEntry(
            order_id=payment.order_id,
            payment=payment,
            at=NOW,
            **{"seq": 2, "side": side, "cause": "found", "currency": "try"} | values,
        )
        previous = entry.hash = next_hash(previous, row_of(entry))
        entries.append(entry)
    return LedgerEntry.objects.bulk_create(entries)


def _move_head(payment: Payment, entries: list[LedgerEntry], **values: Any) -> None:
    changes = {"seq": 2, "hash": entries[-1].hash} | values
    LedgerHead.objects.filter(pk=payment.order_id).update(**changes)


DEBIT = {"account_code": "found", "amount_minor": 5}
CREDIT = {"account_code": "paid:manual", "amount_minor": -5}
INVALID_BOOKINGS: dict[str, list[dict[str, Any]]] = {
    "does not add up": [DEBIT, CREDIT | {"amount_minor": -4}],
    "adds up only across currencies": [DEBIT, CREDIT | {"currency": "eur"}],
    "has one side": [DEBIT | {"amount_minor": 0}],
    "lacks a side": [DEBIT, CREDIT | {"side": 3}],
}


@pytest.mark.parametrize("name", INVALID_BOOKINGS)
def test_head_does_not_pass_an_invalid_booking(payment: Payment, name: str) -> None:
    with refuses("ledger_head_moves_forward"), transaction.atomic():
        _move_head(payment, _next_entries(payment, *INVALID_BOOKINGS[name]))


def test_head_passes_a_valid_booking_only_by_one_and_with_its_hash(payment: Payment) -> None:
    entries = _next_entries(payment, DEBIT, CREDIT)
    for values in ({"seq": 1}, {"seq": 3}, {"hash": entries[0].hash}, {"order_id": 10**6}):
        with refuses("ledger_head_moves_forward"), transaction.atomic():
            _move_head(payment, entries, **values)
    _move_head(payment, entries)
    with refuses("ledger_head_moves_forward"), transaction.atomic():
        _move_head(payment, entries, seq=1)
    with refuses("ledger_head_remains"), transaction.atomic():
        LedgerHead.objects.all().delete()


def test_first_head_needs_the_first_booking(payment: Payment) -> None:
    other = create_payment("2")
    for seq in (0, 1, 2):
        with refuses("ledger_head_starts"), transaction.atomic():
            LedgerHead.objects.create(order_id=other.order_id, seq=seq, hash="x")


@pytest.mark.parametrize("seq", [1, 3])
def test_entry_belongs_to_the_booking_after_the_head(payment: Payment, seq: int) -> None:
    with refuses("ledger_entry_follows_head"), transaction.atomic():
        _next_entries(payment, DEBIT | {"seq": seq, "side": 9})


@on_postgresql
@pytest.mark.parametrize("amount", [5, 0])
def test_entries_without_a_head_are_not_committed(payment: Payment, amount: int) -> None:
    with refuses("ledger_booking_is_complete"), transaction.atomic():
        _next_entries(payment, DEBIT | {"amount_minor": amount})
        _execute("SET CONSTRAINTS ALL IMMEDIATE")


CHANGES = [pair for pair in product(Status, Status) if pair[0] != pair[1]]


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_status_changes_as_the_life_cycle_allows(before: Status, after: Status) -> None:
    payment = create_payment()
    columns = {"plan_id": 1, "means": "manual", "amount_minor": 5, "status": before.value}
    refund = Refund.objects.create(order=payment.order, payment=payment, **columns)
    refunds = Refund.objects.filter(pk=refund.pk)
    if (before, after) in LIFE_CYCLE.changes():
        assert refunds.update(status=after.value) == 1
    else:
        with refuses("transition_of_a_refund"), transaction.atomic():
            refunds.update(status=after.value)


def test_what_identifies_a_refund_never_changes(payment: Payment) -> None:
    refund = Refund.objects.get()
    other = plan_refund(create_payment("2"))
    account = create_account()
    changes: dict[str, Any] = {
        "uuid": "5f0c2c1e-7a34-4f6e-9a53-6d1f0b6d7e10",
        "order_id": other.order_id,
        "plan_id": 2,
        "payment_id": other.payment_id,
        "means": Means.MANUAL.value,
        "account_id": account.pk,
        "amount_minor": 1001,
        "currency": "eur",
        "replaces_id": other.pk,
        "sends": -1,
    }
    for column, value in changes.items():
        with refuses("refund_stays"), transaction.atomic():
            Refund.objects.filter(pk=refund.pk).update(**{column: value})
    Refund.objects.filter(pk=refund.pk).update(sends=1, first_sent_at=NOW)
    for moment in (None, NOW.replace(hour=13)):
        with refuses("refund_stays"), transaction.atomic():
            Refund.objects.filter(pk=refund.pk).update(first_sent_at=moment)


def test_account_of_a_refund_never_changes(payment: Payment) -> None:
    account, other = create_account(), create_account("other")
    refund = plan_refund(payment, account=account)
    for pk in (other.pk, None):
        with refuses("refund_stays"), transaction.atomic():
            Refund.objects.filter(pk=refund.pk).update(account_id=pk)
    for changes in ({"code": "new"}, {"uuid": "5f0c2c1e-7a34-4f6e-9a53-6d1f0b6d7e10"}):
        with refuses("payment_account_stays"), transaction.atomic():
            PaymentAccount.objects.filter(pk=account.pk).update(**changes)
    assert PaymentAccount.objects.filter(pk=account.pk).update(is_active=False) == 1


def test_parts_change_only_once_their_refund_is_cancelled(payment: Payment) -> None:
    parts = RefundPart.objects.all()
    for column in ("goods_minor", "tax_minor", "units", "tax_rate", "adjustment_minor"):
        with refuses("refund_part_stays"), transaction.atomic():
            parts.update(**{column: 7})
    with refuses("refund_part_remains"), transaction.atomic():
        parts.all().delete()
    # Items are split and merged.
    assert parts.update(order_item_id=payment.order.orderitem_set.get().pk) == 1

    cancelled = refund_in(Status.CANCELLED, create_payment("2"))
    own = RefundPart.objects.filter(refund=cancelled)
    assert own.update(goods_minor=7) == 1
    assert own.delete()[0] == 1


_OIDS = """
SELECT tgrelid::regclass::text || '.' || tgname, pg_trigger.oid FROM pg_trigger
 WHERE NOT tgisinternal AND tgrelid::regclass::text LIKE 'refunds_%'
"""


def _oids() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(_OIDS)
        return dict(cursor.fetchall())


@on_postgresql
@pytest.mark.parametrize("name", ["ledger_booking_is_complete", "ledger_entry_follows_head"])
def test_only_a_disabled_trigger_is_installed_again(name: str) -> None:
    """A constraint trigger is dropped first: only itself, and only if it differs."""
    before = _oids()
    triggers.install()
    assert _oids() == before
    _execute(f"ALTER TABLE refunds_ledgerentry DISABLE TRIGGER {name}")
    assert triggers.missing() == [f"refunds_ledgerentry.{name}"]
    triggers.install()
    assert triggers.missing() == []
    others = before.keys() - {f"refunds_ledgerentry.{name}"}
    assert {trigger: _oids()[trigger] for trigger in others} == {
        trigger: before[trigger] for trigger in others
    }
