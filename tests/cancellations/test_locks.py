"""Orders that a new case locks: never those outside its scope (P20)."""

from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection

from takeback.cancellations import errors
from takeback.cancellations.commands.open import open_cases
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.statuses import Kind
from takeback.core.ids import ItemId
from takeback.orders.models import Order
from takeback.orders.scope import OrderScope
from tests import factories
from tests.cancellations.factories import CUSTOMER
from tests.refusals import refused

pytestmark = pytest.mark.django_db(transaction=True)

OTHER = 2


@pytest.fixture
def locked_order() -> Iterator[Order]:
    """An order of another customer that another connection has locked."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time for all orders")
    order = factories.create_order(
        number="locked", customer=factories.create_customer(email="b@example.com")
    )
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '1s'")
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("SELECT FROM orders_order WHERE id = %s FOR UPDATE", [order.pk])
        yield order
    connection.close()


@pytest.mark.parametrize("requester", ["a customer", "a guest", "a channel"])
def test_case_outside_the_scope_does_not_wait_for_the_lock(
    requester: str, locked_order: Order
) -> None:
    user = factories.create_customer()
    own = factories.create_order(number="own", customer=user)
    factories.create_channel(pk=OTHER)
    scope = {
        "a customer": OrderScope(factories.SHOP, user_id=user.pk),
        "a guest": OrderScope(factories.SHOP, order_ids=frozenset({own.pk})),
        "a channel": OrderScope(OTHER),
    }[requester]
    new = NewCase(
        order_item=ItemId(factories.items_of(locked_order)[0].pk),
        kind=Kind.CANCEL,
        reason=factories.create_reason().pk,
    )

    with refused(errors.UNKNOWN_ITEM):
        open_cases([new], scope, actor=CUSTOMER, now=factories.NOW)
