"""Plans refunds: money is reserved before anything is sent, and released when a plan is undone."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db.models import F, Q

from takeback.core.actor import Actor
from takeback.core.db.bulk import insert_objects
from takeback.core.errors import Refused
from takeback.core.ids import OrderId
from takeback.orders.models import Order, Payment
from takeback.refunds import errors
from takeback.refunds.access import account_for
from takeback.refunds.allocation import DueItem, RefundLeg
from takeback.refunds.commands.book import book
from takeback.refunds.commands.transition import apply_event
from takeback.refunds.due_dates import latest_day
from takeback.refunds.ledger import Cause
from takeback.refunds.models import PaymentAccount, Refund, RefundPart
from takeback.refunds.queries import missing_in_order
from takeback.refunds.statuses import (
    PAID_BY_A_PERSON,
    Attention,
    Means,
    RefundEvent,
    Status,
)
from takeback.refunds.topics import publish_planned


class Terms(NamedTuple):
    """What all refunds that are planned together have in common."""

    plan_id: int
    actor: Actor
    now: datetime
    needs_second_person: bool = False


def plan_refunds(  # noqa: PLR0913 - who calls it states all terms of a plan
    order_id: OrderId,
    plan_id: int,
    legs: Sequence[RefundLeg],
    *,
    actor: Actor,
    now: datetime,
    due_at: datetime | None = None,
    refund_invoice_number: str | None = None,
    needs_second_person: bool = False,
) -> list[int]:
    """Reserve the money of these legs and plan a refund for each; returns their ids.

    The caller holds the order's lock, in its transaction. The worker sends the refunds at `due_at`
    or later. `Refused` if a payment, or the order, no longer has the money.
    """
    terms = Terms(plan_id, actor, now, needs_second_person)
    order = Order.objects.only("channel_id", "currency", "refunded_elsewhere_minor").get(
        pk=order_id
    )
    payments = {payment.pk: payment for payment in Payment.objects.filter(order_id=order_id)}
    for payment in payments.values():
        payment.order = order
    for leg in legs:
        _ensure_adds_up(leg)
        reserve(order_id, leg.payment, leg.amount)
    if legs and missing_in_order(order_id):
        raise Refused(errors.NOT_ENOUGH_LEFT, order_id=order_id)
    refunds = [new_refund(payments[leg.payment], leg.means, leg.amount, terms) for leg in legs]
    if refunds:
        insert_objects(refunds)
    for refund, leg in zip(refunds, legs, strict=True):
        insert_parts(refund, leg.parts, now, refund_invoice_number)
    send_later(refunds, due_at)
    return [refund.pk for refund in refunds]


def cancel_refunds(plan_id: int, *, now: datetime) -> None:
    """Cancel the refunds of a plan and release their money.

    The caller holds the order's lock, in its transaction. `Refused` if one of them has been sent.
    """
    refunds = list(Refund.objects.filter(plan_id=plan_id).order_by("pk"))
    open_refunds = [refund for refund in refunds if refund.status != Status.CANCELLED]
    if any(refund.status != Status.PLANNED for refund in open_refunds):
        raise Refused(errors.ALREADY_SENT, plan_id=plan_id)
    for refund in open_refunds:
        cancel_refund(refund, now=now)


def cancel_refund(refund: Refund, *, now: datetime) -> None:
    """Cancel a planned refund and release its money; the caller holds the order's lock."""
    apply_event(refund, RefundEvent.CANCEL, now=now, attention="", next_look_at=None)


def reserve(order_id: OrderId, payment_id: int, amount_minor: int) -> None:
    """Reserve money of a payment, in one statement that looks and takes.

    So two commands cannot take the same money, even without the order's lock. `Refused` if the
    payment has less left.
    """
    spent = F("refunded_minor") + F("reserved_minor") + F("found_minor") + F("charged_back_minor")
    has_enough = Q(captured_minor__gte=spent + amount_minor)
    payment = Payment.objects.filter(has_enough, pk=payment_id, order_id=order_id)
    if not payment.update(reserved_minor=F("reserved_minor") + amount_minor):
        raise Refused(errors.NOT_ENOUGH_LEFT, payment=payment_id, amount_minor=amount_minor)


def new_refund(payment: Payment, means: Means, amount_minor: int, terms: Terms) -> Refund:
    """The unsaved refund of a reserved amount; `payment.order` is loaded."""
    account = _account_of(payment, means)
    attention = Attention.MANUAL_PAYMENT.value if means in PAID_BY_A_PERSON else ""
    return Refund(
        order_id=payment.order_id,
        plan_id=terms.plan_id,
        payment_id=payment.pk,
        means=means.value,
        account_id=account.pk if account else None,
        amount_minor=amount_minor,
        currency=payment.currency or payment.order.currency,
        status=Status.PLANNED.value,
        attention=attention,
        needs_second_person=terms.needs_second_person,
        requested_by_kind=terms.actor.kind.value,
        requested_by_number=terms.actor.number,
        due_by=latest_day(means, terms.now.date()),
        created_date=terms.now,
        modified_date=terms.now,
    )


def insert_parts(
    refund: Refund,
    items: Iterable[DueItem],
    now: datetime,
    refund_invoice_number: str | None = None,
) -> None:
    """Insert what a refund gives back, by item, and book that it is owed.

    A refund that replaces another one takes its debt and the number of its invoice over.
    """
    parts = [
        RefundPart(
            refund_id=refund.pk,
            order_item_id=item.order_item,
            units=item.units,
            goods_minor=item.goods,
            discount_minor=item.discount,
            shipping_minor=item.shipping,
            fee_minor=item.fee,
            interest_minor=item.interest,
            adjustment_minor=item.adjustment,
            tax_minor=item.tax,
            tax_rate=item.tax_rate,
        )
        for item in items
    ]
    insert_objects(parts)
    book(Cause.PLAN, refund, parts, now=now, refund_invoice_number=refund_invoice_number)


def send_later(refunds: Iterable[Refund], due_at: datetime | None) -> None:
    """Let the worker send refunds, except those that a person pays."""
    publish_planned(
        {
            refund.uuid.hex: (refund.pk, refund.account_id)
            for refund in refunds
            if refund.means not in PAID_BY_A_PERSON
        },
        due_at,
    )


def _account_of(payment: Payment, means: Means) -> PaymentAccount | None:
    """Only a refund to the original payment goes through an account."""
    return account_for(payment) if means is Means.ORIGINAL else None


def _ensure_adds_up(leg: RefundLeg) -> None:
    total = sum(
        part.goods - part.discount + part.shipping + part.fee + part.interest + part.adjustment
        for part in leg.parts
    )
    if leg.amount <= 0 or total != leg.amount:
        raise ValueError(f"the parts of a leg add up to {total}, not to {leg.amount}")
