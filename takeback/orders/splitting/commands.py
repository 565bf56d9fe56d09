"""Setting units of a line apart, so that something can happen to them alone (domain D.4)."""

from copy import copy
from datetime import datetime
from itertools import count
from typing import Any

from django.conf import settings

from takeback.core.money import split, units_worth
from takeback.orders.models import BenefitApplicant, Order, OrderItem

_AMOUNTS = (
    "goods_minor",
    "discount_minor",
    "tax_minor",
    "shipping_minor",
    "fee_minor",
    "interest_minor",
    "retail_minor",
)
_LONGEST_NAME = 128
"""As much as the column holds."""


def set_apart(item_id: int, units: int, *, now: datetime) -> OrderItem:
    """Make a line of its own of the next `units` of a line, and return it.

    The new line is worth exactly what those units were worth, the old one keeps the rest: the
    first units of a line are the heavier ones, and stay so in both. The caller holds the
    order's lock. Units that are used, or not there, are refused by the database.
    """
    line = OrderItem.objects.get(pk=item_id)
    part = _part_of(line, units, now)
    Order.objects.filter(pk=line.order_id).update(is_sealed=False)
    part.save(force_insert=True)
    _divide_shares(line, part)
    OrderItem.objects.filter(pk=line.pk).update(
        quantity=line.quantity - units,
        attributes=with_quantity(line.attributes, line.quantity - units),
        modified_date=now,
        **{name: _left(line, part, name) for name in _AMOUNTS},
    )
    # Sealing adds everything up again.
    Order.objects.filter(pk=line.order_id).update(is_sealed=True, modified_date=now)
    return part


def with_quantity(attributes: dict[str, Any], quantity: int) -> dict[str, Any]:
    """The attributes of a line; those of a merged line say how many units it stands for."""
    key = settings.ORDER_ITEM_QUANTITY_KEY
    return attributes | {key: quantity} if key in attributes else attributes


def _part_of(line: OrderItem, units: int, now: datetime) -> OrderItem:
    origin = line.split_from_id or line.pk
    part = copy(line)
    part.pk = None
    part.split_from_id = origin
    part.remote_id = _free_name(line, origin)
    part.quantity, part.units_used = units, 0
    part.attributes = with_quantity(line.attributes, units)
    part.created_date = part.modified_date = now
    for name in _AMOUNTS:
        total = getattr(line, name)
        if total is not None:
            setattr(part, name, units_worth(total, line.quantity, line.units_used, units))
    return part


def _free_name(line: OrderItem, origin: int) -> str:
    lines = OrderItem.objects.filter(order_id=line.order_id)
    names = dict(lines.values_list("pk", "remote_id"))
    candidates = (_numbered(names[origin], number) for number in count(1))
    return next(name for name in candidates if name not in names.values())


def _numbered(name: str, number: int) -> str:
    """Cut where the column is too short for both."""
    ending = f"/{number}"
    return name[: _LONGEST_NAME - len(ending)] + ending


def _left(line: OrderItem, part: OrderItem, name: str) -> int | None:
    total = getattr(line, name)
    return None if total is None else total - getattr(part, name)


def _divide_shares(line: OrderItem, part: OrderItem) -> None:
    """Each discount's share of the line goes over in the same measure as the whole discount."""
    shares = list(BenefitApplicant.objects.filter(order_item_id=line.pk).order_by("pk"))
    taken = split(part.discount_minor, [share.amount_minor for share in shares]) if shares else []
    for share, amount in zip(shares, taken, strict=True):
        BenefitApplicant.objects.create(
            discount_item_id=share.discount_item_id,
            order_item_id=part.pk,
            amount_minor=amount,
            created_date=part.created_date,
            modified_date=part.created_date,
        )
        share.amount_minor -= amount
    BenefitApplicant.objects.bulk_update(shares, ["amount_minor"])
