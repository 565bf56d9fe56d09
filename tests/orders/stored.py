"""Stored orders without a database, and the application of changes to them."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from takeback.core.normalize import email_key
from takeback.orders.addition import ItemTotals, OrderTotals
from takeback.orders.allocation import allocate
from takeback.orders.fulfilment_dates import with_assumed_dates
from takeback.orders.merge import (
    ITEM_STAYS,
    ORDER_STAYS,
    REPLACED_IN_ORDER,
    Changes,
    StoredItem,
    StoredOrder,
    match_items,
)
from takeback.orders.merge_item import MERGED, REPLACED_IN_ITEM, StoredPart
from takeback.orders.order_input import UNKNOWN_KIND, ItemIn, OrderIn, PaymentIn
from takeback.orders.payment_rows import StoredPayment

NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)


def stored(order: OrderIn) -> StoredOrder:
    """The order as it is stored when it arrives."""
    amounts = allocate(order)
    items = [
        _item(order, item, row, number)
        for number, (item, row) in enumerate(zip(order.items, amounts.items, strict=True), start=1)
    ]
    return StoredOrder(
        id=1,
        status=order.status or min(part.status for item in items for part in item.parts),
        currency=order.currency,
        placed_at=order.placed_at,
        email_keys=frozenset({email_key(order.customer.email)}),
        payment_type=order.payment_type,
        addresses={
            "shipping_address": order.shipping_address,
            "billing_address": order.billing_address or order.shipping_address,
        },
        totals=OrderTotals(
            amount=amounts.amount,
            discount=amounts.discount,
            shipping=order.shipping_minor or 0,
            fee=order.fee_minor or 0,
            interest=amounts.interest,
            discounts={discount.name: discount.amount_minor for discount in amounts.discounts},
            payments=[
                stored_payment(pk, row, order.currency)
                for pk, row in enumerate(amounts.payments, start=1)
            ],
            payment_kind=order.payment_type or UNKNOWN_KIND,
        ),
        refund_minor=0,
        refunded_elsewhere_minor=order.refunded_elsewhere_minor or 0,
        loyalty={row.uuid: row.amount_minor for row in order.loyalty},
        values={name: getattr(order, name) for name in (*REPLACED_IN_ORDER, *MERGED)},
        stays={name: getattr(order, name) for name in ORDER_STAYS},
        items=items,
    )


def stored_payment(pk: int, payment: PaymentIn, currency: str = "try") -> StoredPayment:
    """The payment as it is stored when its order arrives."""
    captured = payment.captured_minor
    return StoredPayment(
        id=pk,
        kind=payment.kind,
        amount=payment.amount_minor,
        captured=payment.amount_minor if captured is None else captured,
        account=payment.account,
        reference=payment.reference,
        provider_order=payment.provider_order,
        currency=None if payment.currency == currency else payment.currency,
    )


def _item(order: OrderIn, item: ItemIn, amounts: Any, number: int) -> StoredItem:
    status = order.status_of_item(item)
    dates = with_assumed_dates(status, item.shipped_date, item.delivered_date, NOW)
    names = ("remote_id", "cancel_status", *REPLACED_IN_ITEM, *MERGED)
    part = StoredPart(
        id=number,
        status=status,
        totals=ItemTotals(
            quantity=item.quantity,
            goods=amounts.goods,
            discount=amounts.discount,
            tax=amounts.tax,
            interest=amounts.interest,
            elsewhere=item.refunded_elsewhere_quantity or 0,
        ),
        values={name: getattr(item, name) for name in names}
        | {"shipped_date": dates.shipped, "delivered_date": dates.delivered},
    )
    return StoredItem(
        remote_id=item.remote_id,
        sku=item.sku,
        tax_rate=item.tax_rate or Decimal(0),
        parts=[part],
        stays={name: getattr(item, name) for name in ITEM_STAYS},
    )


def applied(before: StoredOrder, received: OrderIn, changes: Changes) -> StoredOrder:
    """The stored order after the changes."""
    items = [_changed_item(item, changes) for item in before.items]
    values = dict(changes.order)
    order = replace(
        before,
        status=values.pop("status", before.status),
        refunded_elsewhere_minor=values.pop(
            "refunded_elsewhere_minor", before.refunded_elsewhere_minor
        ),
        values={**before.values, **values},
        items=items,
    )
    order = _with_payments(order, changes)
    return _with_addition(order, received, changes) if changes.addition else order


def _with_payments(order: StoredOrder, changes: Changes) -> StoredOrder:
    payments = []
    for payment in order.totals.payments:
        values = dict(changes.payments.values.get(payment.id, {}))
        for name, column in (("amount", "amount_minor"), ("captured", "captured_minor")):
            values[name] = values.pop(column, getattr(payment, name))
        payments.append(payment._replace(**values))
    payments += [
        stored_payment(len(payments) + n, new, order.currency)
        for n, new in enumerate(changes.payments.added, start=1)
    ]
    return replace(order, totals=order.totals._replace(payments=payments))


def _changed_item(item: StoredItem, changes: Changes) -> StoredItem:
    return replace(item, parts=[_changed(part, changes.parts.get(part.id)) for part in item.parts])


def _changed(part: StoredPart, changed: dict[str, Any] | None) -> StoredPart:
    if not changed:
        return part
    values = dict(changed)
    elsewhere = values.pop("refunded_elsewhere_quantity", part.totals.elsewhere)
    return replace(
        part,
        status=values.pop("status", part.status),
        deferred_status=values.pop("deferred_status", part.deferred_status),
        totals=part.totals._replace(elsewhere=elsewhere),
        values={**part.values, **values},
    )


def _with_addition(order: StoredOrder, received: OrderIn, changes: Changes) -> StoredOrder:
    addition = changes.addition
    assert addition is not None
    matches = match_items(order.items, received.items, by_sku=False)
    items = list(order.items)
    number = sum(len(item.parts) for item in items)
    rows = zip(addition.positions, addition.order.items, addition.allocation.items, strict=True)
    for position, item, row in rows:
        number += 1
        new = _item(addition.order, item, row, number)
        match = matches[position]
        if match is None:
            items.append(new)
        else:
            at = next(n for n, old in enumerate(items) if old.remote_id == match.remote_id)
            items[at] = replace(items[at], parts=[*items[at].parts, *new.parts])
    amounts, totals = addition.allocation, order.totals
    payments = [
        stored_payment(len(totals.payments) + n, payment, order.currency)
        for n, payment in enumerate(amounts.payments, start=1)
    ]
    discounts = dict(totals.discounts)
    for discount in amounts.discounts:
        discounts[discount.name] = discounts.get(discount.name, 0) + discount.amount_minor
    return replace(
        order,
        items=items,
        totals=OrderTotals(
            amount=totals.amount + amounts.amount,
            discount=totals.discount + amounts.discount,
            shipping=totals.shipping + (addition.order.shipping_minor or 0),
            fee=totals.fee + (addition.order.fee_minor or 0),
            interest=totals.interest + amounts.interest,
            discounts=discounts,
            payments=[*totals.payments, *payments],
            payment_kind=totals.payment_kind,
        ),
    )
