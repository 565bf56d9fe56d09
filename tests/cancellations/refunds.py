"""Refunds of plans in tests: planned, sent, confirmed and come back, and what they add up to."""

from typing import Any

import zeal
from django.db import transaction
from django.db.models import F, Sum

from takeback.cancellations.commands.complete_plan import (
    complete_plan,
    mark_changed,
    reopen_totals,
    wait_for_payment,
)
from takeback.cancellations.models import CancellationPlan, PlanPayment
from takeback.core.actor import SYSTEM
from takeback.core.ids import PlanId
from takeback.orders.models import Order, Payment
from takeback.refunds.models import Refund
from takeback.refunds.queries import is_plan_paid
from tests import factories
from tests.cancellations.factories import LATER

# The statuses through which the life cycle leads a refund.
_ROUTES = {
    "sending": ["sending"],
    "pending": ["sending", "pending"],
    "failed": ["sending", "failed"],
    "confirmed": ["sending", "confirmed"],
    "returned": ["returned"],
}
# What a status adds to the reserved and to the refunded amount of the payment.
_BALANCES = {"confirmed": (-1, 1), "failed": (-1, 0), "returned": (0, -1)}


def refunds_of(plan: int) -> list[Refund]:
    """The refunds of a plan that were not cancelled, oldest first."""
    return list(Refund.objects.filter(plan_id=plan).exclude(status="cancelled").order_by("pk"))


def planned() -> list[tuple[str, str, int, str]]:
    """Kind of payment, means, amount and status of each refund that was not cancelled."""
    refunds = Refund.objects.exclude(status="cancelled").order_by("pk")
    return list(refunds.values_list("payment__kind", "means", "amount_minor", "status"))


def report(refund: Refund, status: str) -> None:
    """A provider reports a status of a refund; its plan follows in the same transaction."""
    reserved, refunded = _BALANCES.get(status, (0, 0))
    with zeal.zeal_ignore(), transaction.atomic():
        for step in _ROUTES[status]:
            Refund.objects.filter(pk=refund.pk).update(status=step)
        Payment.objects.filter(pk=refund.payment_id).update(
            reserved_minor=F("reserved_minor") + reserved * refund.amount_minor,
            refunded_minor=F("refunded_minor") + refunded * refund.amount_minor,
        )
        plan = PlanId(refund.plan_id)
        if is_plan_paid(plan):
            complete_plan(plan, actor=SYSTEM, now=LATER)
        else:
            wait_for_payment(plan, actor=SYSTEM)
            reopen_totals(plan, now=LATER)
            mark_changed(plan)


def pay(plan: int) -> None:
    """The providers confirm all refunds of a plan, one after the other."""
    for refund in refunds_of(plan):
        if refund.status == "planned":
            report(refund, "confirmed")


def completed_refund(order: Order, minor: int) -> CancellationPlan:
    """A completed plan of an order, whose refund of this amount is confirmed."""
    created: dict[str, Any] = {"created_by_kind": "system", "created_date": factories.NOW}
    plan = CancellationPlan.objects.create(
        order=order,
        plan_type="cancel",
        status="completed",
        refund_minor=minor,
        modified_by_kind="system",
        **created,
    )
    PlanPayment.objects.create(plan=plan, transaction_type="cancel", refund_minor=minor, **created)
    payment = Payment.objects.filter(order=order).order_by("pk")[0]
    Payment.objects.filter(pk=payment.pk).update(refunded_minor=F("refunded_minor") + minor)
    Refund.objects.create(
        order=order,
        plan_id=plan.pk,
        payment=payment,
        means="original",
        amount_minor=minor,
        currency=order.currency,
        status="confirmed",
    )
    Order.objects.filter(pk=order.pk).update(refund_minor=F("refund_minor") + minor)
    return plan


def balances(order: int) -> tuple[int, int]:
    """What is reserved and refunded of all payments of an order."""
    sums = Payment.objects.filter(order=order).aggregate(
        reserved=Sum("reserved_minor"), refunded=Sum("refunded_minor")
    )
    return sums["reserved"], sums["refunded"]


def totals(order: int) -> tuple[int, int, int]:
    """The totals of refunds that an order shows."""
    row = Order.objects.get(pk=order)
    return row.refund_minor, row.discount_refund_minor, row.shipping_refund_minor
