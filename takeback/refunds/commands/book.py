"""Adds bookings to an order's ledger, under the order's lock."""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from django.db import connection
from django.db.transaction import TransactionManagementError

from takeback.core.db.bulk import insert_objects
from takeback.core.ids import OrderId
from takeback.orders.locks import lock_orders
from takeback.orders.models import Order, Payment
from takeback.refunds import ledger
from takeback.refunds.anchor_lock import announce_booking
from takeback.refunds.ledger import BookedRefund, Cause, Entry, PartAmounts, Row
from takeback.refunds.ledger_queries import account_names, bookings_of_refund, head_of_order
from takeback.refunds.models import LedgerEntry, LedgerHead, PaymentAccount, Refund, RefundPart
from takeback.refunds.statuses import Means, Status

_AFTER: Final = {
    Cause.PLAN: None,
    Cause.CONFIRM: Cause.PLAN,
    Cause.CANCEL: Cause.PLAN,
    Cause.RETURN: Cause.CONFIRM,
}
"""The booking that must be there before each booking of a refund."""


class _Predecessor(NamedTuple):
    """A refund whose debt a new one takes over, and the number of its invoice."""

    refund: BookedRefund
    refund_invoice_number: str


def book(
    cause: Cause,
    refund: Refund,
    parts: Sequence[RefundPart],
    *,
    now: datetime,
    refund_invoice_number: str | None = None,
) -> int:
    """Add the booking of a refund to its order's ledger; returns the booking's number.

    A refund is booked when it is planned, and then at each of the causes once. The invoice number
    of the plan is kept for its later bookings. The plan of a refund that replaces a failed or
    returned one takes over its debt.

    Raises ValueError for a repeated booking, one out of order, and parts that do not add up.
    """
    _lock(refund.order_id)
    earlier = bookings_of_refund(refund_id=refund.pk)
    _ensure_in_order(cause, refund, {booking.cause for booking in earlier})
    booked = _booked(refund, parts)
    _ensure(booked.parts_add_up(), refund, "its parts do not add up to its amount")
    predecessor = _predecessor(refund, booked) if cause is Cause.PLAN else None
    number = refund_invoice_number
    if number is None and predecessor:
        number = predecessor.refund_invoice_number
    elif number is None and earlier:
        number = earlier[0].refund_invoice_number
    entries = ledger.entries_of(cause, booked, predecessor and predecessor.refund)
    return _append(OrderId(refund.order_id), cause, entries, number or "", now)


def book_found(
    payment: Payment,
    amount_minor: int,
    now: datetime,
    *,
    account: PaymentAccount | None = None,
) -> int:
    """Book a refund that was made in the provider's own pages; a negative amount takes it back.

    `account` is the one that reported it, by default the payment's.
    """
    return _book_fact(Cause.FOUND, payment, amount_minor, now, account)


def book_charge_back(
    payment: Payment,
    amount_minor: int,
    now: datetime,
    *,
    account: PaymentAccount | None = None,
) -> int:
    """Book money that the shopper's bank took back; as `book_found`."""
    return _book_fact(Cause.CHARGE_BACK, payment, amount_minor, now, account)


def _book_fact(
    cause: Cause,
    payment: Payment,
    amount_minor: int,
    now: datetime,
    account: PaymentAccount | None,
) -> int:
    if not amount_minor:
        raise ValueError(f"payment {payment.pk}: a booking needs an amount")
    _lock(payment.order_id)
    [(channel_id, currency)] = Order.objects.filter(pk=payment.order_id).values_list(
        "channel_id", "currency"
    )
    code = account.code if account else payment.account or _code_by_kind(channel_id, payment.kind)
    entries = ledger.entries_of_fact(
        cause,
        payment=payment.pk,
        amount=amount_minor,
        currency=payment.currency or currency,
        paid_from=ledger.paid_from_account(channel_id, code)
        if code
        else ledger.paid_by_means(Means.ORIGINAL),
    )
    return _append(OrderId(payment.order_id), cause, entries, "", now)


def _code_by_kind(channel_id: int, kind: str) -> str | None:
    """The code of the account that serves payments of this kind."""
    accounts = PaymentAccount.objects.filter(channel_id=channel_id, is_active=True).order_by("pk")
    kinds = accounts.values_list("code", "payment_kinds")
    return next((code for code, served in kinds if kind in served), None)


def _lock(order_id: int) -> None:
    if not connection.in_atomic_block:
        raise TransactionManagementError("a booking needs the transaction of its cause")
    lock_orders([OrderId(order_id)])
    announce_booking()


def _ensure_in_order(cause: Cause, refund: Refund, causes: Collection[str]) -> None:
    before = _AFTER[cause]
    _ensure(cause not in causes, refund, f"it is booked as {cause} already")
    _ensure(before is None or before in causes, refund, f"{cause} is booked after {before}")


def _ensure(condition: bool, refund: Refund, reason: str) -> None:  # noqa: FBT001 - an assertion
    if not condition:
        raise ValueError(f"refund {refund.pk}: {reason}")


def _predecessor(refund: Refund, booked: BookedRefund) -> _Predecessor | None:
    """The replaced refund, unless it was cancelled: then nothing is owed any more."""
    if refund.replaces_id is None:
        return None
    replaced = Refund.objects.get(pk=refund.replaces_id)
    if replaced.status == Status.CANCELLED:
        return None
    _ensure(
        replaced.status in ledger.REPLACED_WHILE_OWED,
        refund,
        f"it replaces a refund that is {replaced.status}",
    )
    taken_over = _booked(replaced, RefundPart.objects.filter(refund=replaced).order_by("pk"))
    _ensure(
        (taken_over.amount, taken_over.currency) == (booked.amount, booked.currency),
        refund,
        "it replaces a refund of another amount",
    )
    bookings = bookings_of_refund(refund_id=replaced.pk)
    _ensure(bool(bookings), refund, "it replaces a refund that is not booked")
    return _Predecessor(taken_over, bookings[0].refund_invoice_number)


def _booked(refund: Refund, parts: Collection[RefundPart]) -> BookedRefund:
    return BookedRefund(
        id=refund.pk,
        payment=refund.payment_id,
        amount=refund.amount_minor,
        currency=refund.currency,
        paid_from=_paid_from(refund),
        parts=tuple(
            PartAmounts(
                tax_rate=Decimal(part.tax_rate),
                goods=part.goods_minor,
                discount=part.discount_minor,
                shipping=part.shipping_minor,
                fee=part.fee_minor,
                interest=part.interest_minor,
                adjustment=part.adjustment_minor,
            )
            for part in parts
        ),
    )


def _paid_from(refund: Refund) -> str:
    if refund.account_id is None:
        return ledger.paid_by_means(refund.means)
    [account] = account_names(account_id=refund.account_id)
    return ledger.paid_from_account(account.channel_id, account.code)


def _append(
    order_id: OrderId, cause: Cause, entries: Sequence[Entry], number: str, now: datetime
) -> int:
    """Insert a booking at the end of its order's chain, and then move the head.

    A trigger on the head refuses a booking that does not add up.
    """
    head = next(iter(head_of_order(order_id=order_id)), None)
    seq = head.seq + 1 if head else 1
    last = head.hash if head else ledger.START
    rows = []
    for side, entry in enumerate(entries, start=1):
        row = Row(
            order_id=order_id,
            seq=seq,
            side=side,
            cause=cause.value,
            account_code=entry.account_code,
            amount_minor=entry.amount_minor,
            currency=entry.currency,
            refund_id=entry.refund,
            payment_id=entry.payment,
            tax_rate=entry.tax_rate,
            refund_invoice_number=number,
            at=now,
        )
        last = ledger.next_hash(last, row)
        rows.append(LedgerEntry(**row._asdict(), hash=last))
    insert_objects(rows)
    if head is None:
        LedgerHead.objects.create(order_id=order_id, seq=seq, hash=last)
    else:
        LedgerHead.objects.filter(pk=order_id).update(seq=seq, hash=last)
    return seq
