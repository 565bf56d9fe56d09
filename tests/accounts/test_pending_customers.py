"""A pending customer does not exist for channels, imports and look-ups."""

from typing import Any

import pytest

from takeback.accounts.customer_input import CustomerIn
from takeback.accounts.customers import get_or_create_customers
from takeback.accounts.models import User
from takeback.api.order_payload.references import find_address, find_customer
from takeback.importer.queries import user_ids
from takeback.orders.models import Order
from tests import factories
from tests.channel import shop
from tests.storefront.api import nothing_written, post

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("each test sends several commands"),
]
EMAIL = "zeynep@example.com"


@pytest.fixture
def pending() -> User:
    """A pending customer, with a code that only a channel could have given."""
    return factories.create_customer(
        email=EMAIL, user_type=User.PENDING, phone="05321112233", channel_code="C-1"
    )


def api() -> Any:
    """A system with all scopes."""
    return shop.client(shop.key(scopes=("read", "decide", "pii")))


def test_channel_lists_and_shows_no_pending_customer(pending: User) -> None:
    path = "/api/v1/channel/1/customers/"
    client = api()
    assert client.get(path).json()["results"] == []
    assert client.get(path, {"email": EMAIL}).json()["count"] == 0
    assert client.get(f"{path}{pending.pk}/").status_code == 404
    with nothing_written():
        response = client.patch(
            f"{path}{pending.pk}/", {"first_name": "X"}, content_type="application/json"
        )
    assert response.status_code == 404


def test_channel_sees_no_address_of_a_pending_customer(pending: User) -> None:
    address = factories.create_address(user=pending)
    client = api()
    assert client.get("/api/v1/channel/1/addresses/").json()["results"] == []
    assert client.get(f"/api/v1/channel/1/addresses/{address.pk}/").status_code == 404
    assert find_address(factories.SHOP, address.pk) is None


@pytest.mark.parametrize("kind", ["registered", "guest"])
def test_channel_adds_a_customer_of_the_same_address(kind: str, pending: User) -> None:
    body = {"email": EMAIL, "user_type": kind}
    response = post(api(), "/api/v1/channel/1/customers/", body)
    assert response.status_code == 201
    assert response.json()["pk"] != pending.pk


@pytest.mark.parametrize("kind", ["registered", "guest"])
def test_orders_are_never_matched_with_a_pending_customer(kind: str, pending: User) -> None:
    customer = CustomerIn(email=EMAIL, user_type=kind)
    assert user_ids(factories.SHOP, [customer]) == {}
    (user_id,) = get_or_create_customers(factories.SHOP, [customer]).values()
    assert user_id != pending.pk
    factories.create_order(guest=EMAIL)
    assert not Order.objects.filter(user=pending).exists()


def test_order_payload_cannot_name_a_pending_customer(pending: User) -> None:
    assert find_customer(factories.SHOP, pending.pk) is None
