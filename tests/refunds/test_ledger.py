"""Accounts and entries of each booking, and the hashes of a chain and of an anchor."""

from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest

from takeback.refunds import ledger
from takeback.refunds.ledger import BookedRefund, Cause, Entry, PartAmounts, Row
from takeback.refunds.statuses import Status

FULL, REDUCED = Decimal("18.000"), Decimal("8.000")
ALL_COMPONENTS = PartAmounts(
    FULL, goods=1000, discount=200, shipping=50, fee=7, interest=30, adjustment=-3
)
REFUND = BookedRefund(
    id=5,
    payment=3,
    amount=1284,
    currency="try",
    paid_from="paid:1:card",
    parts=(ALL_COMPONENTS, PartAmounts(REDUCED, goods=400)),
)
ROW = Row(
    order_id=17,
    seq=2,
    side=1,
    cause="confirm",
    account_code="owed:3",
    amount_minor=884,
    currency="try",
    refund_id=5,
    payment_id=3,
    tax_rate=FULL,
    refund_invoice_number='R "1"',
    at=datetime(2026, 3, 10, 12, 0, tzinfo=UTC),
)


def _shown(entries: list[Entry]) -> list[tuple[str, int, str]]:
    return [(entry.account_code, entry.amount_minor, f"{entry.tax_rate}") for entry in entries]


def test_plan_debits_each_component_by_tax_rate_and_credits_the_debt() -> None:
    assert _shown(ledger.entries_of(Cause.PLAN, REFUND)) == [
        ("returns:goods", 400, "8.000"),
        ("owed:3", -400, "8.000"),
        ("returns:goods", 1000, "18.000"),
        ("returns:discount", -200, "18.000"),
        ("returns:shipping", 50, "18.000"),
        ("returns:fee", 7, "18.000"),
        ("returns:interest", 30, "18.000"),
        ("returns:adjustment", -3, "18.000"),
        ("owed:3", -884, "18.000"),
    ]


def test_confirmation_moves_the_debt_to_the_account_that_paid() -> None:
    assert _shown(ledger.entries_of(Cause.CONFIRM, REFUND)) == [
        ("owed:3", 400, "8.000"),
        ("paid:1:card", -400, "8.000"),
        ("owed:3", 884, "18.000"),
        ("paid:1:card", -884, "18.000"),
    ]


@pytest.mark.parametrize(
    ("cause", "undone"), [(Cause.RETURN, Cause.CONFIRM), (Cause.CANCEL, Cause.PLAN)]
)
def test_return_and_cancellation_reverse_an_earlier_booking(cause: Cause, undone: Cause) -> None:
    reverse, original = ledger.entries_of(cause, REFUND), ledger.entries_of(undone, REFUND)
    assert [entry.amount_minor for entry in reverse] == [-entry.amount_minor for entry in original]
    assert [entry._replace(amount_minor=0) for entry in reverse] == [
        entry._replace(amount_minor=0) for entry in original
    ]


def test_replacement_takes_the_debt_over_from_the_other_payment() -> None:
    other = REFUND._replace(id=6, payment=4, paid_from="paid:manual")
    entries = ledger.entries_of(Cause.PLAN, other, REFUND)
    assert [(entry.refund, entry.payment, *_shown([entry])[0]) for entry in entries] == [
        (5, 3, "owed:3", 400, "8.000"),
        (5, 3, "owed:3", 884, "18.000"),
        (6, 4, "owed:4", -400, "8.000"),
        (6, 4, "owed:4", -884, "18.000"),
    ]


@pytest.mark.parametrize("cause", [Cause.PLAN, Cause.CONFIRM, Cause.RETURN, Cause.CANCEL])
def test_entries_add_up_to_zero_at_each_tax_rate(cause: Cause) -> None:
    entries = ledger.entries_of(cause, REFUND)
    for rate in (FULL, REDUCED):
        assert sum(entry.amount_minor for entry in entries if entry.tax_rate == rate) == 0


def test_facts_from_outside_have_accounts_of_their_own() -> None:
    reported = ledger.entries_of_fact(
        Cause.FOUND, payment=3, amount=250, currency="try", paid_from="paid:1:card"
    )
    taken = ledger.entries_of_fact(
        Cause.CHARGE_BACK, payment=3, amount=-9, currency="try", paid_from="paid:1:card"
    )
    assert _shown(reported) == [("found", 250, "None"), ("paid:1:card", -250, "None")]
    assert _shown(taken) == [("charge_backs", -9, "None"), ("paid:1:card", 9, "None")]


def test_every_status_has_its_bookings() -> None:
    assert set(ledger.CAUSES) == set(Status)


def test_currency_that_does_not_add_up_is_named() -> None:
    other = ROW._replace(currency="kwd", amount_minor=1)
    rows = [ROW, ROW._replace(amount_minor=-884), other]
    assert ledger.unbalanced(rows) == {"kwd": 1}


def test_text_of_an_entry_is_fixed() -> None:
    """Hashes in databases depend on it: a change needs a new version."""
    assert ledger.row_text(ROW) == (
        '[1,17,2,1,"confirm","owed:3",884,"try",5,3,"18.000","R \\"1\\"",'
        '"2026-03-10T12:00:00.000000+00:00"]'
    )
    expected = sha256(f"before\n{ledger.row_text(ROW)}".encode()).hexdigest()
    assert ledger.next_hash("before", ROW) == expected


CHANGES: dict[str, Any] = {
    "order_id": 18,
    "seq": 3,
    "side": 2,
    "cause": "return",
    "account_code": "owed:33",
    "amount_minor": 885,
    "currency": "eur",
    "refund_id": None,
    "payment_id": 4,
    "tax_rate": Decimal("18.001"),
    "refund_invoice_number": "",
    "at": datetime(2026, 3, 10, 12, 0, 0, 1, tzinfo=UTC),
}


@pytest.mark.parametrize("column", Row._fields)
def test_hash_covers_each_column(column: str) -> None:
    changed = ROW._replace(**{column: CHANGES[column]})
    assert ledger.next_hash("", changed) != ledger.next_hash("", ROW)


def test_hash_of_an_anchor_covers_its_day_its_end_and_the_order_of_entries() -> None:
    day = date(2026, 3, 10)
    digest, count = ledger.anchor_hash("p", day, 7, ["a", "b"])
    text = "1\np\n2026-03-10\n7\na\nb\n"
    assert (digest, count) == (sha256(text.encode()).hexdigest(), 2)
    others = [
        ledger.anchor_hash("q", day, 7, ["a", "b"]),
        ledger.anchor_hash("p", date(2026, 3, 11), 7, ["a", "b"]),
        ledger.anchor_hash("p", day, 8, ["a", "b"]),
        ledger.anchor_hash("p", day, 7, ["b", "a"]),
        ledger.anchor_hash("p", day, 7, ["a"]),
    ]
    assert digest not in {other for other, _ in others}
