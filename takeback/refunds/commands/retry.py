"""What a person does about a refund that was not paid: try it again, or pay it by other means.

A new attempt is a new refund with a key of its own. So it needs a first one that is final at the
provider: while that is in doubt, only its own key may be sent again.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from takeback.core.actor import Actor
from takeback.core.db.bulk import insert_objects
from takeback.core.errors import Refused
from takeback.core.ids import OrderId
from takeback.refunds import errors
from takeback.refunds.allocation import DueItem
from takeback.refunds.commands.plan import (
    Terms,
    cancel_refund,
    insert_parts,
    new_refund,
    reserve,
    send_later,
)
from takeback.refunds.commands.transition import lock_refund, set_columns
from takeback.refunds.ledger_queries import bookings_of_refund
from takeback.refunds.models import Refund, RefundPart
from takeback.refunds.statuses import Attention, Means, Status
from takeback.refunds.topics import publish_looks, publish_planned

FINAL = (Status.FAILED, Status.RETURNED)
"""Statuses in which another refund may replace one: its provider moved no money, or has it back."""


@transaction.atomic
def retry_by_other_means(
    refund_id: int,
    means: Means,
    *,
    consent: str,
    actor: Actor,
    now: datetime,
    needs_second_person: bool = False,
) -> int:
    """Replace a refund that failed or came back by one of other means; returns the new id.

    `consent` records how the shopper agreed. `Refused` while the provider has not decided about
    the first refund, after another one has replaced it, and if the payment has too little left.
    """
    refund = lock_refund(refund_id)
    if not consent.strip():
        raise Refused(errors.CONSENT_REQUIRED)
    if means == refund.means:
        raise Refused(errors.SAME_MEANS, means=means.value)
    new = _replace(refund, means, actor, now, needs_second_person=needs_second_person)
    set_columns(new, now=now, consent=consent.strip())
    return new.pk


@transaction.atomic
def send_again(refund_id: int, *, actor: Actor, now: datetime) -> int:
    """Send a refund again by the same means; returns the id of the refund that is sent.

    One that was never sent keeps its key, unless its account was missing. One in doubt is looked
    at: nothing is sent that the provider may have. One that failed or came back is replaced.
    """
    refund = lock_refund(refund_id)
    match Status(refund.status):
        case Status.PLANNED if refund.account is None and refund.means == Means.ORIGINAL:
            return _plan_again(refund, actor, now)
        case Status.PLANNED if refund.attention != Attention.MANUAL_PAYMENT:
            set_columns(refund, now=now, attention="", next_look_at=None)
            publish_planned({_key(refund, now): (refund.pk, refund.account_id)}, None)
            return refund.pk
        case Status.SENDING | Status.IN_DOUBT:
            publish_looks({_key(refund, now): (refund.payment_id, refund.account_id)})
            return refund.pk
        case Status.FAILED | Status.RETURNED:
            is_second_needed = refund.needs_second_person
            new = _replace(
                refund, Means(refund.means), actor, now, needs_second_person=is_second_needed
            )
            return new.pk
        case _:
            raise Refused(errors.NOTHING_TO_SEND, status=refund.status)


def _replace(
    refund: Refund, means: Means, actor: Actor, now: datetime, *, needs_second_person: bool
) -> Refund:
    """Plan a refund in the place of a locked one that is final; what it owes is taken over."""
    if refund.status not in FINAL:
        raise Refused(errors.NOT_FINAL, status=refund.status)
    if refund.attention == Attention.CONTRADICTION:
        raise Refused(errors.IN_CONTRADICTION)
    if Refund.objects.filter(replaces=refund).exists():
        raise Refused(errors.ALREADY_REPLACED)
    reserve(OrderId(refund.order_id), refund.payment_id, refund.amount_minor)
    terms = Terms(refund.plan_id, actor, now, needs_second_person)
    new = new_refund(refund.payment, means, refund.amount_minor, terms)
    new.replaces_id = refund.pk
    insert_objects([new])
    insert_parts(new, _items_of(refund), now)
    set_columns(refund, now=now, attention="")
    send_later([new], None)
    return new


def _plan_again(refund: Refund, actor: Actor, now: datetime) -> int:
    """Cancel a refund without an account, and plan it for the account that exists by now."""
    terms = Terms(refund.plan_id, actor, now, refund.needs_second_person)
    [planned, *_] = bookings_of_refund(refund_id=refund.pk)
    cancel_refund(refund, now=now)
    reserve(OrderId(refund.order_id), refund.payment_id, refund.amount_minor)
    new = new_refund(refund.payment, Means(refund.means), refund.amount_minor, terms)
    insert_objects([new])
    insert_parts(new, _items_of(refund), now, planned.refund_invoice_number)
    send_later([new], None)
    return new.pk


def _items_of(refund: Refund) -> Sequence[DueItem]:
    parts = RefundPart.objects.filter(refund=refund).order_by("pk")
    return [
        DueItem(
            order_item=part.order_item_id,
            units=part.units,
            goods=part.goods_minor,
            discount=part.discount_minor,
            shipping=part.shipping_minor,
            fee=part.fee_minor,
            interest=part.interest_minor,
            adjustment=part.adjustment_minor,
            tax=part.tax_minor,
            tax_rate=part.tax_rate,
        )
        for part in parts
    ]


def _key(refund: Refund, now: datetime) -> str:
    """The key of another message about a refund: one per moment."""
    return f"{refund.uuid.hex}.{now.timestamp():.6f}"
