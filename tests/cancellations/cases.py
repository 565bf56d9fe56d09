"""Cases for tests: asked for in as few words as a test needs, and refused without a trace."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from takeback.cancellations.commands.open import open_case
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.statuses import Kind
from takeback.core.actor import Actor, ActorKind
from takeback.core.errors import Problem, Refused
from takeback.orders.models import OrderItem
from takeback.orders.scope import OrderScope
from takeback.orders.statuses import Status
from tests import factories
from tests.storefront.api import nothing_written

LATER = factories.NOW + timedelta(hours=1)
SCOPE = OrderScope(factories.SHOP)
STAFF, CUSTOMER = Actor(ActorKind.STAFF, 1), Actor(ActorKind.CUSTOMER, 2)


def asked(item: OrderItem, **fields: Any) -> NewCase:
    """Somebody asks for this line to be cancelled, unless told otherwise."""
    kind = fields.setdefault("kind", Kind.CANCEL)
    fields.setdefault("reason", factories.create_reason(kind=kind).pk)
    return NewCase(order_item=item.pk, **fields)


def opened(item: OrderItem, **fields: Any) -> int:
    """A case on this line."""
    return open_case(asked(item, **fields), SCOPE, actor=CUSTOMER, now=factories.NOW)


def delivered(**fields: Any) -> OrderItem:
    """A line that can be sent back."""
    told = {"status": Status.DELIVERED, "delivered_date": factories.NOW}
    return factories.items_of(
        factories.create_order(items=[factories.item_input(**told | fields)])
    )[0]


@contextmanager
def refused(problem: Problem) -> Iterator[None]:
    """What happens inside is refused for this reason, and nothing is written."""
    with nothing_written(), pytest.raises(Refused) as found:
        yield
    assert found.value.problem is problem
