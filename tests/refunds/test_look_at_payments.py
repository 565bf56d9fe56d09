"""The worker looks at payments when a look is due, and when a provider rings."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from takeback.outbox.models import Message
from takeback.refunds.commands import look
from takeback.refunds.commands.look import look_at_payments, record_event
from takeback.refunds.models import ProviderEvent, Refund
from takeback.refunds.providers import RefundStatus, Unknown
from takeback.refunds.schedule import evidence_margin, next_late_look, next_look
from tests.factories import NOW
from tests.refunds.factories import (
    create_account,
    create_approved_plan,
    create_charged_order,
    create_refund,
    leg,
    plan,
    reload,
)
from tests.refunds.sending import SENT_AT, accepted, begin, create_sent_refund, reply

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("each step queries again"),
]

LATER = SENT_AT + timedelta(minutes=5)
MIDDLE = UUID(int=200)
"""A key in the middle of the spread: its factor is 1."""


def published(topic: str) -> list[dict[str, object]]:
    """The payloads of the messages of a topic."""
    messages = Message.objects.filter(topic=topic)
    return list(messages.order_by("pk").values_list("payload", flat=True))


def test_undecided_refunds_are_looked_at_once_per_payment() -> None:
    account = create_account()
    order, [payment] = create_charged_order()
    plan_id = create_approved_plan(order).pk
    refunds = plan(order, plan_id, [leg(payment, 300), leg(payment, 300)])
    for refund in refunds:
        begin(refund)
        reply(refund, Unknown("timeout"))

    assert look_at_payments(SENT_AT) == 0
    assert look_at_payments(LATER) == 2
    assert look_at_payments(LATER) == 0

    assert published("refund.look") == [{"payment": payment.pk, "lane": account.pk, "event": 0}]
    # The next look: a third of the age later, spread by the key.
    for refund in refunds:
        at = reload(refund).next_look_at
        assert at is not None
        assert 0.8 * 100 - 1 <= (at - LATER).total_seconds() <= 1.2 * 100 + 1


def test_second_look_within_a_second_is_published_too() -> None:
    """Another refund of the payment may be due then, or our clock was put back."""
    refund = create_sent_refund()
    for _ in range(2):
        Refund.objects.filter(pk=refund.pk).update(next_look_at=LATER)
        assert look_at_payments(LATER) == 1

    assert len(published("refund.look")) == 2


def test_held_refund_is_tried_again() -> None:
    refund = create_refund()
    Message.objects.all().delete()
    Refund.objects.update(next_look_at=LATER)

    assert look_at_payments(LATER) == 1

    assert published("refund.planned") == [{"refund": refund.pk, "lane": refund.account_id}]


def test_refund_that_waits_for_a_person_is_not_tried_again() -> None:
    refund = create_refund()
    Message.objects.all().delete()
    Refund.objects.update(next_look_at=LATER, attention="capture_differs")

    look_at_payments(LATER)

    assert published("refund.planned") == []
    assert reload(refund).next_look_at is None


def test_planned_refund_without_an_attempt_is_left_to_its_message() -> None:
    create_refund()

    assert look_at_payments(LATER) == 0


def test_confirmed_refunds_are_looked_at_for_two_months() -> None:
    refund = create_sent_refund()
    reply(refund, accepted(refund))
    looks, now = 0, SENT_AT
    while (at := reload(refund).next_look_at) is not None:
        now = at
        assert look_at_payments(now) == 1
        looks += 1

    assert looks == 6
    assert timedelta(days=47) <= now - SENT_AT <= timedelta(days=73)
    assert len(published("refund.look")) == 6


@pytest.mark.parametrize("status", ["failed", "cancelled", "returned"])
def test_ended_refund_is_not_looked_at_again(status: str) -> None:
    refund = create_refund()
    before = {"failed": ["sending"], "cancelled": [], "returned": ["sending", "confirmed"]}
    for step in [*before[status], status]:
        Refund.objects.update(status=step, next_look_at=NOW)

    look_at_payments(LATER)

    assert published("refund.look") == []
    assert reload(refund).next_look_at is None


def test_looks_are_published_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "LOOKS_AT_ONCE", 2)
    for _ in range(3):
        create_sent_refund()

    assert [look_at_payments(LATER) for _ in range(3)] == [2, 1, 0]
    assert len(published("refund.look")) == 3


def test_event_rings_once() -> None:
    refund = create_sent_refund()
    account = refund.account_id
    assert account is not None
    reference = Refund.objects.select_related("payment").get().payment.reference
    assert reference is not None

    assert record_event(account, "evt_1", reference, now=LATER) is True
    assert record_event(account, "evt_1", reference, now=LATER) is False

    event = ProviderEvent.objects.get()
    assert (event.payment_reference, event.handled_at) == (reference, None)
    assert published("refund.look") == [
        {"payment": refund.payment_id, "lane": account, "event": event.pk}
    ]
    # An event reports nothing by itself.
    assert reload(refund).status == "sending"


def test_event_of_an_unknown_payment_is_stored_and_wakes_no_look() -> None:
    refund = create_sent_refund()
    other = create_account(code="other")
    reference = Refund.objects.select_related("payment").get().payment.reference or ""

    assert record_event(refund.account_id or 0, "evt_1", "pay_unknown", now=LATER) is True
    assert record_event(other.pk, "evt_1", reference, now=LATER) is True

    assert published("refund.look") == []
    assert set(ProviderEvent.objects.values_list("handled_at", flat=True)) == {LATER}


@pytest.mark.parametrize(
    ("age", "wait"),
    [
        (timedelta(0), timedelta(seconds=30)),
        (timedelta(seconds=90), timedelta(seconds=30)),
        (timedelta(minutes=30), timedelta(minutes=10)),
        (timedelta(hours=18), timedelta(hours=6)),
        (timedelta(days=9), timedelta(hours=6)),
        (timedelta(days=-1), timedelta(seconds=30)),
    ],
)
def test_looks_become_rarer_with_the_age_of_the_request(age: timedelta, wait: timedelta) -> None:
    assert next_look(MIDDLE, NOW - age, NOW) == NOW + wait


def test_looks_are_spread_by_a_fifth_in_both_directions() -> None:
    waits = {next_look(UUID(int=number), NOW, NOW) - NOW for number in range(401)}

    assert (min(waits), max(waits)) == (timedelta(seconds=24), timedelta(seconds=36))
    assert len(waits) == 401


@pytest.mark.parametrize(("days", "next_days"), [(0, 1), (1, 3), (29, 30), (30, 60), (60, None)])
def test_late_looks_end_after_sixty_days(days: int, next_days: int | None) -> None:
    now = NOW + timedelta(days=days)

    expected = None if next_days is None else NOW + timedelta(days=next_days)
    assert next_late_look(MIDDLE, NOW, now) == expected


@pytest.mark.parametrize(
    ("hours", "seconds"),
    [(0, 2), (22, 2), (23, 32), (24, 32)],
)
def test_evidence_takes_longer_when_the_key_may_be_forgotten(hours: int, seconds: int) -> None:
    expires_at: datetime = NOW + timedelta(hours=24)
    now = NOW + timedelta(hours=hours)

    margin = evidence_margin(timedelta(seconds=2), NOW, expires_at, now)

    assert margin == timedelta(seconds=seconds)


def test_evidence_takes_a_second_at_least() -> None:
    assert evidence_margin(timedelta(0), NOW, None, NOW) == timedelta(seconds=1)


def test_pending_refund_is_looked_at_as_well() -> None:
    refund = create_sent_refund()
    reply(refund, accepted(refund, RefundStatus.PENDING))

    assert look_at_payments(LATER) == 1
    assert len(published("refund.look")) == 1
