"""Begins to send a refund: the intent is committed before the socket opens.

A process that is killed afterwards leaves a refund of which it is not known whether money moved:
it is never sent under another key, and never again before the provider has shown that it lacks it.
"""

from datetime import datetime
from math import ceil
from typing import NamedTuple

from django.db import transaction

from takeback.orders.models import Payment
from takeback.refunds.commands.state import record_facts, refunds_under
from takeback.refunds.commands.transition import apply_event, flag, lock_refund, set_columns
from takeback.refunds.matching import (
    Observation,
    is_older,
    match_entries,
    minor_without_others,
    misfit,
)
from takeback.refunds.models import Refund
from takeback.refunds.policy import hold_reason
from takeback.refunds.providers import (
    Capabilities,
    PaymentRef,
    PaymentState,
    RefundOrder,
    RefundStatus,
)
from takeback.refunds.queries import left_of
from takeback.refunds.schedule import SENDER_TIME, next_repetition, next_try
from takeback.refunds.send_facts import send_facts
from takeback.refunds.statuses import (
    LOOKS_NEEDED,
    PAID_BY_A_PERSON,
    REPEATABLE,
    UNDECIDED,
    Attention,
    RefundEvent,
    Status,
)


class SendOrder(NamedTuple):
    """A refund to send now, once."""

    refund_id: int
    order: RefundOrder
    is_void: bool
    # The number of this request among those under the refund's key.
    number: int


class NotSent(NamedTuple):
    """A refund that is not sent now, and the code of the reason."""

    reason: str


# Reasons besides those of `policy.Hold` and `Attention`.
NOT_WAITING, EQUAL_AMOUNT, NO_EVIDENCE = "not_waiting", "equal_amount", "no_evidence"
TOO_SOON = "too_soon"


@transaction.atomic(durable=True)
def begin_sending(
    refund_id: int, *, capabilities: Capabilities, observation: Observation, now: datetime
) -> SendOrder | NotSent:
    """Decide on the newest state of the payment whether a refund is sent, and record that it is.

    After the return the caller sends the order at once and records the reply.
    """
    refund = lock_refund(refund_id)
    payment, state = refund.payment, observation.state
    refunds = refunds_under(payment, state, refund.account_id)
    if reason := _status_reason(refund, refunds, observation):
        return NotSent(reason)
    obstacle = _obstacle(refund, refunds, capabilities, observation)
    if obstacle is None and state.covers_payment and not is_older(payment, observation, now):
        record_facts(payment, refunds, observation, now)
    if obstacle is None and left_of(payment) < 0:
        obstacle = Attention.NOT_ENOUGH_LEFT
    if obstacle:
        _stop_trying(refund, obstacle, now)
        return NotSent(obstacle.value)
    if hold := _hold(refund, capabilities, now):
        return hold
    return _record_intent(refund, refunds, capabilities, observation, now)


@transaction.atomic
def hold_refund(refund_id: int, reason: Attention | None, *, now: datetime) -> None:
    """Let a person look at a refund that cannot be sent; without a reason it is tried later."""
    refund = lock_refund(refund_id)
    if reason and refund.status in (Status.PLANNED, *UNDECIDED):
        _stop_trying(refund, reason, now)
    elif refund.status == Status.PLANNED:
        set_columns(refund, now=now, next_look_at=next_try(refund.uuid, refund.created_date, now))


def _stop_trying(refund: Refund, reason: Attention, now: datetime) -> None:
    """A planned refund waits for a person, and is not tried before; others are still watched."""
    is_planned = refund.status == Status.PLANNED
    flag(refund, reason, now=now, **({"next_look_at": None} if is_planned else {}))


def _status_reason(refund: Refund, refunds: list[Refund], observation: Observation) -> str | None:
    """Why a refund of this status is not sent: it is not its turn."""
    match Status(refund.status):
        case Status.PLANNED:
            return refund.attention or None
        case Status.IN_DOUBT:
            return None if _may_be_repeated(refund, refunds, observation) else NO_EVIDENCE
        case _:
            return NOT_WAITING


def _obstacle(
    refund: Refund, refunds: list[Refund], capabilities: Capabilities, observation: Observation
) -> Attention | None:
    """What a person must clarify before the refund is sent."""
    payment, state = refund.payment, observation.state
    if refund.means in PAID_BY_A_PERSON or capabilities.is_manual or not capabilities.can_refund:
        return Attention.MANUAL_PAYMENT
    if reason := misfit(payment, refunds, state):
        return reason
    if refund.status == Status.PLANNED and _is_paid_there(refund, refunds, state):
        return Attention.CONTRADICTION
    return _difference(refund, capabilities, state) if state.covers_payment else None


def _is_paid_there(refund: Refund, refunds: list[Refund], state: PaymentState) -> bool:
    """Whether the provider shows a planned refund, or has paid one that it replaces."""
    own, by_id = match_entries(refunds, state).own, {row.pk: row for row in refunds}
    if refund.pk in own:
        return True
    replaced = by_id.get(refund.replaces_id or 0)
    while replaced is not None:
        entry = own.get(replaced.pk)
        if entry is not None and entry.status is not RefundStatus.FAILED:
            return True
        replaced = by_id.get(replaced.replaces_id or 0)
    return False


def _difference(
    refund: Refund, capabilities: Capabilities, state: PaymentState
) -> Attention | None:
    """What differs between our payment and the one at the provider."""
    payment = refund.payment
    if state.is_authorized_only:
        is_complete = refund.amount_minor == payment.amount_minor
        return None if capabilities.can_void and is_complete else Attention.CAPTURE_DIFFERS
    if state.captured_minor != payment.captured_minor:
        return Attention.CAPTURE_DIFFERS
    partials = sum(entry.status is not RefundStatus.FAILED for entry in state.refunds)
    if capabilities.max_partials is not None and partials >= capabilities.max_partials:
        return Attention.MANUAL_PAYMENT
    return None


def _may_be_repeated(refund: Refund, refunds: list[Refund], observation: Observation) -> bool:
    """Whether states of the payment show that no request for the refund has had an effect."""
    state, report = observation.state, match_entries(refunds, observation.state)
    if refund.attention not in ("", *REPEATABLE) or refund.pk in report.own:
        return False
    if refund.missing_looks < LOOKS_NEEDED:
        return False
    if refund.observed_at is not None and observation.at < refund.observed_at:
        return False
    if refund.is_void:
        return state.is_authorized_only
    return minor_without_others(refund, report, state) == refund.provider_total_before


def _hold(refund: Refund, capabilities: Capabilities, now: datetime) -> NotSent | None:
    """Why a refund is not sent now, though nobody needs to clarify anything; it is tried later."""
    if again_at := _too_soon_until(refund, now):
        set_columns(refund, now=now, next_look_at=again_at)
        return NotSent(TOO_SOON)
    if free_at := _equal_amount_until(refund, capabilities, now):
        set_columns(refund, now=now, next_look_at=free_at)
        return NotSent(EQUAL_AMOUNT)
    deadline = capabilities.deadline
    until = refund.order.placed_at + deadline if deadline else None
    hold = hold_reason(send_facts(refund, now, refundable_until=until))
    if hold is None:
        return None
    set_columns(refund, now=now, next_look_at=next_try(refund.uuid, refund.created_date, now))
    return NotSent(hold.value)


def _too_soon_until(refund: Refund, now: datetime) -> datetime | None:
    """Until when a repetition waits; a clock that was put back lets none wait for long."""
    if refund.last_sent_at is None or now < refund.last_sent_at:
        return None
    again_at = next_repetition(refund.sends, refund.last_sent_at)
    return again_at if now < again_at else None


def _equal_amount_until(
    refund: Refund, capabilities: Capabilities, now: datetime
) -> datetime | None:
    """Until when the provider takes the refund for a repetition of another one."""
    apart = capabilities.equal_amounts_apart
    equal = Refund.objects.filter(
        payment=refund.payment_id,
        account=refund.account_id,
        amount_minor=refund.amount_minor,
        last_sent_at__gt=now - apart,
    ).exclude(pk=refund.pk)
    newest = equal.order_by("-last_sent_at").values_list("last_sent_at", flat=True).first()
    return newest + apart if apart and newest else None


def _record_intent(
    refund: Refund,
    refunds: list[Refund],
    capabilities: Capabilities,
    observation: Observation,
    now: datetime,
) -> SendOrder:
    window, state = capabilities.key_window, observation.state
    values: dict[str, object] = {
        "sends": refund.sends + 1,
        "last_sent_at": now,
        "lag_seconds": ceil(capabilities.lag.total_seconds()),
        "missing_looks": 0,
        "failure_code": "",
        "attention": "",
        "next_look_at": now + SENDER_TIME,
    }
    if refund.first_sent_at is None:
        values |= {
            "first_sent_at": now,
            "key_expires_at": None if window is None else now + window,
            "is_void": state.covers_payment and state.is_authorized_only,
            "provider_total_before": minor_without_others(
                refund, match_entries(refunds, state), state
            ),
        }
    apply_event(refund, RefundEvent.SEND, now=now, **values)
    order = order_of(refund, refund.payment)
    return SendOrder(refund.pk, order, refund.is_void, refund.sends)


def order_of(refund: Refund, payment: Payment) -> RefundOrder:
    """The order that goes to the provider; repetitions are equal."""
    return RefundOrder(
        key=refund.uuid.hex,
        payment=reference_of(payment),
        amount_minor=refund.amount_minor,
        currency=refund.currency,
    )


def reference_of(payment: Payment) -> PaymentRef:
    """The payment's ids at its provider, and our own."""
    return PaymentRef(payment.reference or "", payment.provider_order, payment.pk)
