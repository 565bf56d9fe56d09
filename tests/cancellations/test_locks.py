"""Whose orders an ask may lock: nobody waits for a stranger's, or can hold it up (P20)."""

from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection

from takeback.cancellations import errors
from takeback.cancellations.commands.open import open_case
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.statuses import Kind
from takeback.core.actor import Actor, ActorKind
from takeback.orders.models import Order
from takeback.orders.scope import OrderScope
from tests import factories
from tests.cancellations.cases import refused

pytestmark = pytest.mark.django_db(transaction=True)

OTHER = 2
CUSTOMER = Actor(ActorKind.CUSTOMER, 1)


@pytest.fixture
def held() -> Iterator[Order]:
    """A stranger's order, which somebody else has locked."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets one writer in at a time, whoever's order it is about")
    order = factories.create_order(
        number="held", customer=factories.create_customer(email="b@example.com")
    )
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '1s'")
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("SELECT FROM orders_order WHERE id = %s FOR UPDATE", [order.pk])
        yield order
    connection.close()


@pytest.mark.parametrize("whose", ["a customer", "a guest", "a channel"])
def test_an_order_of_strangers_is_not_waited_for(whose: str, held: Order) -> None:
    user = factories.create_customer()
    own = factories.create_order(number="own", customer=user)
    factories.create_channel(pk=OTHER)
    scope = {
        "a customer": OrderScope(factories.SHOP, user_id=user.pk),
        "a guest": OrderScope(factories.SHOP, order_ids=frozenset({own.pk})),
        "a channel": OrderScope(OTHER),
    }[whose]
    ask = NewCase(
        order_item=factories.items_of(held)[0].pk,
        kind=Kind.CANCEL,
        reason=factories.create_reason().pk,
    )

    with refused(errors.UNKNOWN_ITEM):
        open_case(ask, scope, actor=CUSTOMER, now=factories.NOW)
