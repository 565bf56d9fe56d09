"""Corrects when an item was shipped or delivered: the first date counts until staff change it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from takeback.core.actor import Actor
from takeback.core.db.change_time import ChangeTime
from takeback.core.errors import NOT_FOUND, Refused
from takeback.core.ids import ItemId
from takeback.orders.fulfilment_dates import DATES, date_problem
from takeback.orders.locks import lock_orders_of
from takeback.orders.models import DateCorrection, Order, OrderItem
from takeback.orders.scope import OrderScope


@transaction.atomic
def correct_dates(
    item_id: ItemId,
    dates: Mapping[str, datetime],
    scope: OrderScope,
    *,
    note: str,
    actor: Actor,
    now: datetime,
) -> None:
    """Set dates of an item, by column, and record each change with the note.

    Raises Refused: NOT_FOUND for an item outside the scope, and for a date in the future or long
    before the order, with its column as the field.
    """
    lock_orders_of([item_id])
    item = OrderItem.objects.select_related("order").filter(pk=item_id).first()
    if item is None or not scope.covers(item.order):
        raise Refused(NOT_FOUND)
    changed = _changed(item, dates, now)
    if not changed:
        return
    DateCorrection.objects.bulk_create(
        DateCorrection(
            order_item=item,
            column=column,
            before=getattr(item, column),
            after=date,
            note=note,
            actor_kind=actor.kind.value,
            actor_number=actor.number,
            at=now,
        )
        for column, date in changed.items()
    )
    OrderItem.objects.filter(pk=item_id).update(**changed, modified_date=now)
    Order.objects.filter(pk=item.order_id).update(fingerprint="", modified_date=ChangeTime())


def _changed(item: OrderItem, dates: Mapping[str, datetime], now: datetime) -> dict[str, datetime]:
    """The dates that differ from the stored ones; `Refused` for one that cannot be."""
    for column, date in dates.items():
        if problem := date_problem(date, placed_at=item.order.placed_at, now=now):
            raise Refused(replace(problem, field=column), order_item=item.pk)
    return {
        column: dates[column]
        for column in DATES
        if column in dates and dates[column] != getattr(item, column)
    }
