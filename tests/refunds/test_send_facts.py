"""The facts on which a refund is sent or held, as the rows have them."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from takeback.refunds.commands.control import pause_account
from takeback.refunds.models import DatabaseEpoch, Refund
from takeback.refunds.policy import AccountFacts, Hold, SendFacts, hold_reason
from takeback.refunds.send_facts import send_facts
from takeback.refunds.statuses import Means, Status
from tests.factories import NOW, SHOP
from tests.refunds.accounts import create_account, create_payment, create_refund

pytestmark = [
    pytest.mark.allow_repeated_queries("several commands per test"),
    pytest.mark.django_db,
]

MIDNIGHT = NOW.replace(hour=0)


def facts_of(refund: Refund, now: datetime = NOW) -> SendFacts:
    with transaction.atomic():
        loaded = Refund.objects.select_related("payment", "order").get(pk=refund.pk)
        return send_facts(loaded, now)


def account_facts(refund: Refund, now: datetime = NOW) -> AccountFacts:
    facts = facts_of(refund, now).account
    assert facts is not None
    return facts


def test_facts_are_those_of_the_rows() -> None:
    account = create_account(limit_each_minor=700, limit_day_minor=900)
    payment = create_payment(update={"has_open_dispute": True})
    refund = create_refund(
        payment, account, needs_second_person=True, approved_by_number=7, sends=2
    )
    assert facts_of(refund) == SendFacts(
        amount_minor=100,
        needs_account=True,
        account=AccountFacts(
            is_active=True,
            is_paused=False,
            needs_reconciliation=False,
            limit_each_minor=700,
            limit_day_minor=900,
            sent_today_minor=0,
        ),
        has_open_dispute=True,
        needs_second_person=True,
        has_second_person=True,
        refundable_until=None,
        sends=2,
        now=NOW,
    )


def test_refund_by_other_means_has_no_account() -> None:
    facts = facts_of(create_refund(create_payment(), None, means=Means.LOYALTY.value))
    assert (facts.needs_account, facts.account, hold_reason(facts)) == (False, None, None)


def test_refund_to_the_original_payment_without_an_account_is_held() -> None:
    facts = facts_of(create_refund(create_payment(), None))
    assert hold_reason(facts) is Hold.ACCOUNT_MISSING


@pytest.mark.parametrize(
    ("column", "hold"),
    [
        ({"is_active": False}, Hold.ACCOUNT_INACTIVE),
        ({"paused_because": "staff"}, Hold.PAUSED),
        ({"paused_because": "restored", "reconcile_since": NOW}, Hold.RESTORED),
        ({"reconcile_since": NOW}, Hold.RESTORED),
    ],
)
def test_state_of_the_account_holds_a_refund(column: dict[str, Any], hold: Hold) -> None:
    account = create_account(**column)
    assert hold_reason(facts_of(create_refund(create_payment(), account))) is hold


SENT = {"first_sent_at": MIDNIGHT}
COUNTED: list[tuple[dict[str, Any], int]] = [
    (SENT | {"status": Status.SENDING.value}, 100),
    (SENT | {"status": Status.IN_DOUBT.value}, 100),
    (SENT | {"status": Status.PENDING.value}, 100),
    (SENT | {"status": Status.CONFIRMED.value}, 100),
    (SENT | {"status": Status.RETURNED.value}, 100),
    (SENT | {"status": Status.FAILED.value}, 0),
    ({"status": Status.PLANNED.value}, 0),
    ({"first_sent_at": MIDNIGHT - timedelta(seconds=1), "status": Status.CONFIRMED.value}, 0),
]


@pytest.mark.parametrize(("columns", "counted"), COUNTED)
def test_day_of_the_limit_is_that_of_utc(columns: dict[str, Any], counted: int) -> None:
    account, payment = create_account(limit_day_minor=150), create_payment()
    create_refund(payment, account, **columns)
    refund = create_refund(payment, account)
    assert account_facts(refund).sent_today_minor == counted
    expected = Hold.ABOVE_LIMIT_DAY if counted else None
    assert hold_reason(facts_of(refund)) is expected
    # In Istanbul it is the next day already, in UTC it is not.
    late = datetime.fromisoformat("2026-03-11T01:30:00+03:00")
    assert account_facts(refund, late).sent_today_minor == counted


def test_own_amount_and_other_accounts_do_not_count() -> None:
    account, payment = create_account(limit_day_minor=100), create_payment()
    other = create_account(code="b", provider_account="acct_2", payment_kinds=[])
    create_refund(payment, other, status="confirmed", **SENT)
    refund = create_refund(payment, account, status="in_doubt", sends=1, **SENT)
    assert account_facts(refund).sent_today_minor == 0


def test_account_without_limit_of_the_day_adds_nothing_up() -> None:
    account, payment = create_account(), create_payment()
    create_refund(payment, account, status="confirmed", **SENT)
    assert account_facts(create_refund(payment, account)).sent_today_minor == 0


def test_failover_is_noticed_before_the_next_request() -> None:
    """On PostgreSQL the identity is read before each request."""
    DatabaseEpoch.objects.create(pk=1, identity="another", generation=1, trusted_at=NOW)
    refund = create_refund(create_payment(), create_account())
    is_noticed = connection.vendor == "postgresql"
    assert account_facts(refund).needs_reconciliation is is_noticed


@pytest.mark.django_db(transaction=True)
def test_pause_waits_for_a_request_that_is_being_recorded() -> None:
    """The pause comes after it, and not between the check and the request."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    account = create_account()
    refund = create_refund(create_payment(), account)
    pausing = threading.Thread(target=_pause, args=[account.pk])
    with transaction.atomic():
        loaded = Refund.objects.select_related("payment").get(pk=refund.pk)
        assert hold_reason(send_facts(loaded, NOW)) is None
        pausing.start()
        pausing.join(0.5)
        assert pausing.is_alive()
    pausing.join(10)
    assert hold_reason(facts_of(refund)) is Hold.PAUSED


def _pause(account_id: int) -> None:
    pause_account(SHOP, account_id, now=NOW)
    connection.close()
