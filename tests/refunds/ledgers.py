"""Orders with payments, and refunds that are planned, paid and booked in the ledger."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import zeal
from django.db import transaction
from django.db.models import F

from takeback.orders.models import Order, Payment
from takeback.orders.order_input import PaymentIn
from takeback.refunds.commands.book import book, book_charge_back, book_found
from takeback.refunds.ledger import START, Cause, Row, next_hash
from takeback.refunds.models import (
    LedgerEntry,
    LedgerHead,
    PaymentAccount,
    Refund,
    RefundPart,
)
from takeback.refunds.statuses import RESERVING, Means, Status
from tests import factories
from tests.factories import NOW

RATE = Decimal("18.000")
STEPS: Mapping[Status, tuple[Status, ...]] = {
    Status.PLANNED: (),
    Status.SENDING: (Status.SENDING,),
    Status.PENDING: (Status.SENDING, Status.PENDING),
    Status.CONFIRMED: (Status.SENDING, Status.CONFIRMED),
    Status.FAILED: (Status.SENDING, Status.FAILED),
    Status.RETURNED: (Status.SENDING, Status.CONFIRMED, Status.RETURNED),
    Status.CANCELLED: (Status.CANCELLED,),
    Status.IN_DOUBT: (Status.SENDING, Status.IN_DOUBT),
}
"""The statuses through which a planned refund reaches each status."""
_CAUSES = {
    Status.CONFIRMED: Cause.CONFIRM,
    Status.RETURNED: Cause.RETURN,
    Status.CANCELLED: Cause.CANCEL,
}


def create_account(code: str = "card", **fields: Any) -> PaymentAccount:
    """An account of the shop's channel."""
    factories.create_channel()
    defaults: dict[str, Any] = {
        "channel_id": factories.SHOP,
        "provider": "sandbox",
        "provider_account": f"merchant {code}",
        "currency": "try",
    }
    return PaymentAccount.objects.create(code=code, **defaults | fields)


def create_payment(
    number: str = factories.NUMBER, *, amount: int = 10_000, currency: str = "try", **fields: Any
) -> Payment:
    """The captured payment of an order of one item."""
    order = factories.create_order(
        number=number,
        currency=currency,
        items=[factories.item_input(goods_minor=amount)],
        payments=[PaymentIn(kind="card", amount_minor=amount, captured_minor=amount)],
        **fields,
    )
    return Payment.objects.get(order=order)


def part(**amounts: Any) -> dict[str, Any]:
    """The columns of a part; goods of 10.00 with 18 % tax by default."""
    return {"tax_rate": RATE, "goods_minor": 1000} | amounts


def total(parts: Sequence[Mapping[str, Any]]) -> int:
    """What the parts add up to."""
    added = ("goods_minor", "shipping_minor", "fee_minor", "interest_minor", "adjustment_minor")
    return sum(
        sum(row.get(name, 0) for name in added) - row.get("discount_minor", 0) for row in parts
    )


def plan_refund(
    payment: Payment,
    *parts: Mapping[str, Any],
    now: datetime = NOW,
    invoice: str | None = None,
    **fields: Any,
) -> Refund:
    """A planned refund with its parts, reserved on its payment and booked."""
    rows = parts or (part(),)
    order = payment.order
    defaults: dict[str, Any] = {
        "plan_id": 1,
        "means": Means.ORIGINAL.value,
        "amount_minor": total(rows),
        "currency": payment.currency or order.currency,
        "created_date": now,
        "modified_date": now,
    }
    with transaction.atomic(), zeal.zeal_ignore():
        refund = Refund.objects.create(order=order, payment=payment, **defaults | fields)
        # A part without an item belongs to the order; an item has one part of each refund.
        saved = [RefundPart.objects.create(refund=refund, **row) for row in rows]
        _add(payment, reserved_minor=refund.amount_minor)
        book(Cause.PLAN, refund, saved, now=now, refund_invoice_number=invoice)
    return refund


def move(refund: Refund, *statuses: Status, now: datetime = NOW) -> Refund:
    """Take a refund through these statuses, with the balances of its payment and its bookings."""
    with zeal.zeal_ignore():
        for status in statuses:
            _set_status(refund, status, now)
    return refund


@transaction.atomic
def _set_status(refund: Refund, status: Status, now: datetime) -> None:
    before, refund.status = Status(refund.status), status.value
    refund.sends += status is Status.SENDING
    refund.confirmed_at = now if status is Status.CONFIRMED else refund.confirmed_at
    refund.returned_at = now if status is Status.RETURNED else refund.returned_at
    refund.modified_date = now
    refund.save()
    amount = refund.amount_minor
    if before in RESERVING and status not in RESERVING:
        _add(refund.payment, reserved_minor=-amount)
    if Status.CONFIRMED in (before, status):
        _add(refund.payment, refunded_minor=amount if status is Status.CONFIRMED else -amount)
    if cause := _CAUSES.get(status):
        book(cause, refund, list(RefundPart.objects.filter(refund=refund)), now=now)


def refund_in(status: Status, payment: Payment, *parts: Mapping[str, Any], **fields: Any) -> Refund:
    """A refund in this status."""
    now = fields.get("now", NOW)
    return move(plan_refund(payment, *parts, **fields), *STEPS[status], now=now)


def find(payment: Payment, amount: int, now: datetime = NOW) -> None:
    """A refund that was made in the provider's pages."""
    _add_fact(book_found, payment, amount, now, column="found_minor")


def charge_back(payment: Payment, amount: int, now: datetime = NOW) -> None:
    """Money that the shopper's bank took back."""
    _add_fact(book_charge_back, payment, amount, now, column="charged_back_minor")


def _add_fact(
    booking: Callable[..., int], payment: Payment, amount: int, now: datetime, *, column: str
) -> None:
    with transaction.atomic(), zeal.zeal_ignore():
        _add(payment, **{column: amount})
        booking(payment, amount, now)


def _add(payment: Payment, **changes: int) -> None:
    values = {column: F(column) + amount for column, amount in changes.items()}
    Payment.objects.filter(pk=payment.pk).update(**values)


def rows_of(order: Order | int) -> list[LedgerEntry]:
    """The entries of an order's chain."""
    return list(LedgerEntry.objects.filter(order=order).order_by("seq", "side"))


def booked(order: Order | int) -> list[tuple[int, str, str, int]]:
    """The entries of an order: booking, cause, account and amount."""
    return [(row.seq, row.cause, row.account_code, row.amount_minor) for row in rows_of(order)]


def row_of(entry: LedgerEntry) -> Row:
    """The columns that an entry's hash covers."""
    return Row(**{name: getattr(entry, name) for name in Row._fields})


def rehash(order_id: int) -> None:
    """Make an order's chain and head right again, as an intruder who knows the code could."""
    last = START
    for entry in rows_of(order_id):
        last = next_hash(last, row_of(entry))
        LedgerEntry.objects.filter(pk=entry.pk).update(hash=last)
        LedgerHead.objects.filter(pk=order_id).update(seq=entry.seq, hash=last)


CURRENCIES = {"eur": "2", "jpy": "0", "kwd": "3"}
"""Currencies by their number of decimals."""
COMPLETED_PLAN = 7


def create_full_ledger() -> list[Payment]:
    """Refunds in every status, in three currencies, and facts from outside; one payment each."""
    payments = [_create_refunds(currency) for currency in CURRENCIES]
    account = PaymentAccount.objects.get(code="eur")
    failed = create_payment("failed", currency="eur")
    first = refund_in(Status.FAILED, failed, account=account)
    other = {"means": Means.MANUAL.value, "plan_id": COMPLETED_PLAN}
    refund_in(Status.CONFIRMED, failed, replaces=first, **other)
    _complete(failed, 1000)
    returned = create_payment("returned", currency="eur")
    first = refund_in(Status.RETURNED, returned, account=account)
    plan_refund(returned, replaces=first, means=Means.LOYALTY.value)
    return [*payments, failed, returned]


def _create_refunds(currency: str) -> Payment:
    payment = create_payment(currency, currency=currency, amount=100_000)
    account = create_account(currency, currency=currency)
    parts = (
        part(goods_minor=333, discount_minor=33, tax_minor=46),
        part(goods_minor=667, shipping_minor=49, fee_minor=1, interest_minor=3, tax_minor=53)
        | {"tax_rate": Decimal("8.000"), "adjustment_minor": -2},
    )
    for day, status in enumerate(STEPS):
        refund_in(status, payment, *parts, account=account, now=NOW + timedelta(days=day))
    last = {"plan_id": COMPLETED_PLAN, "invoice": "R-2", "now": NOW + timedelta(days=3)}
    refund_in(Status.CONFIRMED, payment, *parts, account=account, **last)
    _complete(payment, total(parts))
    find(payment, 11, NOW + timedelta(days=2))
    charge_back(payment, 7, NOW + timedelta(days=3))
    return payment


def _complete(payment: Payment, amount: int) -> None:
    """The order's total after the plan `COMPLETED_PLAN`."""
    Order.objects.filter(pk=payment.order_id).update(refund_minor=amount)
