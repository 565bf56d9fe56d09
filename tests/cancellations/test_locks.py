"""Whose orders an ask may lock: nobody waits for a stranger's, or can hold it up (P20)."""

from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection

from takeback.cancellations import errors
from takeback.cancellations.asks import Ask, Scope
from takeback.cancellations.commands import open_request
from takeback.cancellations.states import Kind
from takeback.core.actor import Actor, ActorKind
from takeback.orders.models import Order
from tests import make
from tests.cancellations.cases import refused

pytestmark = pytest.mark.django_db(transaction=True)

OTHER = 2
CUSTOMER = Actor(ActorKind.CUSTOMER, 1)


@pytest.fixture
def held() -> Iterator[Order]:
    """A stranger's order, which somebody else has locked."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets one writer in at a time, whoever's order it is about")
    order = make.make_order(number="held", customer=make.make_customer(email="b@example.com"))
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '1s'")
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("SELECT FROM orders_order WHERE id = %s FOR UPDATE", [order.pk])
        yield order
    connection.close()


@pytest.mark.parametrize("whose", ["a customer", "a guest", "a channel"])
def test_an_order_of_strangers_is_not_waited_for(whose: str, held: Order) -> None:
    user = make.make_customer()
    own = make.make_order(number="own", customer=user)
    make.make_channel(pk=OTHER)
    scope = {
        "a customer": Scope(make.SHOP, user_id=user.pk),
        "a guest": Scope(make.SHOP, order_ids=frozenset({own.pk})),
        "a channel": Scope(OTHER),
    }[whose]
    ask = Ask(order_item=make.items_of(held)[0].pk, kind=Kind.CANCEL, reason=make.make_reason().pk)

    with refused(errors.UNKNOWN_ITEM):
        open_request(ask, scope, actor=CUSTOMER, now=make.NOW)
