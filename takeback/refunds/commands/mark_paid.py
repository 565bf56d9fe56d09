"""A person reports what became of a refund: paid by hand, or clarified in the provider's pages."""

from datetime import datetime

from django.db import transaction

from takeback.core.actor import Actor, ActorKind
from takeback.core.errors import Refused
from takeback.refunds import errors
from takeback.refunds.commands.transition import (
    Change,
    apply_event,
    confirm,
    fail,
    lock_refund,
    set_columns,
)
from takeback.refunds.models import Refund
from takeback.refunds.statuses import Attention, RefundEvent, Status

MARKED_AS_NOT_PAID = "not_paid"
"""The failure code of a refund of which a person saw that no money moved."""


@transaction.atomic
def mark_paid(
    refund_id: int,
    *,
    evidence: str,
    actor: Actor,
    now: datetime,
    needs_second_person: bool = False,
    provider_refund: str | None = None,
) -> list[Change]:
    """Record that a refund was paid, with the evidence; returns what changed.

    For refunds that a person pays, and for those in doubt that the provider's pages show; their id
    there links them to later states. With `needs_second_person` the first person's evidence is
    stored, and the refund is paid when another one marks it, too. `Refused` for other refunds,
    without evidence, and while the approval of a second person is missing.
    """
    refund = lock_refund(refund_id)
    text = evidence.strip()
    if not text:
        raise Refused(errors.EVIDENCE_REQUIRED)
    if not _is_markable(refund):
        raise Refused(errors.CANNOT_BE_MARKED, status=refund.status)
    is_first = needs_second_person and not refund.evidence
    if not is_first and _waits_for_second_person(refund, actor):
        raise Refused(errors.SECOND_PERSON_REQUIRED)
    if is_first:
        _store_first_evidence(refund, text, actor, now)
        return []
    changes = []
    if refund.status == Status.PLANNED:
        changes.append(_begin(refund, actor, now))
    values: dict[str, object] = {"evidence": refund.evidence or text, "next_look_at": None}
    if provider_refund:
        values["provider_refund"] = provider_refund
    return [*changes, confirm(refund, now, **values)]


@transaction.atomic
def mark_not_paid(refund_id: int, *, evidence: str, actor: Actor, now: datetime) -> list[Change]:
    """Record that no money moved for a refund in doubt, as the provider's pages show.

    Its money is free again, and another refund may replace it. `Refused` for other refunds and
    without evidence.
    """
    refund = lock_refund(refund_id)
    text = evidence.strip()
    if not text:
        raise Refused(errors.EVIDENCE_REQUIRED)
    if refund.status != Status.IN_DOUBT:
        raise Refused(errors.CANNOT_BE_MARKED, status=refund.status)
    return [fail(refund, now, MARKED_AS_NOT_PAID, evidence=text)]


def _is_markable(refund: Refund) -> bool:
    is_by_hand = refund.attention in (
        Attention.MANUAL_PAYMENT,
        Attention.NO_PROVIDER_PAYMENT,
        Attention.ACCOUNT_MISSING,
    )
    return refund.status == Status.IN_DOUBT or (refund.status == Status.PLANNED and is_by_hand)


def _waits_for_second_person(refund: Refund, actor: Actor) -> bool:
    """Whether nobody but the person who asked for the refund has agreed to it."""
    if not refund.needs_second_person or refund.approved_by_number is not None:
        return False
    is_staff = actor.kind is ActorKind.STAFF
    return not is_staff or refund.requested_by_number == actor.number


def _store_first_evidence(refund: Refund, text: str, actor: Actor, now: datetime) -> None:
    """The person who saw the payment asks; another one must agree."""
    set_columns(
        refund,
        now=now,
        evidence=text,
        needs_second_person=True,
        requested_by_kind=actor.kind.value,
        requested_by_number=actor.number,
        approved_by_number=None,
    )


def _begin(refund: Refund, actor: Actor, now: datetime) -> Change:
    """A person has paid: the first step of a planned refund."""
    values: dict[str, object] = {"sends": refund.sends + 1, "first_sent_at": now}
    if refund.needs_second_person and refund.approved_by_number is None:
        values["approved_by_number"] = actor.number
    return apply_event(refund, RefundEvent.SEND, now=now, last_sent_at=now, **values)
