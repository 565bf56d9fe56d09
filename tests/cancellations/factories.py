"""Factories of cases, and the actors, scope and times of their tests."""

from datetime import timedelta
from typing import Any

from takeback.cancellations.commands.open import open_cases
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.statuses import Kind
from takeback.core.actor import Actor, ActorKind
from takeback.core.ids import CaseId, ItemId
from takeback.orders.models import OrderItem
from takeback.orders.scope import OrderScope
from takeback.orders.statuses import Status
from tests import factories

LATER = factories.NOW + timedelta(hours=1)
SCOPE = OrderScope(factories.SHOP)
STAFF, CUSTOMER = Actor(ActorKind.STAFF, 1), Actor(ActorKind.CUSTOMER, 2)


def order_items(*items: dict[str, Any], **fields: Any) -> list[OrderItem]:
    """The items of a new order; by default a single one that can be cancelled."""
    inputs = [
        factories.item_input(remote_id=str(number), **values)
        for number, values in enumerate(items or ({},), 1)
    ]
    return factories.items_of(factories.create_order(items=inputs, **fields))


def delivered_item(**fields: Any) -> OrderItem:
    """An item that can be returned."""
    values = {"status": Status.DELIVERED, "delivered_date": factories.NOW} | fields
    return order_items(values)[0]


def new_case(item: OrderItem, **fields: Any) -> NewCase:
    """A case for an item, a cancellation by default."""
    values = {"kind": Kind.CANCEL} | fields
    if "reason" not in fields:
        values["reason"] = factories.create_reason(kind=values["kind"]).pk
    return NewCase(order_item=ItemId(item.pk), **values)


def open_case(item: OrderItem, **fields: Any) -> CaseId:
    """A case that a customer has opened."""
    new = new_case(item, **fields)
    [case_id] = open_cases([new], SCOPE, actor=CUSTOMER, now=factories.NOW)
    return case_id
