"""Replies to requests: what they change, and what they never take back."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from takeback.refunds.models import LedgerEntry
from takeback.refunds.providers import RefundStatus, Refused, Unknown
from tests.factories import NOW
from tests.refunds.factories import (
    balances,
    create_refund,
    entry_of,
    reload,
    state_of,
)
from tests.refunds.sending import (
    SECOND,
    SENT_AT,
    accepted,
    apply_look,
    create_sent_refund,
    reply,
    status_of,
)

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("each step queries again"),
]

PENDING, CONFIRMED, FAILED = RefundStatus.PENDING, RefundStatus.CONFIRMED, RefundStatus.FAILED
REFUSED, DUPLICATE = Refused("card_expired"), Refused("already_refunded", is_duplicate=True)


def test_confirmed_reply_pays_the_refund() -> None:
    refund = create_sent_refund(400)

    [change] = reply(refund, accepted(refund))

    assert (change.before, change.after, change.plan_id) == (
        "sending",
        "confirmed",
        refund.plan_id,
    )
    row = reload(refund)
    assert (row.status, row.attention) == ("confirmed", "")
    assert row.provider_refund == f"re_{refund.uuid.hex[:8]}"
    assert row.confirmed_at == SENT_AT + SECOND
    assert row.observed_at == SENT_AT
    # A closed account returns money after days.
    assert row.next_look_at is not None
    assert timedelta(days=0.8) <= row.next_look_at - SENT_AT <= timedelta(days=1.3)
    assert balances(refund.payment_id) == (0, 400, 0, 0)
    causes = LedgerEntry.objects.filter(refund=refund).order_by("seq", "side")
    assert list(causes.values_list("cause", "amount_minor"))[2:] == [
        ("confirm", 400),
        ("confirm", -400),
    ]


def test_pending_reply_keeps_the_money_reserved_and_states_a_date() -> None:
    refund = create_sent_refund(400)
    expected_on = datetime(2026, 3, 20, 9, tzinfo=UTC)

    reply(refund, accepted(refund, PENDING, expected_on=expected_on))

    assert status_of(refund) == ("pending", "")
    assert reload(refund).due_by == date(2026, 3, 20)
    assert balances(refund.payment_id) == (400, 0, 0, 0)


def test_refused_refund_releases_its_money_and_needs_a_person() -> None:
    refund = create_sent_refund(400)

    reply(refund, REFUSED)

    row = reload(refund)
    assert (row.status, row.attention, row.failure_code) == ("failed", "refused", "card_expired")
    assert row.next_look_at is None
    assert balances(refund.payment_id) == (0, 0, 0, 0)
    assert LedgerEntry.objects.filter(refund=refund, cause="cancel").count() == 0


@pytest.mark.parametrize("unclear", [Unknown("timeout"), Unknown("unreadable"), DUPLICATE])
def test_unclear_reply_leaves_the_refund_in_doubt(unclear: Any) -> None:
    refund = create_sent_refund(400)

    reply(refund, unclear)

    row = reload(refund)
    assert (row.status, row.attention, row.sends) == ("in_doubt", "", 1)
    assert row.in_doubt_since == SENT_AT + SECOND
    # The first state that is evidence: after the lag.
    assert row.next_look_at == SENT_AT + 3 * SECOND
    assert balances(refund.payment_id) == (400, 0, 0, 0)


def test_next_look_waits_as_long_as_the_provider_requests() -> None:
    refund = create_sent_refund()

    reply(refund, Unknown("too_many_requests", retry_after=90))

    assert reload(refund).next_look_at == SENT_AT + SECOND + timedelta(seconds=90)


@pytest.mark.parametrize("fields", [{"amount_minor": 399}, {"currency": "eur"}])
def test_other_amount_or_currency_confirms_nothing(fields: dict[str, Any]) -> None:
    refund = create_sent_refund(400)

    reply(refund, accepted(refund, **fields))

    assert status_of(refund) == ("in_doubt", "wrong_amount")
    assert balances(refund.payment_id) == (400, 0, 0, 0)


def test_id_of_another_refund_confirms_nothing() -> None:
    first, second = create_sent_refund(), create_sent_refund()
    reply(first, accepted(first))

    reply(second, accepted(second, provider_refund=accepted(first).provider_refund))

    assert status_of(second) == ("in_doubt", "contradiction")
    assert reload(second).provider_refund is None


@pytest.mark.parametrize("status", [PENDING, CONFIRMED])
def test_repeated_reply_changes_nothing(status: RefundStatus) -> None:
    refund = create_sent_refund(400)
    reply(refund, accepted(refund, status))
    before, money = reload(refund).__dict__, balances(refund.payment_id)

    assert reply(refund, accepted(refund, status), now=SENT_AT + 9 * SECOND) == []

    ignored = {"_state", "modified_date"}
    after = reload(refund).__dict__
    assert {k: v for k, v in after.items() if k not in ignored} == {
        k: v for k, v in before.items() if k not in ignored
    }
    assert balances(refund.payment_id) == money


def test_repeated_refusal_releases_the_money_once() -> None:
    refund = create_sent_refund(400)

    for _ in range(3):
        reply(refund, REFUSED)

    assert status_of(refund) == ("failed", "refused")
    assert balances(refund.payment_id) == (0, 0, 0, 0)


@pytest.mark.parametrize("by_look", [PENDING, CONFIRMED])
@pytest.mark.parametrize(
    ("late", "expected"),
    [
        ("pending", {"pending": ("pending", ""), "confirmed": ("confirmed", "")}),
        ("confirmed", {"pending": ("confirmed", ""), "confirmed": ("confirmed", "")}),
        ("unknown", {"pending": ("pending", ""), "confirmed": ("confirmed", "")}),
        ("duplicate", {"pending": ("pending", ""), "confirmed": ("confirmed", "")}),
        (
            "refused",
            {"pending": ("pending", "contradiction"), "confirmed": ("confirmed", "contradiction")},
        ),
    ],
)
def test_reply_after_a_look_never_takes_a_refund_back(
    by_look: RefundStatus, late: str, expected: dict[str, tuple[str, str]]
) -> None:
    refund = create_sent_refund(400)
    apply_look(refund, state_of(entry_of(refund, by_look)), SENT_AT + SECOND)
    results: dict[str, Any] = {
        "pending": accepted(refund, PENDING),
        "confirmed": accepted(refund, CONFIRMED),
        "unknown": Unknown("timeout"),
        "duplicate": DUPLICATE,
        "refused": REFUSED,
    }

    reply(refund, results[late], now=SENT_AT + 2 * SECOND)

    assert status_of(refund) == expected[by_look.value]
    assert sum(balances(refund.payment_id)) == 400


def test_reply_after_a_newer_failure_changes_nothing() -> None:
    refund = create_sent_refund(400)
    apply_look(refund, state_of(entry_of(refund, FAILED)), SENT_AT + SECOND)

    reply(refund, accepted(refund, PENDING), now=SENT_AT + 2 * SECOND)

    assert status_of(refund) == ("failed", "refused")


def test_acceptance_of_a_refund_that_was_never_sent_needs_a_person() -> None:
    refund = create_refund(400)

    reply(refund, accepted(refund), now=NOW)

    assert status_of(refund) == ("planned", "contradiction")
    assert balances(refund.payment_id) == (400, 0, 0, 0)


def test_released_authorization_is_paid() -> None:
    refund = create_sent_void()

    reply(refund, accepted(refund, PENDING))

    assert status_of(refund) == ("confirmed", "")
    assert balances(refund.payment_id) == (0, 1000, 0, 0)


def create_sent_void() -> Any:
    """A refund that releases an authorization."""
    from tests.refunds.sending import begin

    refund = create_refund(1000)
    begin(refund, state_of(captured_minor=0, is_authorized_only=True))
    return reload(refund)
