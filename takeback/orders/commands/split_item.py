"""Setting units of a line apart, so that something can happen to them alone (domain D.4)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from copy import copy
from datetime import datetime
from itertools import chain, count
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


def split_items(wanted: Sequence[tuple[OrderItem, int]], *, now: datetime) -> dict[int, OrderItem]:
    """Make lines of their own of the next units of lines; the new ones by the old ones' ids.

    A new line is worth exactly what its units were worth, the old one keeps the rest: the
    first units of a line are the heavier ones, and stay so in both. The caller holds the
    orders' locks and has read the lines under them. Units that are used, or not there, are
    refused by the database.
    """
    if not wanted:
        return {}
    orders = Order.objects.filter(pk__in={line.order_id for line, _ in wanted})
    parts = _parts(wanted, now)
    orders.update(is_finalized=False)
    OrderItem.objects.bulk_create(parts.values())
    _divide_shares(parts)
    lines = [line for line, _ in wanted]
    for line in lines:
        _leave_rest(line, parts[line.pk])
    OrderItem.objects.bulk_update(lines, ["quantity", "attributes", "modified_date", *_AMOUNTS])
    # Sealing adds everything up again.
    orders.update(is_finalized=True, modified_date=now)
    return parts


def with_quantity(attributes: dict[str, Any], quantity: int) -> dict[str, Any]:
    """The attributes of a line; those of a merged line say how many units it stands for."""
    key = settings.ORDER_ITEM_QUANTITY_KEY
    return attributes | {key: quantity} if key in attributes else attributes


def _parts(wanted: Sequence[tuple[OrderItem, int]], now: datetime) -> dict[int, OrderItem]:
    siblings = OrderItem.objects.filter(order_id__in={line.order_id for line, _ in wanted})
    found = list(siblings.values_list("pk", "order_id", "remote_id"))
    names = {pk: name for pk, _, name in found}
    taken = {(order_id, name) for _, order_id, name in found}
    parts = {}
    for line, units in wanted:
        part = parts[line.pk] = _part_of(line, units, now)
        origin = names[line.split_from_id or line.pk]
        candidates = (_numbered(origin, number) for number in count(1))
        part.remote_id = next(name for name in candidates if (part.order_id, name) not in taken)
        taken.add((part.order_id, part.remote_id))
    return parts


def _part_of(line: OrderItem, units: int, now: datetime) -> OrderItem:
    part = copy(line)
    part.pk = None
    part.split_from_id = line.split_from_id or line.pk
    part.quantity, part.units_closed = units, 0
    part.attributes = with_quantity(line.attributes, units)
    part.created_date = part.modified_date = now
    for name in _AMOUNTS:
        total = getattr(line, name)
        if total is not None:
            setattr(part, name, units_worth(total, line.quantity, line.units_closed, units))
    return part


def _leave_rest(line: OrderItem, part: OrderItem) -> None:
    line.quantity -= part.quantity
    line.attributes = with_quantity(line.attributes, line.quantity)
    line.modified_date = part.modified_date
    for name in _AMOUNTS:
        total = getattr(line, name)
        if total is not None:
            setattr(line, name, total - getattr(part, name))


def _numbered(name: str, number: int) -> str:
    """Cut where the column is too short for both."""
    ending = f"/{number}"
    return name[: _LONGEST_NAME - len(ending)] + ending


def _divide_shares(parts: Mapping[int, OrderItem]) -> None:
    """Each discount's share of a line goes over in the same measure as the whole discount."""
    shares: dict[int, list[BenefitApplicant]] = defaultdict(list)
    for share in BenefitApplicant.objects.filter(order_item_id__in=parts).order_by("pk"):
        shares[share.order_item_id].append(share)
    taken = []
    for item_id, kept in shares.items():
        part = parts[item_id]
        amounts = split(part.discount_minor, [share.amount_minor for share in kept])
        for share, amount in zip(kept, amounts, strict=True):
            taken.append(
                BenefitApplicant(
                    discount_item_id=share.discount_item_id,
                    order_item_id=part.pk,
                    amount_minor=amount,
                    created_date=part.created_date,
                    modified_date=part.created_date,
                )
            )
            share.amount_minor -= amount
    BenefitApplicant.objects.bulk_create(taken)
    BenefitApplicant.objects.bulk_update(chain.from_iterable(shares.values()), ["amount_minor"])
