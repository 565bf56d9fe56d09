"""Writing old orders: once, however often they are told."""

import json
from collections import defaultdict
from collections.abc import Sequence
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
    """An order of a system that is gone; amounts in minor units."""

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
    """A line of an old order; `price_minor` is the price of the line."""

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
_ITEM_COLUMNS = ("product", "sku", "quantity", "price_minor", "image_url")


@transaction.atomic
def write_orders(channel_id: int, told: Sequence[OldOrderIn]) -> list[str]:
    """What became of each: by customer and number it is created, updated or unchanged.

    A second one with the same customer and number in one go is refused.
    """
    Channel.objects.select_for_update(no_key=True).get(pk=channel_id)
    people = get_or_create_customers(channel_id, [order.customer for order in told])
    keys = [(people[order.customer.key()], order.number) for order in told]
    kept = {
        (order.user_id, order.number): order
        for order in OldOrder.objects.filter(
            user__in=set(people.values()), number__in={order.number for order in told}
        )
    }
    results: dict[tuple[int, str], str] = {}
    rows: dict[str, list[OldOrder]] = defaultdict(list)
    answers = []
    for key, order in zip(keys, told, strict=True):
        if key in results:
            answers.append(REFUSED)
            continue
        row, results[key] = _settled(key, order, kept.get(key))
        rows[results[key]].append(row)
        answers.append(results[key])
    OldOrder.objects.bulk_create(rows[CREATED])
    OldOrder.objects.bulk_update(
        rows[UPDATED], ["user_email", "extra_field", *_ORDER_COLUMNS], batch_size=500
    )
    return answers


def _settled(key: tuple[int, str], told: OldOrderIn, kept: OldOrder | None) -> tuple[OldOrder, str]:
    """The row as it shall be, and what that means."""
    values = {name: getattr(told, name) for name in _ORDER_COLUMNS} | {
        "user_email": told.customer.email,
        "extra_field": _plain(told.extra_field),
    }
    if kept is None:
        return OldOrder(user_id=key[0], number=key[1], **values), CREATED
    if all(getattr(kept, name) == value for name, value in values.items()):
        return kept, UNCHANGED
    for name, value in values.items():
        setattr(kept, name, value)
    return kept, UPDATED


@transaction.atomic
def write_items(told: Sequence[tuple[int, Sequence[OldItemIn]]]) -> list[str]:
    """The lines of old orders by the order's id: created, unchanged, or refused.

    Lines have no name of their own, so an order that has other lines already is left alone.
    """
    ids = [order_id for order_id, _ in told]
    list(OldOrder.objects.select_for_update().filter(pk__in=ids).order_by("pk"))
    kept: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    lines = OldOrderItem.objects.filter(old_order__in=ids).order_by("id")
    for order_id, *values in lines.values_list("old_order_id", *_ITEM_COLUMNS, "extra_field"):
        kept[order_id].append(tuple(values))
    answers, rows = [], []
    for order_id, items in told:
        wanted = [_item_values(item) for item in items]
        if kept[order_id]:
            answers.append(UNCHANGED if kept[order_id] == wanted else REFUSED)
            continue
        kept[order_id] = wanted
        names = (*_ITEM_COLUMNS, "extra_field")
        rows += [
            OldOrderItem(old_order_id=order_id, **dict(zip(names, values, strict=True)))
            for values in wanted
        ]
        answers.append(CREATED)
    OldOrderItem.objects.bulk_create(rows)
    return answers


def _item_values(item: OldItemIn) -> tuple[Any, ...]:
    return (*(getattr(item, name) for name in _ITEM_COLUMNS), _plain(item.extra_field))


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    """As a JSON column gives it back, so that it can be compared and written."""
    plain: dict[str, Any] = json.loads(json_text(document) or "{}")
    return plain
