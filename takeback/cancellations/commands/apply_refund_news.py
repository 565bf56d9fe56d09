"""The one way in which news about money enters: replies, states of payments, and persons.

In the transaction that applies the news, the last refund of a plan completes the plan, its cases
and items, and each confirmation or return changes the totals of the order.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from django.db import transaction

from takeback.accounts.policy import shop_policy
from takeback.cancellations.commands.complete_plan import (
    complete_plan,
    mark_changed,
    reopen_totals,
    wait_for_payment,
)
from takeback.cancellations.models import CancellationPlan
from takeback.cancellations.statuses import PlanStatus
from takeback.core.actor import SYSTEM, Actor
from takeback.core.errors import NOT_FOUND, Refused
from takeback.core.ids import PlanId
from takeback.refunds.commands.mark_paid import mark_not_paid, mark_paid
from takeback.refunds.commands.reply import record_reply
from takeback.refunds.commands.state import apply_state, record_no_state
from takeback.refunds.commands.transition import Change
from takeback.refunds.policy import PlanFacts, needs_second_person
from takeback.refunds.providers import Accepted, PaymentState, Unknown
from takeback.refunds.providers import Refused as RefusedByProvider
from takeback.refunds.queries import is_plan_paid, refund_with_route
from takeback.refunds.statuses import Attention, Status

log = structlog.get_logger(__name__)

_UNDECIDED_PLANS: Final = (PlanStatus.WAITING, PlanStatus.REJECTED)


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply to a request, and the moment before the request was sent."""

    refund: int
    reply: Accepted | RefusedByProvider | Unknown
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class State:
    """The state of a payment, and the moment before it was requested.

    It counts for refunds through this account; None: for those of the payment's provider.
    """

    payment: int
    state: PaymentState
    observed_at: datetime
    account: int | None = None


@dataclass(frozen=True, slots=True)
class NoState:
    """The state of a payment could not be read; with a reason a person must look at it."""

    payment: int
    account: int | None
    reason: Attention | None = None


@transaction.atomic
def apply_refund_news(news: Reply | State | NoState, *, now: datetime) -> list[Change]:
    """Apply news about refunds; returns what changed.

    Repeated and older news changes nothing. Replies, events, polls and statements end here.
    """
    match news:
        case Reply():
            changes = record_reply(news.refund, news.reply, observed_at=news.observed_at, now=now)
        case State():
            changes = apply_state(
                news.payment,
                news.state,
                observed_at=news.observed_at,
                now=now,
                account_id=news.account,
            )
        case NoState():
            changes = record_no_state(
                news.payment, account_id=news.account, now=now, reason=news.reason
            )
    _follow(changes, SYSTEM, now)
    return changes


@transaction.atomic
def mark_refund_paid(
    refund_id: int,
    *,
    evidence: str,
    actor: Actor,
    now: datetime,
    provider_refund: str | None = None,
) -> list[Change]:
    """As `mark_paid`; the shop's policy decides whether a second person must mark it, too."""
    refund = refund_with_route(refund_id)
    if refund is None:
        raise Refused(NOT_FOUND)
    facts = PlanFacts(
        shop=shop_policy(refund.order.channel_id),
        currency=refund.currency,
        # The limit on amounts was applied when the refund was planned.
        total_minor=0,
        due_minor=0,
        is_marked_as_paid=True,
    )
    changes = mark_paid(
        refund_id,
        evidence=evidence,
        actor=actor,
        now=now,
        needs_second_person=needs_second_person(facts),
        provider_refund=provider_refund,
    )
    _follow(changes, actor, now)
    return changes


@transaction.atomic
def mark_refund_not_paid(
    refund_id: int, *, evidence: str, actor: Actor, now: datetime
) -> list[Change]:
    """As `mark_not_paid`."""
    return mark_not_paid(refund_id, evidence=evidence, actor=actor, now=now)


def _follow(changes: Iterable[Change], actor: Actor, now: datetime) -> None:
    """What changes of refunds mean for plans, cases and orders; the order is locked."""
    for change in changes:
        plan_id = PlanId(change.plan_id)
        match change.after:
            case Status.CONFIRMED if is_plan_paid(plan_id):
                _complete(plan_id, actor, now)
            case Status.CONFIRMED:
                wait_for_payment(plan_id, actor=actor)
                reopen_totals(plan_id, now=now)
            case Status.PENDING | Status.IN_DOUBT:
                wait_for_payment(plan_id, actor=actor)
            case Status.RETURNED:
                reopen_totals(plan_id, now=now)
            case _:
                pass
        mark_changed(plan_id)


def _complete(plan_id: PlanId, actor: Actor, now: datetime) -> None:
    """Complete a plan; what was paid for one that is not approved is recorded all the same."""
    status = CancellationPlan.objects.values_list("status", flat=True).get(pk=plan_id)
    if status in _UNDECIDED_PLANS:
        log.error("paid refund of a plan that is not approved", plan=plan_id, status=status)
        return
    complete_plan(plan_id, actor=actor, now=now)
