"""Reads orders as the merge rule compares them."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from takeback.addresses.address_input import AddressIn
from takeback.addresses.models import Address
from takeback.core.ids import OrderId
from takeback.core.normalize import email_key
from takeback.orders.addition import ItemTotals, OrderTotals
from takeback.orders.fulfilment_dates import DATES
from takeback.orders.merge import ITEM_STAYS, REPLACED_IN_ORDER, StoredItem, StoredOrder
from takeback.orders.merge_item import MERGED, REPLACED_IN_ITEM, StoredPart
from takeback.orders.models import DiscountItem, LoyaltyTransaction, Order, OrderItem, Payment
from takeback.orders.order_input import UNKNOWN_KIND
from takeback.orders.payment_rows import StoredPayment
from takeback.orders.refunded_elsewhere import own_total

_ITEM_VALUES = ("remote_id", "cancel_status", *REPLACED_IN_ITEM, *MERGED, *DATES)
_ORDER_VALUES = ("user_id", *REPLACED_IN_ORDER, *MERGED)


def stored_orders(order_ids: Collection[OrderId]) -> dict[int, StoredOrder]:
    """These orders with all their parts, by id; the caller holds their locks."""
    # No joins: PostgreSQL scans whole tables for them while an import outruns its statistics.
    orders = Order.objects.filter(pk__in=order_ids).prefetch_related(
        "user", "shipping_address", "billing_address", "payment_option", "bank"
    )
    items = _items_by_order(order_ids)
    discounts: dict[int, Counter[str]] = defaultdict(Counter)
    rows = DiscountItem.objects.filter(order_id__in=order_ids)
    for order_id, name, amount in rows.values_list("order_id", "name", "amount_minor"):
        discounts[order_id][name] += amount
    payments = stored_payments(order_ids)
    loyalty: dict[int, dict[Any, int]] = defaultdict(dict)
    for row in LoyaltyTransaction.objects.filter(order_id__in=order_ids):
        loyalty[row.order_id][row.uuid] = row.amount_minor
    return {
        order.pk: _order(
            order, items[order.pk], discounts[order.pk], payments[order.pk], loyalty[order.pk]
        )
        for order in orders
    }


def stored_payments(order_ids: Collection[OrderId]) -> dict[int, list[StoredPayment]]:
    """The payments of these orders by order; the caller holds their locks."""
    payments: dict[int, list[StoredPayment]] = defaultdict(list)
    for payment in Payment.objects.filter(order_id__in=order_ids).order_by("pk"):
        payments[payment.order_id].append(
            StoredPayment(
                id=payment.pk,
                kind=payment.kind,
                amount=payment.amount_minor,
                captured=payment.captured_minor,
                account=payment.account,
                reference=payment.reference,
                provider_order=payment.provider_order,
                currency=payment.currency,
                own_refunds=own_total([payment]),
                is_untouched=not (
                    payment.reserved_minor
                    or payment.refunded_minor
                    or payment.found_minor
                    or payment.charged_back_minor
                    or payment.has_open_dispute
                ),
            )
        )
    return payments


def stored_part(item: OrderItem) -> StoredPart:
    """The row of an item or of a part."""
    return StoredPart(
        id=item.pk,
        status=item.status,
        deferred_status=item.deferred_status,
        is_cancel_approved=item.is_cancel_approved,
        totals=ItemTotals(
            quantity=item.quantity,
            goods=item.goods_minor,
            discount=item.discount_minor,
            tax=item.tax_minor,
            interest=item.interest_minor,
            retail=item.retail_minor,
            closed=item.units_closed,
            elsewhere=item.refunded_elsewhere_quantity,
        ),
        values={name: getattr(item, name) for name in _ITEM_VALUES},
    )


def _order(
    order: Order,
    items: Sequence[StoredItem],
    discounts: Counter[str],
    payments: Sequence[StoredPayment],
    loyalty: dict[Any, int],
) -> StoredOrder:
    return StoredOrder(
        id=order.pk,
        status=order.status,
        currency=order.currency,
        placed_at=order.placed_at,
        email_keys=frozenset({order.email_key, email_key(order.user.email)}),
        payment_type=order.payment_type,
        addresses={
            "shipping_address": _address(order.shipping_address),
            "billing_address": _address(order.billing_address),
        },
        totals=OrderTotals(
            amount=order.amount_minor,
            discount=order.discount_minor,
            shipping=order.shipping_minor,
            fee=order.fee_minor,
            interest=order.interest_minor,
            discounts=discounts,
            payments=payments,
            payment_kind=order.payment_type or UNKNOWN_KIND,
        ),
        refund_minor=sum(payment.own_refunds for payment in payments),
        refunded_elsewhere_minor=order.refunded_elsewhere_minor,
        loyalty=loyalty,
        values={name: getattr(order, name) for name in _ORDER_VALUES},
        stays={
            "payment_option": order.payment_option and order.payment_option.document,
            "bank": order.bank and order.bank.document,
            "bin_number": order.bin_number,
            "installment_count": order.installment_count,
            "shipping_tax_rate": order.shipping_tax_rate,
        },
        items=items,
    )


def _items_by_order(order_ids: Collection[OrderId]) -> dict[int, list[StoredItem]]:
    """The items of each order in their order, each with the parts split from it."""
    rows = OrderItem.objects.filter(order_id__in=order_ids).prefetch_related(*ITEM_STAYS)
    groups: dict[int, list[OrderItem]] = {}
    for row in rows.order_by("pk"):
        groups.setdefault(row.split_from_id or row.pk, []).append(row)
    items: dict[int, list[StoredItem]] = defaultdict(list)
    for parts in groups.values():
        first = parts[0]
        items[first.order_id].append(
            StoredItem(
                remote_id=first.remote_id,
                sku=first.sku,
                tax_rate=first.tax_rate,
                parts=[stored_part(part) for part in parts],
                stays={
                    name: snapshot and snapshot.document
                    for name in ITEM_STAYS
                    for snapshot in [getattr(first, name)]
                },
            )
        )
    return items


def _address(row: Address) -> AddressIn:
    """As the order's sender wrote it; its places have the names of that time."""
    names = {kind: place and place["name"] for kind, place in row.place.items()}
    return AddressIn(
        first_name=row.first_name,
        last_name=row.last_name,
        phone_number=row.phone_number,
        line=row.line,
        country=row.place["country"]["code"],
        city=names["city"],
        township=names["township"],
        district=names["district"],
        postcode=row.postcode,
        company_name=row.company_name,
        tax_no=row.tax_no,
        extra_field=row.extra_field,
    )
