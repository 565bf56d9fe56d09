"""Queries of refunds: what payments have left, and what waits for the worker."""

from collections.abc import Sequence
from typing import Final

from django.db.models import QuerySet, Sum

from takeback.core.ids import OrderId
from takeback.orders.models import Payment
from takeback.refunds.allocation import PaymentBalance
from takeback.refunds.ledger import REPLACED_WHILE_OWED
from takeback.refunds.models import Refund
from takeback.refunds.statuses import LOOKS_NEEDED, PAID_BY_A_PERSON, REPEATABLE, Status

_COLLECTED_OUTSIDE: Final = ("funds_transfer", "pay_on_delivery")
"""Types of payments that nobody can return the way they came."""


def left_of(payment: Payment) -> int:
    """What a payment has left, in minor units; facts of the provider may make it negative."""
    spent = payment.refunded_minor + payment.reserved_minor
    return payment.captured_minor - spent - payment.found_minor - payment.charged_back_minor


def payment_balances(order_id: OrderId) -> list[PaymentBalance]:
    """The payments of an order in the order of their arrival, and what each has left to plan.

    A refund that failed or came back is owed until another one replaces it: its money waits for
    the replacement. What other systems refunded lowers it by the excess over the refunds that
    providers show, from the last payment on.
    """
    payments = _payments_of(order_id)
    excess, owed = _excess(payments), _owed_again(order_id)
    balances: list[PaymentBalance] = []
    for payment in reversed(payments):
        left = left_of(payment) - owed.get(payment.pk, 0)
        used = min(excess, max(0, left))
        excess -= used
        can_refund = payment.kind not in _COLLECTED_OUTSIDE
        balances.append(PaymentBalance(payment.pk, payment.kind, left - used, can_refund))
    return balances[::-1]


def missing_in_order(order_id: OrderId) -> bool:
    """Whether more of an order is reserved than it has left after all refunds made elsewhere."""
    payments = _payments_of(order_id)
    return sum(max(0, left_of(payment)) for payment in payments) < _excess(payments)


def _payments_of(order_id: OrderId) -> list[Payment]:
    payments = Payment.objects.filter(order_id=order_id).select_related("order")
    return list(payments.order_by("pk"))


def _owed_again(order_id: OrderId) -> dict[int, int]:
    """What was not paid after all, and is not planned again, by payment."""
    unpaid = Refund.objects.filter(
        order_id=order_id,
        status__in=[status.value for status in REPLACED_WHILE_OWED],
        replacement=None,
    )
    sums = unpaid.values_list("payment").annotate(Sum("amount_minor"))
    return dict(sums.order_by())


def _excess(payments: Sequence[Payment]) -> int:
    """What other systems refunded beyond the refunds that providers show.

    Both report the same money: a refund made in the provider's pages is in the shop's total, too.
    """
    if not payments:
        return 0
    shown = sum(payment.found_minor for payment in payments)
    return max(0, payments[0].order.refunded_elsewhere_minor - shown)


def is_plan_paid(plan_id: int) -> bool:
    """Whether every refund of a plan is confirmed, or replaced by one that is."""
    return _statuses_of_plan(plan_id) == {Status.CONFIRMED.value}


def is_plan_settled(plan_id: int) -> bool:
    """As `is_plan_paid`, or the plan refunds nothing."""
    return _statuses_of_plan(plan_id) <= {Status.CONFIRMED.value}


def _statuses_of_plan(plan_id: int) -> set[str]:
    """The statuses of the refunds that count: neither cancelled nor replaced."""
    refunds = Refund.objects.filter(plan_id=plan_id, replacement=None)
    return set(refunds.values_list("status", flat=True)) - {Status.CANCELLED.value}


def refund_with_route(refund_id: int) -> Refund | None:
    """A refund with its payment and account."""
    return Refund.objects.select_related("payment", "account").filter(pk=refund_id).first()


def payment_with_order(payment_id: int) -> Payment | None:
    """A payment with its order."""
    return Payment.objects.select_related("order").filter(pk=payment_id).first()


def refunds_of_route(payment_id: int, account_id: int | None) -> "QuerySet[Refund]":
    """The refunds of a payment that go through an account; without one, as points."""
    refunds = Refund.objects.filter(payment_id=payment_id, account_id=account_id)
    by_person = [means.value for means in PAID_BY_A_PERSON]
    return refunds.exclude(means__in=by_person).order_by("pk")


def repeatable_refunds(payment_id: int, account_id: int | None) -> list[int]:
    """The refunds in doubt of which two states have shown that no request had an effect."""
    refunds = refunds_of_route(payment_id, account_id).filter(
        status=Status.IN_DOUBT.value,
        missing_looks__gte=LOOKS_NEEDED,
        attention__in=["", *(reason.value for reason in REPEATABLE)],
    )
    return list(refunds.values_list("pk", flat=True))
