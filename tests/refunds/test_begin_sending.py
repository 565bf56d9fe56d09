"""Before a request leaves: what holds a refund, and what is committed."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from takeback.orders.models import Payment
from takeback.refunds.commands.retry import send_again
from takeback.refunds.commands.send import NotSent, SendOrder, hold_refund
from takeback.refunds.models import PaymentAccount, Refund
from takeback.refunds.providers import (
    Capabilities,
    PaymentRef,
    RefundOrder,
    RefundStatus,
    Refused,
)
from takeback.refunds.statuses import Attention
from tests.factories import NOW
from tests.refunds.factories import (
    AGENT,
    balances,
    create_account,
    create_approved_plan,
    create_charged_order,
    create_refund,
    entry_of,
    leg,
    plan,
    reload,
    state_of,
    stranger,
)
from tests.refunds.fake_provider import CAPABILITIES
from tests.refunds.sending import (
    SECOND,
    SENT_AT,
    apply_look,
    begin,
    create_sent_refund,
    reply,
    status_of,
)

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("each step queries again"),
]


def test_intent_is_stored_before_the_request() -> None:
    refund = create_refund(400)

    begun = begin(refund, state_of(stranger(50)))

    payment = Payment.objects.get(pk=refund.payment_id)
    reference = PaymentRef(payment.reference or "", None, payment.pk)
    order = RefundOrder(refund.uuid.hex, reference, 400, "try")
    assert begun == SendOrder(refund.pk, order, is_void=False, number=1)
    row = reload(refund)
    assert (row.status, row.sends, row.missing_looks) == ("sending", 1, 0)
    assert (row.first_sent_at, row.last_sent_at) == (SENT_AT, SENT_AT)
    assert row.key_expires_at == SENT_AT + timedelta(hours=24)
    assert (row.provider_total_before, row.lag_seconds) == (0, 2)
    assert row.next_look_at == SENT_AT + timedelta(seconds=30)
    assert balances(payment) == (400, 0, 50, 0)
    assert payment.observed_at == SENT_AT


@pytest.mark.parametrize(
    ("window", "expires_at"), [(None, None), (timedelta(0), SENT_AT), (timedelta(days=30), 30)]
)
def test_window_of_the_key_is_stored(window: timedelta | None, expires_at: Any) -> None:
    refund = create_refund()

    begin(refund, capabilities=replace(CAPABILITIES, key_window=window))

    expected = SENT_AT + timedelta(days=30) if expires_at == 30 else expires_at
    assert reload(refund).key_expires_at == expected


def test_refund_is_begun_once() -> None:
    refund = create_sent_refund()

    assert begin(refund) == NotSent("not_waiting")
    assert reload(refund).sends == 1


@pytest.mark.parametrize(
    ("state", "attention"),
    [
        ({"captured_minor": 999}, "capture_differs"),
        ({"captured_minor": 1001}, "capture_differs"),
        ({"currency": "eur"}, "other_currency"),
        ({"is_test": True}, "contradiction"),
        ({"charged_back_minor": 601}, "not_enough_left"),
        ({"captured_minor": 0, "is_authorized_only": True}, "capture_differs"),
    ],
)
def test_payment_that_differs_needs_a_person(state: dict[str, Any], attention: str) -> None:
    refund = create_refund(400)

    assert begin(refund, state_of(**state)) == NotSent(attention)

    assert status_of(refund) == ("planned", attention)
    assert begin(refund) == NotSent(attention)
    assert reload(refund).next_look_at is None
    assert (reload(refund).sends, balances(refund.payment_id)[0]) == (0, 400)


def test_live_payment_is_not_refunded_with_test_credentials() -> None:
    create_account(is_test=True)
    refund = create_refund()

    assert begin(refund) == NotSent("contradiction")


def test_payment_of_a_test_is_refunded_with_test_credentials() -> None:
    create_account(is_test=True)
    refund = create_refund()

    assert isinstance(begin(refund, state_of(is_test=True)), SendOrder)


@pytest.mark.parametrize(("amount", "attention"), [(600, ""), (601, "not_enough_left")])
def test_refunds_of_others_lower_what_is_left(amount: int, attention: str) -> None:
    refund = create_refund(400)

    begin(refund, state_of(stranger(amount)))

    assert reload(refund).attention == attention
    assert balances(refund.payment_id) == (400, 0, amount, 0)


def test_planned_refund_that_the_provider_shows_needs_a_person() -> None:
    """Our database was restored: the provider has paid it before."""
    refund = create_refund()

    assert begin(refund, state_of(entry_of(refund))) == NotSent("contradiction")


@pytest.mark.parametrize("status", [RefundStatus.PENDING, RefundStatus.CONFIRMED])
def test_replacement_is_not_sent_if_the_provider_paid_the_first_after_all(
    status: RefundStatus,
) -> None:
    refund = create_sent_refund(300)
    reply(refund, Refused("card_expired"))
    second = Refund.objects.get(pk=send_again(refund.pk, actor=AGENT, now=SENT_AT))
    begin(second, state_of(), now=SENT_AT)
    reply(second, Refused("card_expired"))
    third = Refund.objects.get(pk=send_again(second.pk, actor=AGENT, now=SENT_AT))

    begun = begin(third, state_of(entry_of(refund, status)), now=SENT_AT + SECOND)

    assert begun == NotSent("contradiction")
    assert reload(third).sends == 0


def test_replacement_is_sent_if_the_provider_shows_that_the_first_failed() -> None:
    refund = create_sent_refund(300)
    reply(refund, Refused("card_expired"))
    second = Refund.objects.get(pk=send_again(refund.pk, actor=AGENT, now=SENT_AT))
    failed = state_of(entry_of(refund, RefundStatus.FAILED))

    assert isinstance(begin(second, failed, now=SENT_AT + SECOND), SendOrder)


@pytest.mark.parametrize(
    "capabilities",
    [
        replace(CAPABILITIES, is_manual=True),
        replace(CAPABILITIES, can_refund=False),
        replace(CAPABILITIES, max_partials=2),
    ],
)
def test_refund_that_the_provider_cannot_pay_is_paid_by_a_person(
    capabilities: Capabilities,
) -> None:
    refund = create_refund()
    failed = stranger(5, provider_refund="re_3", status=RefundStatus.FAILED)
    state = state_of(stranger(5), stranger(5, provider_refund="re_2"), failed)

    assert begin(refund, state, capabilities=capabilities) == NotSent("manual_payment")


def test_open_dispute_holds_a_refund_until_it_is_closed() -> None:
    refund = create_refund()

    assert begin(refund, state_of(has_open_dispute=True)) == NotSent("open_dispute")

    row = reload(refund)
    assert (row.status, row.attention) == ("planned", "")
    assert row.next_look_at is not None
    assert row.next_look_at > SENT_AT
    later = SENT_AT + SECOND
    apply_look(refund, state_of(), later)
    assert reload(refund).next_look_at == later
    assert isinstance(begin(refund, now=later), SendOrder)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"paused_because": "staff"}, "paused"),
        ({"is_active": False}, "account_inactive"),
        ({"limit_each_minor": 399}, "above_limit_each"),
        ({"limit_day_minor": 399}, "above_limit_day"),
    ],
)
def test_account_holds_a_refund_that_is_tried_again(fields: dict[str, Any], reason: str) -> None:
    refund = create_refund(400)
    PaymentAccount.objects.update(**fields)

    assert begin(refund) == NotSent(reason)

    row = reload(refund)
    assert (row.status, row.attention, row.sends) == ("planned", "", 0)
    assert row.next_look_at is not None
    assert SENT_AT < row.next_look_at <= SENT_AT + timedelta(minutes=36)


def test_refund_waits_for_its_second_person() -> None:
    refund = create_refund(needs_second_person=True)

    assert begin(refund) == NotSent("second_person_missing")
    Refund.objects.update(approved_by_number=2)
    assert isinstance(begin(refund), SendOrder)


def test_deadline_of_the_provider_holds_a_refund() -> None:
    refund = create_refund()
    capabilities = replace(CAPABILITIES, deadline=timedelta(days=180))

    late = begin(refund, capabilities=capabilities, now=NOW + timedelta(days=181))

    assert late == NotSent("deadline_over")


def test_equal_amounts_on_a_payment_wait_for_each_other() -> None:
    create_account()
    order, [payment] = create_charged_order()
    plan_id = create_approved_plan(order).pk
    first, second, other = plan(order, plan_id, [leg(payment, n) for n in (300, 300, 400)])
    capabilities = replace(CAPABILITIES, equal_amounts_apart=timedelta(hours=1))
    begin(first, capabilities=capabilities)

    later = SENT_AT + timedelta(minutes=10)
    assert begin(second, capabilities=capabilities, now=later) == NotSent("equal_amount")

    free_at = SENT_AT + timedelta(hours=1)
    assert reload(second).next_look_at == free_at
    assert isinstance(begin(other, capabilities=capabilities, now=later), SendOrder)
    assert isinstance(begin(second, capabilities=capabilities, now=free_at), SendOrder)


def test_state_that_is_older_than_the_newest_overwrites_no_fact() -> None:
    refund = create_refund()
    apply_look(refund, state_of(stranger(70)), SENT_AT)

    begin(refund, state_of(), now=SENT_AT + SECOND, at=SENT_AT - SECOND)

    assert balances(refund.payment_id) == (400, 0, 70, 0)


def test_authorization_is_released_as_a_unit() -> None:
    refund = create_refund(1000)
    uncaptured = state_of(captured_minor=0, is_authorized_only=True)

    begun = begin(refund, uncaptured)

    assert isinstance(begun, SendOrder)
    assert begun.is_void
    assert reload(refund).is_void


def test_authorization_stays_if_the_provider_cannot_release_it() -> None:
    refund = create_refund(1000)
    uncaptured = state_of(captured_minor=0, is_authorized_only=True)
    capabilities = replace(CAPABILITIES, can_void=False)

    assert begin(refund, uncaptured, capabilities=capabilities) == NotSent("capture_differs")


def test_refund_that_cannot_be_sent_is_held_for_a_person_or_tried_later() -> None:
    refund = create_refund()

    hold_refund(refund.pk, None, now=SENT_AT)
    assert status_of(refund) == ("planned", "")
    next_at = reload(refund).next_look_at
    assert next_at is not None
    assert timedelta(seconds=24) <= next_at - SENT_AT <= timedelta(seconds=36)
    hold_refund(refund.pk, Attention.NO_PROVIDER_PAYMENT, now=SENT_AT)
    assert status_of(refund) == ("planned", "no_provider_payment")


def test_held_refund_is_tried_at_least_every_half_hour() -> None:
    refund = create_refund()
    later: datetime = NOW + timedelta(days=20)

    hold_refund(refund.pk, None, now=later)

    next_at = reload(refund).next_look_at
    assert next_at is not None
    assert timedelta(minutes=24) <= next_at - later <= timedelta(minutes=36)
