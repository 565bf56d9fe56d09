"""Records the reply to a request: a report of the refund that is as old as the request."""

from datetime import datetime, timedelta

import structlog
from django.db import transaction

from takeback.refunds.commands.state import apply_report, report_wrong_amount
from takeback.refunds.commands.transition import (
    Change,
    confirm,
    doubt,
    fail,
    flag,
    lock_refund,
    set_columns,
)
from takeback.refunds.matching import COUNTED, has_right_amount
from takeback.refunds.models import Refund
from takeback.refunds.providers import Accepted, Refused, Unknown
from takeback.refunds.statuses import Attention, Status
from takeback.refunds.topics import publish_looks

log = structlog.get_logger(__name__)


@transaction.atomic
def record_reply(
    refund_id: int,
    reply: Accepted | Refused | Unknown,
    *,
    observed_at: datetime,
    now: datetime,
) -> list[Change]:
    """Record the reply to a request that was sent at `observed_at`; returns what changed.

    A state of the payment may have been faster: a reply never takes a refund back.
    """
    refund = lock_refund(refund_id)
    match reply:
        case Accepted():
            return _record_accepted(refund, reply, observed_at, now)
        case Refused():
            return _record_refused(refund, reply, observed_at, now)
        case Unknown():
            return _record_unknown(refund, reply, now)


def _record_accepted(refund: Refund, reply: Accepted, at: datetime, now: datetime) -> list[Change]:
    if not has_right_amount(refund, reply.amount_minor, reply.currency):
        if refund.status in COUNTED:
            return report_wrong_amount(refund, now)
        flag(refund, Attention.CONTRADICTION, now=now)
        return []
    if refund.is_void and refund.status in COUNTED - {Status.CONFIRMED}:
        # What is released needs no confirmation by a state, which would show nothing of it.
        return [confirm(refund, now, observed_at=at)]
    if _is_of_another_refund(refund, reply.provider_refund):
        changes = [doubt(refund, now)] if refund.status == Status.SENDING else []
        flag(refund, Attention.CONTRADICTION, now=now)
        return changes
    changes = apply_report(
        refund,
        reply.status,
        at=at,
        now=now,
        provider_refund=reply.provider_refund,
    )
    if reply.expected_on and refund.status in COUNTED:
        set_columns(refund, now=now, due_by=reply.expected_on.date())
    return changes


def _record_refused(refund: Refund, reply: Refused, at: datetime, now: datetime) -> list[Change]:
    """Only a refusal of the first request is final: a repetition is refused if the first paid."""
    status = Status(refund.status)
    if status in (Status.SENDING, Status.IN_DOUBT):
        is_final = refund.sends == 1 and not reply.is_duplicate
        if is_final:
            _look_later(refund, now)
            return [fail(refund, now, reply.code, observed_at=at)]
        code = "" if reply.is_duplicate else reply.code
        if status is Status.SENDING:
            return [doubt(refund, now, failure_code=code)]
        set_columns(refund, now=now, failure_code=code)
    elif status in COUNTED and not reply.is_duplicate and refund.sends == 1:
        flag(refund, Attention.CONTRADICTION, now=now)
    return []


def _look_later(refund: Refund, now: datetime) -> None:
    """Look at the payment when its state shows whether the provider has paid in spite of it.

    That contradiction stops a person who chooses other means.
    """
    if refund.account_id is not None:
        due_at = now + timedelta(seconds=refund.lag_seconds)
        key = f"refused.{refund.uuid.hex}"
        publish_looks({key: (refund.payment_id, refund.account_id)}, due_at=due_at)


def _record_unknown(refund: Refund, reply: Unknown, now: datetime) -> list[Change]:
    log.warning("refund in doubt", refund=refund.pk, reason=reply.reason)
    if refund.status != Status.SENDING:
        return []
    changes = [doubt(refund, now)]
    if reply.retry_after:
        # Looks wait, and with them a repetition.
        set_columns(refund, now=now, next_look_at=now + timedelta(seconds=reply.retry_after))
    return changes


def _is_of_another_refund(refund: Refund, provider_refund: str) -> bool:
    """Whether the provider has given this id to another refund of the account before."""
    others = Refund.objects.filter(account=refund.account_id, provider_refund=provider_refund)
    return others.exclude(pk=refund.pk).exists()
