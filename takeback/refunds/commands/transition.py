"""Transitions of refunds: row, balances of the payment and ledger change in one transaction.

Each transition is one conditional UPDATE on the status before. So it happens once, however many
reports of it arrive at the same time, and its effects happen once with it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

import structlog
from django.db.models import F

from takeback.core.errors import CONFLICT, NOT_FOUND, Refused
from takeback.core.ids import OrderId
from takeback.orders.locks import lock_orders
from takeback.orders.models import Payment
from takeback.refunds.commands.book import book
from takeback.refunds.ledger import Cause
from takeback.refunds.models import Refund, RefundPart
from takeback.refunds.schedule import evidence_margin, next_late_look, next_look
from takeback.refunds.statuses import LIFE_CYCLE, Attention, RefundEvent, Status

log = structlog.get_logger(__name__)


class Change(NamedTuple):
    """A transition that has happened."""

    refund_id: int
    plan_id: int
    before: Status
    after: Status


class _Effect(NamedTuple):
    """The signs with which the amount is added to the payment's balances, and the booking."""

    reserved: int
    refunded: int
    cause: Cause | None


_EFFECTS: Final[Mapping[RefundEvent, _Effect]] = {
    RefundEvent.CONFIRM: _Effect(-1, 1, Cause.CONFIRM),
    # What a failed refund owes stays owed: a replacement takes it over.
    RefundEvent.FAIL: _Effect(-1, 0, None),
    RefundEvent.CANCEL: _Effect(-1, 0, Cause.CANCEL),
    RefundEvent.RETURN: _Effect(0, -1, Cause.RETURN),
}


def lock_refund(refund_id: int) -> Refund:
    """Lock the order of a refund and read the refund with its payment and account."""
    refunds = Refund.objects.filter(pk=refund_id)
    order_id = refunds.values_list("order_id", flat=True).first()
    if order_id is None:
        raise Refused(NOT_FOUND)
    lock_orders([OrderId(order_id)])
    refund = refunds.select_related("payment", "account", "order").get()
    refund.payment.order = refund.order
    return refund


def apply_event(refund: Refund, event: RefundEvent, *, now: datetime, **values: object) -> Change:
    """Take a locked refund through an event of its life cycle, with new values of its columns.

    `Refused` if its status has changed meanwhile; the caller's transaction is then rolled back.
    """
    before = Status(refund.status)
    after = LIFE_CYCLE.next(before, event)
    set_columns(refund, now=now, status=after.value, **values)
    if effect := _EFFECTS.get(event):
        n = refund.amount_minor
        Payment.objects.filter(pk=refund.payment_id).update(
            reserved_minor=F("reserved_minor") + effect.reserved * n,
            refunded_minor=F("refunded_minor") + effect.refunded * n,
        )
        if effect.cause:
            parts = list(RefundPart.objects.filter(refund=refund).order_by("pk"))
            book(effect.cause, refund, parts, now=now)
    log.info("refund", refund=refund.pk, before=before.value, status=after.value)
    return Change(refund.pk, refund.plan_id, before, after)


def set_columns(refund: Refund, *, now: datetime, **values: object) -> None:
    """Set columns of a refund whose status and requests are still those that were read."""
    unchanged = Refund.objects.filter(pk=refund.pk, status=refund.status, sends=refund.sends)
    values = {"modified_date": now, **values}
    if not unchanged.update(**values):
        raise Refused(CONFLICT, refund=refund.pk)
    for name, value in values.items():
        setattr(refund, name, value)


def accept(refund: Refund, now: datetime, **values: object) -> Change:
    """The provider works on a refund."""
    return apply_event(refund, RefundEvent.ACCEPT, now=now, **{"attention": "", **values})


def confirm(refund: Refund, now: datetime, **values: object) -> Change:
    """The provider has carried out a refund; money that went to an account may come back."""
    late = next_late_look(refund.uuid, now, now) if refund.account_id else None
    own = {"attention": "", "confirmed_at": now, "next_look_at": late, "failure_code": ""}
    return apply_event(refund, RefundEvent.CONFIRM, now=now, **{**own, **values})


def fail(refund: Refund, now: datetime, code: str, **values: object) -> Change:
    """The provider has definitively not moved money; a person chooses what follows."""
    own = {"attention": Attention.REFUSED.value, "failure_code": code, "next_look_at": None}
    return apply_event(refund, RefundEvent.FAIL, now=now, **{**own, **values})


def doubt(refund: Refund, now: datetime, **values: object) -> Change:
    """It is not known whether money moved: states of the payment will show it."""
    margin = evidence_margin(refund.lag, refund.first_sent_at, refund.key_expires_at, now)
    usual = next_look(refund.uuid, refund.first_sent_at or now, now)
    own = {"in_doubt_since": now, "missing_looks": 0, "next_look_at": min(usual, now + margin)}
    return apply_event(refund, RefundEvent.DOUBT, now=now, **{**own, **values})


def flag(refund: Refund, attention: Attention, *, now: datetime, **values: object) -> None:
    """Let a person look at a refund. The alarm is logged when the reason is new."""
    if refund.attention != attention.value:
        log.error("refund needs a person", refund=refund.pk, reason=attention.value)
    elif not values:
        return
    set_columns(refund, now=now, attention=attention.value, **values)
