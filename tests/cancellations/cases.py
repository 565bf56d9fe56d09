"""Cases for tests: asked for in as few words as a test needs, and refused without a trace."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from takeback.cancellations.asks import Ask, Scope
from takeback.cancellations.commands import open_request
from takeback.cancellations.states import Kind
from takeback.core.actor import Actor, ActorKind
from takeback.core.problems import Problem, Refused
from takeback.orders.models import OrderItem
from takeback.orders.states import Status
from tests import make
from tests.storefront.wire import nothing_written

LATER = make.NOW + timedelta(hours=1)
SCOPE = Scope(make.SHOP)
STAFF, CUSTOMER = Actor(ActorKind.STAFF, 1), Actor(ActorKind.CUSTOMER, 2)


def asked(item: OrderItem, **fields: Any) -> Ask:
    """Somebody asks for this line to be cancelled, unless told otherwise."""
    kind = fields.setdefault("kind", Kind.CANCEL)
    fields.setdefault("reason", make.make_reason(kind=kind).pk)
    return Ask(order_item=item.pk, **fields)


def opened(item: OrderItem, **fields: Any) -> int:
    """A case on this line."""
    return open_request(asked(item, **fields), SCOPE, actor=CUSTOMER, now=make.NOW)


def delivered(**fields: Any) -> OrderItem:
    """A line that can be sent back."""
    told = {"status": Status.DELIVERED, "delivered_date": make.NOW}
    return make.items_of(make.make_order(items=[make.item_in(**told | fields)]))[0]


@contextmanager
def refused(problem: Problem) -> Iterator[None]:
    """What happens inside is refused for this reason, and nothing is written."""
    with nothing_written(), pytest.raises(Refused) as found:
        yield
    assert found.value.problem is problem
