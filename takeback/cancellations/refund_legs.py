"""The refunds that pay a plan back: how much, for which payment, by which means.

A preview and the refunds themselves come from the same function.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from takeback.cancellations.models import CancellationPlan, CancellationRequest, PlanPayment
from takeback.cancellations.refund_due import due_items
from takeback.cancellations.strategy import strategy
from takeback.core.ids import OrderId
from takeback.refunds.allocation import (
    DueItem,
    PaymentBalance,
    PaymentOrder,
    RefundLeg,
    allocate,
    merged_legs,
    with_forced_amount,
)
from takeback.refunds.queries import payment_balances


class Destination(NamedTuple):
    """Where the money of a case goes if it does not return to its payment.

    `account` is the blind index of a bank account that its owner or staff confirmed.
    """

    as_loyalty: bool = False
    account: str | None = None


class ItemPayment(NamedTuple):
    """A payment of a plan: its amount and its items."""

    amount: int
    items: frozenset[int]


def refund_legs(
    plan: CancellationPlan,
    cases: Sequence[CancellationRequest],
    payments: Sequence[ItemPayment] = (),
) -> list[RefundLeg]:
    """The refunds of a plan with these cases; none if it is worth nothing.

    Payments that a system has planned for it decide how much each item gives back. Raises
    NotEnoughLeft.
    """
    due = due_items(plan, cases)
    destinations = {case.order_item_id: _destination(case) for case in cases}
    return legs_by_destination(
        due_by_payments(due, payments) if payments else due,
        destinations,
        payment_balances(OrderId(plan.order_id)),
    )


def legs_by_destination(
    due: Sequence[DueItem],
    destinations: Mapping[int, Destination],
    balances: Sequence[PaymentBalance],
) -> list[RefundLeg]:
    """The refunds of what is due: one per payment and means, and per bank account.

    Points come first: the other cases get back as much as possible in the way they were paid.
    What belongs to the order as a whole goes where the money of the last case goes.
    """
    if not strategy().refunds_payments():
        balances = [balance._replace(can_refund=False) for balance in balances]
    last = max(destinations.values(), key=_turn, default=Destination())
    groups: dict[Destination, list[DueItem]] = {}
    for item in due:
        destination = last if item.order_item is None else destinations[item.order_item]
        groups.setdefault(destination, []).append(item)
    legs: list[RefundLeg] = []
    for destination in sorted(groups, key=_turn):
        legs += allocate(
            groups[destination],
            _after(balances, legs),
            PaymentOrder.LOYALTY_FIRST,
            as_loyalty=destination.as_loyalty,
            to_bank=destination.account is not None,
        )
    return merged_legs(legs)


def due_by_payments(due: Sequence[DueItem], payments: Sequence[ItemPayment]) -> list[DueItem]:
    """What payments give back of each item; items without a payment get nothing. Pure.

    An item's first payment contains what is due for it, later ones only what they add. What they
    differ from what is due is an adjustment. The first payment also has what belongs to the order.
    """
    waiting = {item.order_item: item for item in due}
    paid: dict[int | None, DueItem] = {}
    for number, payment in enumerate(payments):
        parts = [
            waiting.pop(item.order_item, _emptied(item))
            for item in due
            if item.order_item in payment.items or (item.order_item is None and not number)
        ]
        for part in with_forced_amount(parts, payment.amount) if parts else ():
            known = paid.get(part.order_item)
            paid[part.order_item] = _sum(known, part) if known else part
    return list(paid.values())


def _emptied(item: DueItem) -> DueItem:
    return DueItem(item.order_item, 0, 0, 0, 0, 0, 0, 0, 0, item.tax_rate)


def _sum(first: DueItem, second: DueItem) -> DueItem:
    return DueItem(
        order_item=first.order_item,
        units=first.units + second.units,
        goods=first.goods + second.goods,
        discount=first.discount + second.discount,
        shipping=first.shipping + second.shipping,
        fee=first.fee + second.fee,
        interest=first.interest + second.interest,
        adjustment=first.adjustment + second.adjustment,
        tax=first.tax + second.tax,
        tax_rate=first.tax_rate,
    )


def _after(balances: Sequence[PaymentBalance], legs: Sequence[RefundLeg]) -> list[PaymentBalance]:
    """What is left of the payments after these refunds."""
    taken = Counter[int]()
    for leg in legs:
        taken[leg.payment] += leg.amount
    return [balance._replace(left=balance.left - taken[balance.payment]) for balance in balances]


def _turn(destination: Destination) -> tuple[bool, str]:
    return not destination.as_loyalty, destination.account or ""


def _destination(case: CancellationRequest) -> Destination:
    if case.fully_refund_as_loyalty_money:
        return Destination(as_loyalty=True)
    return Destination(account=case.iban_index if case.is_bank_account_confirmed else None)


def payments_of_plan(plan: CancellationPlan) -> list[ItemPayment]:
    """The payments that were planned, in their order."""
    payments = PlanPayment.objects.filter(plan=plan).prefetch_related("order_items").order_by("pk")
    return [
        ItemPayment(payment.refund_minor, frozenset(item.pk for item in payment.order_items.all()))
        for payment in payments
    ]
