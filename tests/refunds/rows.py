"""Factories of paid orders, payment accounts, refunds and ledger entries, with their defaults."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import zeal
from django.db.models import F

from takeback.core.actor import ActorKind
from takeback.orders.models import Order, Payment
from takeback.orders.order_input import PaymentIn
from takeback.refunds.models import LedgerEntry, LedgerHead, PaymentAccount, Refund, RefundPart
from takeback.refunds.statuses import RESERVING, Attention, Status
from tests import factories

P = ParamSpec("P")
T = TypeVar("T")

CARD = "credit_card"
PLAN = 1
"""The id of a plan that no test creates."""
HASH = "0" * 64


def _without_n_plus_1_check(factory: Callable[P, T]) -> Callable[P, T]:
    """Allow repeated queries in a factory: only the tested code is checked for them."""

    @wraps(factory)
    def unchecked(*arguments: P.args, **named: P.kwargs) -> T:
        with zeal.zeal_ignore():
            return factory(*arguments, **named)

    return unchecked


@_without_n_plus_1_check
def create_paid_order(*amounts: int, **fields: Any) -> Order:
    """An order in euros with a captured card payment of each amount, by default one of 50.00.

    `payment` are columns of all its payments.
    """
    amounts = amounts or (5000,)
    columns = {"account": "main", "currency": fields.get("currency", "eur")}
    columns |= fields.pop("payment", {})
    payments = [PaymentIn(kind=CARD, amount_minor=n, captured_minor=n) for n in amounts]
    defaults: dict[str, Any] = {
        "currency": "eur",
        "items": [factories.item_input(goods_minor=sum(amounts))],
        "payments": payments,
    }
    order = factories.create_order(**defaults | fields)
    for number, payment in enumerate(payments_of(order), 1):
        own = {"reference": f"pay-{order.number}-{number}"} | columns
        Payment.objects.filter(pk=payment.pk).update(**own)
    return order


def payments_of(order: Order) -> list[Payment]:
    """The payments of an order by id."""
    return list(Payment.objects.filter(order=order).order_by("id"))


@_without_n_plus_1_check
def create_account(*, channel_id: int = factories.SHOP, **fields: Any) -> PaymentAccount:
    """An active account of the sandbox provider in euros."""
    factories.create_channel(pk=channel_id)
    defaults: dict[str, Any] = {
        "code": "main",
        "provider": "sandbox",
        "provider_account": f"acct-{channel_id}-{fields.get('code', 'main')}",
        "currency": "eur",
        "payment_kinds": [CARD],
    }
    return PaymentAccount.objects.create(channel_id=channel_id, **defaults | fields)


@_without_n_plus_1_check
def create_refund(*, order: Order, **fields: Any) -> Refund:
    """A refund of 10.00 to the first payment, planned by the system; balances follow its status."""
    payment = fields.pop("payment", None) or payments_of(order)[0]
    account = PaymentAccount.objects.filter(code=payment.account, channel_id=order.channel_id)
    defaults: dict[str, Any] = {
        "plan_id": PLAN,
        "means": "original",
        "account": account.first(),
        "amount_minor": 1000,
        "currency": payment.currency or order.currency,
        "status": Status.PLANNED.value,
        "created_date": factories.NOW,
        "modified_date": factories.NOW,
    }
    refund = Refund.objects.create(order=order, payment=payment, **defaults | fields)
    column = "refunded_minor" if refund.status == Status.CONFIRMED else "reserved_minor"
    if refund.status in (*RESERVING, Status.CONFIRMED):
        changed = {column: F(column) + refund.amount_minor}
        Payment.objects.filter(pk=payment.pk).update(**changed)
    return refund


def create_part(*, refund: Refund, **fields: Any) -> RefundPart:
    """What a refund gives back: by default its whole amount as goods of the first item."""
    item = factories.items_of(refund.order)[0]
    defaults: dict[str, Any] = {
        "order_item": item,
        "units": 1,
        "goods_minor": refund.amount_minor,
    }
    return RefundPart.objects.create(refund=refund, **defaults | fields)


@_without_n_plus_1_check
def create_booking(
    *, refund: Refund, sides: Sequence[tuple[str, int]], is_fact: bool = False, **fields: Any
) -> None:
    """A booking of these account codes and amounts, which add up to zero, after the order's others.

    A fact of the provider belongs to the payment of the refund, but to no refund.
    """
    head = LedgerHead.objects.filter(order=refund.order).first()
    seq = head.seq + 1 if head else 1
    defaults: dict[str, Any] = {
        "order": refund.order,
        "seq": seq,
        "currency": refund.currency,
        "cause": "plan",
        "refund": None if is_fact else refund,
        "payment": refund.payment,
        "at": factories.NOW,
        "hash": HASH,
    }
    LedgerEntry.objects.bulk_create(
        LedgerEntry(side=side, account_code=code, amount_minor=minor, **defaults | fields)
        for side, (code, minor) in enumerate(sides, 1)
    )
    if head is None:
        LedgerHead.objects.create(order=refund.order, seq=1, hash=HASH)
    else:
        LedgerHead.objects.filter(pk=head.pk).update(seq=seq)


def create_waiting_refunds(order: Order) -> dict[str, Refund]:
    """One refund of 1.00 for each reason to look at it."""
    staff = {"requested_by_kind": ActorKind.STAFF.value, "requested_by_number": 999_999}
    refunds = {
        reason.value: create_refund(order=order, amount_minor=100, attention=reason.value)
        for reason in Attention
    }
    second = create_refund(order=order, amount_minor=100, needs_second_person=True, **staff)
    return {**refunds, "second_person": second}


def days_ago(days: int) -> datetime:
    """A moment before the time of the tests."""
    return factories.NOW - timedelta(days=days)
