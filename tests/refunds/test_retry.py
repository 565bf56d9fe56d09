"""Other attempts: only after the first is final, with the shopper's consent, and with a new key."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from takeback.core.ids import OrderId
from takeback.orders.models import Payment
from takeback.outbox.models import Message
from takeback.refunds import errors
from takeback.refunds.commands.retry import retry_by_other_means, send_again
from takeback.refunds.models import LedgerEntry, PaymentAccount, Refund, RefundPart
from takeback.refunds.providers import RefundStatus, Refused, Unknown
from takeback.refunds.queries import is_plan_paid, payment_balances
from takeback.refunds.statuses import Means
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
from tests.refusals import refused

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("each step queries again"),
]

LATER = SENT_AT + timedelta(days=20)
CONSENT = "agreed by phone on 30 March"


def create_failed_refund() -> Refund:
    refund = create_sent_refund(400)
    reply(refund, Refused("card_expired"))
    return reload(refund)


def create_returned_refund() -> Refund:
    refund = create_sent_refund(400)
    reply(refund, accepted(refund))
    apply_look(refund, state_of(entry_of(refund, RefundStatus.FAILED)), LATER)
    return reload(refund)


def to_points(refund: Refund, consent: str = CONSENT) -> Refund:
    """Replace a refund by points."""
    new = retry_by_other_means(refund.pk, Means.LOYALTY, consent=consent, actor=AGENT, now=LATER)
    return Refund.objects.get(pk=new)


@pytest.mark.parametrize("create", [create_failed_refund, create_returned_refund])
def test_other_means_replace_a_refund_that_is_final(create: object) -> None:
    refund = create()  # type: ignore[operator]

    new = to_points(refund)

    assert (new.replaces_id, new.means, new.consent) == (refund.pk, "loyalty", CONSENT)
    assert (new.amount_minor, new.plan_id, new.account_id) == (400, refund.plan_id, None)
    assert new.uuid != refund.uuid
    assert (new.requested_by_kind, new.requested_by_number) == ("staff", 1)
    assert status_of(refund) == (refund.status, "")
    assert balances(refund.payment_id) == (400, 0, 0, 0)
    parts = RefundPart.objects.filter(refund=new)
    assert list(parts.values_list("units", "goods_minor")) == [(1, 400)]
    message = Message.objects.get(key=f"refund.planned:{new.uuid.hex}")
    assert message.payload == {"refund": new.pk, "lane": 0}
    # The new refund takes the debt over.
    taken = LedgerEntry.objects.filter(refund__in=[refund, new], cause="plan", seq__gt=1)
    assert sum(taken.values_list("amount_minor", flat=True)) == 0


@pytest.mark.parametrize("status", ["planned", "sending", "in_doubt", "pending", "confirmed"])
def test_refund_that_is_not_final_is_never_replaced(status: str) -> None:
    refund = create_refund(400) if status == "planned" else create_sent_refund(400)
    if status == "in_doubt":
        reply(refund, Unknown("timeout"))
    elif status in ("pending", "confirmed"):
        reply(refund, accepted(refund, RefundStatus(status)))

    with refused(errors.NOT_FINAL):
        to_points(refund)


@pytest.mark.parametrize("consent", ["", "  "])
def test_other_means_need_the_consent_of_the_shopper(consent: str) -> None:
    refund = create_failed_refund()

    with refused(errors.CONSENT_REQUIRED):
        to_points(refund, consent)


def test_same_means_are_no_other_means() -> None:
    refund = create_failed_refund()

    with refused(errors.SAME_MEANS):
        retry_by_other_means(refund.pk, Means.ORIGINAL, consent=CONSENT, actor=AGENT, now=LATER)


def test_refund_is_replaced_once() -> None:
    refund = create_failed_refund()
    to_points(refund)

    with refused(errors.ALREADY_REPLACED):
        to_points(refund)
    with refused(errors.ALREADY_REPLACED):
        send_again(refund.pk, actor=AGENT, now=LATER)


def test_refund_that_the_provider_paid_after_all_is_not_replaced() -> None:
    refund = create_failed_refund()
    apply_look(refund, state_of(entry_of(refund)), LATER)

    with refused(errors.IN_CONTRADICTION):
        to_points(refund)


def test_replacement_needs_money_that_is_left() -> None:
    refund = create_failed_refund()
    Payment.objects.update(charged_back_minor=601)

    with refused(errors.NOT_ENOUGH_LEFT):
        to_points(refund)


@pytest.mark.parametrize("create", [create_failed_refund, create_returned_refund])
def test_money_of_a_refund_that_is_final_waits_for_its_replacement(
    create: Callable[[], Refund],
) -> None:
    """Another plan would take it, and the shopper would never get it."""
    refund = create()
    order_id = OrderId(refund.order_id)
    assert balances(refund.payment_id)[:2] == (0, 0)

    assert [row.left for row in payment_balances(order_id)] == [600]
    send_again(refund.pk, actor=AGENT, now=LATER)

    assert [row.left for row in payment_balances(order_id)] == [600]
    assert balances(refund.payment_id)[:2] == (400, 0)


def test_plan_is_paid_when_the_replacement_is() -> None:
    refund = create_failed_refund()
    assert is_plan_paid(refund.plan_id) is False
    new = to_points(refund)
    assert is_plan_paid(refund.plan_id) is False

    Refund.objects.filter(pk=new.pk).update(status="sending")
    Refund.objects.filter(pk=new.pk).update(status="confirmed")

    assert is_plan_paid(refund.plan_id) is True


@pytest.mark.parametrize("create", [create_failed_refund, create_returned_refund])
def test_same_means_are_tried_again_as_a_new_refund(create: object) -> None:
    refund = create()  # type: ignore[operator]

    new = Refund.objects.get(pk=send_again(refund.pk, actor=AGENT, now=LATER))

    assert (new.replaces_id, new.means, new.account_id) == (
        refund.pk,
        "original",
        refund.account_id,
    )
    assert new.uuid != refund.uuid
    assert (new.status, new.sends, new.consent) == ("planned", 0, "")


def test_planned_refund_is_sent_again_under_its_key() -> None:
    refund = create_refund()
    Refund.objects.update(attention="capture_differs", next_look_at=LATER)

    assert send_again(refund.pk, actor=AGENT, now=LATER) == refund.pk

    assert status_of(refund) == ("planned", "")
    messages = Message.objects.filter(topic="refund.planned").order_by("pk")
    assert [message.payload["refund"] for message in messages] == [refund.pk, refund.pk]


@pytest.mark.parametrize("is_lost", [True, False])
def test_refund_in_doubt_is_looked_at_and_not_sent(is_lost: bool) -> None:
    refund = create_sent_refund()
    if is_lost:
        reply(refund, Unknown("timeout"))

    assert send_again(refund.pk, actor=AGENT, now=LATER) == refund.pk

    message = Message.objects.get(topic="refund.look")
    assert message.payload == {
        "payment": refund.payment_id,
        "lane": refund.account_id,
        "event": 0,
    }
    assert reload(refund).sends == 1


def test_refund_without_account_is_planned_again_for_the_new_account() -> None:
    order, [payment] = create_charged_order()
    plan_id = create_approved_plan(order).pk
    terms = {"refund_invoice_number": "RI-7"}
    [refund] = plan(order, plan_id, [leg(payment, 400)], **terms)
    assert refund.account_id is None
    account = create_account()

    new = Refund.objects.get(pk=send_again(refund.pk, actor=AGENT, now=LATER))

    assert (new.account_id, new.replaces_id) == (account.pk, None)
    assert status_of(refund) == ("cancelled", "")
    assert balances(payment) == (400, 0, 0, 0)
    booked = LedgerEntry.objects.filter(refund=new)
    assert set(booked.values_list("refund_invoice_number", flat=True)) == {"RI-7"}
    assert PaymentAccount.objects.count() == 1


@pytest.mark.parametrize("status", ["pending", "confirmed"])
def test_accepted_refund_has_nothing_to_send(status: str) -> None:
    refund = create_sent_refund()
    reply(refund, accepted(refund, RefundStatus(status)), now=SENT_AT + SECOND)

    with refused(errors.NOTHING_TO_SEND):
        send_again(refund.pk, actor=AGENT, now=NOW)


def test_refund_that_a_person_pays_has_nothing_to_send() -> None:
    refund = create_refund(means=Means.MANUAL)

    with refused(errors.NOTHING_TO_SEND):
        send_again(refund.pk, actor=AGENT, now=NOW)
