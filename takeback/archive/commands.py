"""Imports old orders, which is a no-op for an unchanged one, and makes them anonymous."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from takeback.accounts.customer_input import CustomerIn
from takeback.accounts.customers import get_or_create_customers
from takeback.accounts.models import Channel
from takeback.archive.models import OldOrder, OldOrderItem
from takeback.core.db.bulk import json_text

CREATED, UPDATED, UNCHANGED, REFUSED = "created", "updated", "unchanged", "refused"


@dataclass(slots=True, kw_only=True)
class OldOrderIn:
    """An order of a system that is no longer in use; amounts are minor units."""

    customer: CustomerIn
    number: str
    status: str
    created_date: datetime
    currency: str
    amount_minor: int
    discount_minor: int = 0
    payment_type: str = ""
    bank: str = ""
    installment_count: int = 1
    tracking_number: str = ""
    shipping_company: str | None = None
    shipping_address: str
    billing_address: str
    extra_field: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class OldItemIn:
    """An item of an old order; `price_minor` is the price of all its units."""

    product: str = ""
    sku: str = ""
    quantity: int = 1
    price_minor: int
    image_url: str | None = None
    extra_field: dict[str, Any] = field(default_factory=dict)


_ORDER_COLUMNS = (
    "status",
    "created_date",
    "currency",
    "amount_minor",
    "discount_minor",
    "payment_type",
    "bank",
    "installment_count",
    "tracking_number",
    "shipping_company",
    "shipping_address",
    "billing_address",
)
_ITEM_COLUMNS = ("product", "sku", "quantity", "price_minor", "image_url", "extra_field")


@transaction.atomic
def write_orders(channel_id: int, orders: Sequence[OldOrderIn]) -> list[str]:
    """Create or update each order by its customer and number; returns a result for each.

    Only the first of several orders with the same customer and number is written.
    """
    Channel.objects.select_for_update(no_key=True).get(pk=channel_id)
    customer_ids = get_or_create_customers(channel_id, [order.customer for order in orders])
    keys = [(customer_ids[order.customer.key()], order.number) for order in orders]
    rows = OldOrder.objects.filter(
        user__in=set(customer_ids.values()), number__in={order.number for order in orders}
    )
    stored = {(row.user_id, row.number): row for row in rows}
    written: dict[str, list[OldOrder]] = defaultdict(list)
    processed = set[tuple[int, str]]()
    results = []
    for key, order in zip(keys, orders, strict=True):
        if key in processed:
            results.append(REFUSED)
            continue
        processed.add(key)
        row, result = _apply(order, key, stored.get(key))
        written[result].append(row)
        results.append(result)
    OldOrder.objects.bulk_create(written[CREATED])
    OldOrder.objects.bulk_update(
        written[UPDATED], ["user_email", "extra_field", *_ORDER_COLUMNS], batch_size=500
    )
    return results


def _apply(
    order: OldOrderIn, key: tuple[int, str], stored: OldOrder | None
) -> tuple[OldOrder, str]:
    """The row with the values of the order, and the result."""
    values = {name: getattr(order, name) for name in _ORDER_COLUMNS} | {
        "user_email": order.customer.email,
        "extra_field": _as_stored(order.extra_field),
    }
    if stored is None:
        return OldOrder(user_id=key[0], number=key[1], **values), CREATED
    changed = {name for name, value in values.items() if getattr(stored, name) != value}
    for name in changed:
        setattr(stored, name, values[name])
    return stored, UPDATED if changed else UNCHANGED


@transaction.atomic
def write_items(items: Sequence[tuple[int, Sequence[OldItemIn]]]) -> list[str]:
    """Create the items of old orders, by the order's id; returns a result for each order.

    Items have no id of their own: an order that already has other items is refused.
    """
    ids = [order_id for order_id, _ in items]
    list(OldOrder.objects.select_for_update().filter(pk__in=ids).order_by("pk"))
    stored: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in OldOrderItem.objects.filter(old_order__in=ids).order_by("id"):
        stored[row.old_order_id].append({name: getattr(row, name) for name in _ITEM_COLUMNS})
    results, rows = [], []
    for order_id, order_items in items:
        values = [_item_values(item) for item in order_items]
        if stored[order_id]:
            results.append(UNCHANGED if stored[order_id] == values else REFUSED)
            continue
        stored[order_id] = values
        rows += [OldOrderItem(old_order_id=order_id, **columns) for columns in values]
        results.append(CREATED)
    OldOrderItem.objects.bulk_create(rows)
    return results


def _item_values(item: OldItemIn) -> dict[str, Any]:
    values = {name: getattr(item, name) for name in _ITEM_COLUMNS}
    return values | {"extra_field": _as_stored(item.extra_field)}


def _as_stored(document: dict[str, Any]) -> dict[str, Any]:
    """The document as its JSON column returns it, so that it can be compared."""
    stored: dict[str, Any] = json.loads(json_text(document) or "{}")
    return stored


def anonymize_old_orders(emails: Mapping[int, str]) -> None:
    """Give the old orders of these users their anonymous e-mail address, and no address."""
    for user_id, email in emails.items():
        OldOrder.objects.filter(user_id=user_id).update(
            user_email=email, shipping_address="", billing_address="", extra_field={}
        )
