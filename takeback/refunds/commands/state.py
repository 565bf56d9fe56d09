"""Applies the state of a payment that a provider reported: the only way in which a look counts.

A state is as old as the moment before it was requested. An older one never overwrites a newer one.
Reports are facts: what they contradict is left as it is and shown to a person.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction

from takeback.core.ids import OrderId
from takeback.orders.locks import lock_orders
from takeback.orders.models import Payment
from takeback.refunds.commands.book import book_charge_back, book_found
from takeback.refunds.commands.transition import (
    Change,
    accept,
    apply_event,
    confirm,
    doubt,
    fail,
    flag,
    set_columns,
)
from takeback.refunds.matching import (
    COUNTED,
    Observation,
    Report,
    has_right_amount,
    has_second_payout,
    is_older,
    match_entries,
    minor_of_others,
    minor_without_others,
    misfit,
)
from takeback.refunds.models import Refund
from takeback.refunds.providers import PaymentState, RefundStatus
from takeback.refunds.queries import refunds_of_route
from takeback.refunds.schedule import (
    DOUBT_TIME,
    LATE_TIME,
    PENDING_TIME,
    SENDER_TIME,
    UNREACHABLE_TIME,
    UNREAD_TIME,
    evidence_margin,
    next_look,
)
from takeback.refunds.statuses import LOOKS_NEEDED, UNDECIDED, Attention, Means, RefundEvent, Status

_ENDED_BY_A_STATE: Final = (
    Attention.NO_PROVIDER_PAYMENT,
    Attention.OTHER_CURRENCY,
    Attention.CONTRADICTION,
    Attention.ACCOUNT_MISSING,
)
"""What a state that can be read and fits the payment clarifies, unless it says the same again."""


@dataclass(frozen=True, slots=True)
class _Context:
    """A state with the locked rows to which it is applied."""

    refunds: Sequence[Refund]
    report: Report
    observation: Observation
    now: datetime


@transaction.atomic
def apply_state(
    payment_id: int,
    state: PaymentState,
    *,
    observed_at: datetime,
    now: datetime,
    account_id: int | None = None,
) -> list[Change]:
    """Apply a state to the refunds of its payment and to the payment itself.

    It counts for refunds through this account; None: for those of the payment's provider. A state
    that is older than the newest one, in another currency, or of another mode (test or live) than
    the account changes nothing but what a person must look at.
    """
    payment = lock_payment(payment_id)
    observation = Observation(state, observed_at)
    if state.covers_payment and is_older(payment, observation, now):
        return []
    refunds = refunds_under(payment, state, account_id)
    if reason := misfit(payment, refunds, state):
        return _flag_undecided(refunds, reason, now)
    context = _Context(refunds, match_entries(refunds, state), observation, now)
    changes = [change for refund in refunds for change in _apply_to(refund, context)]
    if state.covers_payment:
        record_facts(payment, refunds, observation, now)
    return changes


def record_facts(
    payment: Payment, refunds: Sequence[Refund], observation: Observation, now: datetime
) -> None:
    """Store what others did to a locked payment: dispute, charge-backs and refunds of others."""
    state = observation.state
    account = next((refund.account for refund in refunds), None)
    of_others = minor_of_others(refunds, match_entries(refunds, state), state)
    if difference := of_others - payment.found_minor:
        book_found(payment, difference, now, account=account)
    if difference := state.charged_back_minor - payment.charged_back_minor:
        book_charge_back(payment, difference, now, account=account)
    if payment.has_open_dispute and not state.has_open_dispute:
        waiting = Refund.objects.filter(payment=payment, status=Status.PLANNED.value)
        waiting.filter(next_look_at__isnull=False).update(next_look_at=now)
    values = {
        "found_minor": of_others,
        "charged_back_minor": state.charged_back_minor,
        "has_open_dispute": state.has_open_dispute,
        "observed_at": observation.at,
    }
    Payment.objects.filter(pk=payment.pk).update(**values)
    for name, value in values.items():
        setattr(payment, name, value)


@transaction.atomic
def record_no_state(
    payment_id: int, *, account_id: int | None, now: datetime, reason: Attention | None = None
) -> list[Change]:
    """A payment's state could not be read: a person looks at refunds that cannot be clarified.

    With a reason that is at once. Without one it is when the provider no longer recognizes the
    key of a refund in doubt, so that neither a look nor a repetition can help. The last look at a
    confirmed refund is repeated for some weeks.
    """
    payment = lock_payment(payment_id)
    refunds = refunds_of_route(payment.pk, account_id)
    undecided = refunds.filter(status__in=[status.value for status in UNDECIDED])
    if reason:
        return _flag_undecided(undecided, reason, now)
    late = refunds.filter(status=Status.CONFIRMED.value, next_look_at=None, account__isnull=False)
    late.filter(confirmed_at__gt=now - LATE_TIME).update(next_look_at=now + UNREAD_TIME)
    changes = []
    for refund in undecided:
        changes += _end_sending(refund, now)
        if _is_key_lost(refund, now):
            flag(refund, Attention.KEY_EXPIRED, now=now)
        else:
            _watch(refund, now)
    return changes


def _flag_undecided(refunds: Iterable[Refund], reason: Attention, now: datetime) -> list[Change]:
    """Let a person look at refunds of which the provider reports nothing that can be used."""
    changes = []
    for refund in refunds:
        if refund.status in UNDECIDED:
            changes += _end_sending(refund, now)
            flag(refund, reason, now=now)
    return changes


def lock_payment(payment_id: int) -> Payment:
    """Lock the order of a payment and read the payment with it."""
    payments = Payment.objects.filter(pk=payment_id)
    lock_orders([OrderId(payments.values_list("order_id", flat=True).get())])
    return payments.select_related("order").get()


def refunds_under(payment: Payment, state: PaymentState, account_id: int | None) -> list[Refund]:
    """The refunds that a state of this payment may show."""
    if account_id is not None or not state.covers_payment:
        refunds = refunds_of_route(payment.pk, account_id)
    else:
        refunds = Refund.objects.filter(payment=payment, means=Means.ORIGINAL).order_by("pk")
    return list(refunds.select_related("account"))


def _apply_to(refund: Refund, context: _Context) -> list[Change]:
    """Apply a state to one refund."""
    at, now = context.observation.at, context.now
    if refund.observed_at is not None and at < refund.observed_at <= now:
        return []
    entry = context.report.own.get(refund.pk)
    is_paid_twice = has_second_payout(refund, context.report)
    if not is_paid_twice and (entry or refund.status != Status.PENDING):
        _end_attention(refund, now, is_listed=entry is not None)
    if entry is None:
        changes = _apply_absence(refund, context)
    elif entry.status is not RefundStatus.FAILED and not has_right_amount(
        refund, entry.amount_minor, entry.currency
    ):
        changes = report_wrong_amount(refund, now)
    else:
        changes = apply_report(
            refund,
            entry.status,
            at=at,
            now=now,
            provider_refund=entry.provider_refund,
            code=entry.failure_code,
        )
        _watch(refund, now)
    if is_paid_twice:
        flag(refund, Attention.CONTRADICTION, now=now)
    return changes


def _end_attention(refund: Refund, now: datetime, *, is_listed: bool) -> None:
    """A state that fits clarifies what an earlier one did not."""
    # A paid refund that had vanished is listed again: a clock had jumped over the lag.
    has_come_back = is_listed and refund.status == Status.CONFIRMED
    is_over = refund.attention in _ENDED_BY_A_STATE and refund.status in UNDECIDED
    if is_over or (has_come_back and refund.attention == Attention.CONTRADICTION):
        set_columns(refund, now=now, attention="")


def apply_report(
    refund: Refund,
    status: RefundStatus,
    *,
    at: datetime,
    now: datetime,
    provider_refund: str | None,
    code: str = "",
) -> list[Change]:
    """Move a refund forward to what its provider reports; equal reports change nothing.

    A refund that has ended stays as it is: a newer report that it has not ended contradicts it.
    """
    is_new = refund.observed_at is None or at >= refund.observed_at
    values: dict[str, object] = {"observed_at": at if is_new else refund.observed_at}
    if provider_refund and refund.provider_refund is None:
        values["provider_refund"] = provider_refund
    before = Status(refund.status)
    match status:
        case RefundStatus.PENDING if before in (Status.SENDING, Status.IN_DOUBT):
            values["next_look_at"] = next_look(refund.uuid, refund.first_sent_at or now, now)
            return [accept(refund, now, **values)]
        case RefundStatus.CONFIRMED if before in UNDECIDED:
            return [confirm(refund, now, **values)]
        case RefundStatus.FAILED if before in UNDECIDED:
            return [fail(refund, now, code, **values)]
        case RefundStatus.FAILED if before is Status.CONFIRMED and is_new:
            return [_return(refund, now, code, values)]
        case _ if is_new and _contradicts(status, before):
            flag(refund, Attention.CONTRADICTION, now=now, **values)
        case _ if values != {"observed_at": refund.observed_at}:
            set_columns(refund, now=now, **values)
        case _:
            pass
    return []


def _contradicts(status: RefundStatus, before: Status) -> bool:
    """Whether a refund that has ended here, or was never sent, is under way at the provider."""
    if status is RefundStatus.FAILED:
        return before is Status.PLANNED
    return before not in COUNTED


def _return(refund: Refund, now: datetime, code: str, values: dict[str, object]) -> Change:
    """Money that was paid came back: its amount is free again, once."""
    own = {"attention": Attention.LATE_FAILURE.value, "failure_code": code, "next_look_at": None}
    return apply_event(refund, RefundEvent.RETURN, now=now, returned_at=now, **{**own, **values})


def report_wrong_amount(refund: Refund, now: datetime) -> list[Change]:
    """The provider moved another amount: nothing is confirmed, and a person looks at it."""
    changes = [doubt(refund, now)] if refund.status == Status.SENDING else []
    flag(refund, Attention.WRONG_AMOUNT, now=now)
    return changes


def _apply_absence(refund: Refund, context: _Context) -> list[Change]:
    """A state does not show a refund: it may lag, or no request had an effect."""
    changes = _end_sending(refund, context.now)
    match Status(refund.status):
        case Status.IN_DOUBT:
            changes += _count_absence(refund, context)
        case Status.PENDING | Status.CONFIRMED if not refund.is_void:
            _flag_vanished(refund, context)
        case _:
            pass
    return changes


def _count_absence(refund: Refund, context: _Context) -> list[Change]:
    """Count a state that lacks a refund in doubt, if it is evidence.

    The second one is at least the lag later than the first: so a clock that jumps forward between
    request and look does not turn a lag into evidence.
    """
    state, at, now = *context.observation, context.now
    margin = evidence_margin(refund.lag, refund.first_sent_at, refund.key_expires_at, now)
    counts_from = (refund.in_doubt_since or now) + margin
    if refund.missing_looks and refund.observed_at:
        counts_from = max(counts_from, refund.observed_at + margin)
    if at < counts_from:
        _watch(refund, now)
        return []
    if refund.is_void:
        return _apply_void(refund, context)
    if minor_without_others(refund, context.report, state) != refund.provider_total_before:
        flag(refund, Attention.TOTAL_MOVED, now=now, missing_looks=0)
        return []
    looks = refund.missing_looks + 1
    if looks >= LOOKS_NEEDED and refund.failure_code:
        # The last request was refused, and no earlier one had an effect.
        return [fail(refund, now, refund.failure_code, observed_at=at)]
    is_clear = refund.attention == Attention.TOTAL_MOVED
    set_columns(
        refund,
        now=now,
        missing_looks=looks,
        observed_at=at,
        next_look_at=max(now, at + margin),
        attention="" if is_clear else refund.attention,
    )
    _watch(refund, now)
    return []


def _apply_void(refund: Refund, context: _Context) -> list[Change]:
    """An authorization that was to be released: it is there, gone, or was charged meanwhile."""
    state, at = context.observation
    if state.captured_minor:
        return [fail(refund, context.now, "captured", observed_at=at)]
    if not state.is_authorized_only:
        return [confirm(refund, context.now, observed_at=at)]
    # To release it again moves no money.
    set_columns(refund, now=context.now, missing_looks=LOOKS_NEEDED, observed_at=at)
    return []


def _flag_vanished(refund: Refund, context: _Context) -> None:
    """The provider no longer shows a refund that it had accepted, and its total lacks it."""
    state, at = context.observation
    if refund.observed_at is None or at < refund.observed_at + refund.lag + SENDER_TIME:
        return
    if minor_without_others(refund, context.report, state) < refund.amount_minor:
        # A clock that jumped over the lag looks the same: the next state shows which it was.
        again = context.now + refund.lag + SENDER_TIME
        is_new = refund.attention != Attention.CONTRADICTION
        values = {"next_look_at": again} if is_new else {}
        flag(refund, Attention.CONTRADICTION, now=context.now, **values)


def _end_sending(refund: Refund, now: datetime) -> list[Change]:
    """A request that left longer ago than adapters wait has no reply: its result is in doubt."""
    sent_at = refund.last_sent_at
    if refund.status == Status.SENDING and sent_at and now >= sent_at + SENDER_TIME:
        return [doubt(refund, now, in_doubt_since=sent_at + SENDER_TIME)]
    return []


def _watch(refund: Refund, now: datetime) -> None:
    """A person looks at a refund that stays undecided for too long, while the worker goes on."""
    if refund.first_sent_at is None or refund.attention:
        return
    age = now - refund.first_sent_at
    if refund.status == Status.IN_DOUBT and age >= DOUBT_TIME:
        flag(refund, Attention.UNREADABLE, now=now)
    if refund.status == Status.PENDING and age >= PENDING_TIME:
        flag(refund, Attention.OVERDUE, now=now)


def _is_key_lost(refund: Refund, now: datetime) -> bool:
    """Whether the provider no longer recognizes the key, and could not be asked for a while."""
    expires_at, sent_at = refund.key_expires_at, refund.last_sent_at
    if refund.status != Status.IN_DOUBT or expires_at is None or sent_at is None:
        return False
    return now >= max(expires_at, sent_at + UNREACHABLE_TIME)
