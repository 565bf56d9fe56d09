"""The exact number of queries per request, for any number of rows."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from takeback.accounts.models import User
from takeback.orders.order_input import DiscountIn
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import look_up, post, token_of, verify_order
from tests.storefront.routes import GUEST_OPEN_CASE, OPEN_CASE, OPEN_CASES

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

_TRANSACTION = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")


def query_counts(send: Callable[[], Any]) -> tuple[int, int]:
    """The numbers of reading and of writing statements, without transaction control."""
    with CaptureQueriesContext(connection) as queries:
        response = send()
    assert response.status_code in {200, 201, 400, 429}, response.content
    statements = [query["sql"] for query in queries.captured_queries]
    statements = [sql for sql in statements if not sql.startswith(_TRANSACTION)]
    reads = [sql for sql in statements if sql.lstrip("(").startswith("SELECT")]
    return len(reads), len(statements) - len(reads)


def customer_with(orders: int) -> User:
    """A customer with this many orders, each with items, a discount and a case."""
    user = factories.create_customer()
    factories.create_carrier()
    for number in range(orders):
        order = factories.create_order(
            customer=user,
            number=str(number),
            items=[factories.item_input(), factories.item_input(remote_id="2")],
            discounts=[DiscountIn(name="Sale", amount_minor=100)],
        )
        factories.create_case(item=factories.items_of(order)[0])
    return user


@pytest.mark.parametrize(("orders", "limit"), [(1, 1), (12, 10), (12, 12), (30, 100)])
def test_page_of_orders_takes_six_reads_for_any_length(orders: int, limit: int) -> None:
    client = factories.client_of(customer_with(orders))

    def page() -> Any:
        response = client.get(f"/users/orders/?limit={limit}")
        assert len(response.json()["results"]) == min(orders, limit)
        return response

    assert query_counts(page) == (6, 0)


def test_cached_carriers_save_one_read() -> None:
    client = factories.client_of(customer_with(3))

    first, second = (query_counts(lambda: client.get("/users/orders/")) for _ in range(2))

    assert (first, second) == ((6, 0), (5, 0))


@pytest.mark.parametrize(
    "query", ["page=2&limit=2", "search=1", "last_month=true", "created_date__gte=2020-01-01"]
)
def test_pages_and_filters_take_six_reads(query: str) -> None:
    client = factories.client_of(customer_with(5))

    assert query_counts(lambda: client.get(f"/users/orders/?{query}")) == (6, 0)


@pytest.mark.parametrize("page", ["", "cancellation/"])
def test_order_takes_six_reads(page: str) -> None:
    user = factories.create_customer()
    order = factories.create_full_order(customer=user)
    client = factories.client_of(user)

    assert query_counts(lambda: client.get(f"/users/orders/{order.pk}/{page}")) == (6, 0)


def test_customer_without_orders_takes_three_reads() -> None:
    client = factories.client_of(factories.create_customer())

    assert query_counts(lambda: client.get("/users/orders/")) == (3, 0)


def test_first_look_up_takes_five_reads_and_three_writes() -> None:
    factories.create_full_order()
    client = HttpClient()

    assert query_counts(lambda: look_up(client)) == (5, 3)


def test_next_look_up_reads_the_session_and_not_the_carriers() -> None:
    factories.create_full_order()
    client = HttpClient()
    verify_order(client)
    token = token_of(client)

    assert query_counts(lambda: look_up(client, headers=token)) == (5, 3)


def test_failed_look_up_takes_one_read_and_two_writes() -> None:
    factories.create_order()

    assert query_counts(lambda: look_up(number="unknown")) == (1, 2)


@pytest.mark.parametrize("limit", ["LOOKUP_PER_MINUTE", "LOOKUP_FAILURES_PER_NUMBER"])
def test_refused_look_up_takes_two_writes(settings: Any, limit: str) -> None:
    setattr(settings, limit, 0)
    factories.create_order()

    assert query_counts(look_up) == (0, 2)


def test_verified_guest_reads_the_order_with_five_reads() -> None:
    factories.create_full_order()
    client = HttpClient()
    (order,) = verify_order(client).json()

    assert query_counts(lambda: client.get(f"/users/orders/{order['id']}/")) == (5, 0)


@pytest.mark.parametrize("rows", [1, 10, 100])
def test_reasons_take_one_read_or_two_for_a_full_page(rows: int) -> None:
    factories.create_channel()
    for number in range(rows):
        factories.create_reason(subject=f"reason {number}")

    expected = (1, 0) if rows < 100 else (2, 0)
    assert query_counts(lambda: HttpClient().get("/users/orders/cancellation_reasons/")) == expected


@pytest.mark.parametrize("rows", [1, 10, 25])
def test_own_cases_take_three_reads(rows: int) -> None:
    client = factories.client_of(customer_with(rows))

    path = f"/users/orders/cancellation_requests/?limit={rows}"
    assert query_counts(lambda: client.get(path)) == (3, 0)


@pytest.mark.parametrize("rows", [1, 10, 100])
def test_old_orders_take_four_reads(rows: int) -> None:
    user = factories.create_customer()
    for number in range(rows):
        factories.create_old_order(customer=user, number=str(number), items=2)
    client = factories.client_of(user)

    assert query_counts(lambda: client.get(f"/users/old-orders/?limit={rows}")) == (4, 0)


def test_old_order_takes_three_reads() -> None:
    user = factories.create_customer()
    old = factories.create_old_order(customer=user, items=3)
    client = factories.client_of(user)

    assert query_counts(lambda: client.get(f"/users/old-orders/{old.pk}/")) == (3, 0)


@pytest.mark.parametrize("rows", [1, 10, 100])
@pytest.mark.parametrize("path", ["/address/", "/address/detailed/"])
def test_address_book_takes_three_reads(path: str, rows: int) -> None:
    user = factories.create_customer()
    for number in range(rows):
        factories.create_address(user=user, line=f"Street {number}")
    client = factories.client_of(user)

    assert query_counts(lambda: client.get(path)) == (3, 0)


def test_account_takes_one_read_and_token_none() -> None:
    client = factories.client_of(factories.create_customer())

    assert query_counts(lambda: client.get("/current_user/")) == (1, 0)
    assert query_counts(lambda: client.get("/csrf_token/")) == (0, 0)


def items_in(count: int, **fields: Any) -> list[Any]:
    """Inputs of this many items of one order."""
    return [
        factories.item_input(remote_id=str(number), quantity=2, **fields) for number in range(count)
    ]


def item_bodies(order: Any, **fields: Any) -> list[dict[str, Any]]:
    """The bodies of cancellations of all items of an order."""
    shared = {"reason": factories.create_reason().pk, "cancellation_type": "cancel"} | fields
    return [shared | {"order_item": item.pk} for item in factories.items_of(order)]


def return_bodies(order: Any, **fields: Any) -> list[dict[str, Any]]:
    """The bodies of returns with a carrier that picks up."""
    carrier = factories.create_carrier(needs_pickup=True).pk
    shared = {"cancellation_type": "refund", "shipping_company": carrier}
    return item_bodies(order, **shared | fields)


def test_cancellation_takes_five_reads_and_four_writes() -> None:
    user = factories.create_customer()
    [body] = item_bodies(factories.create_order(customer=user))
    client = factories.client_of(user)
    token = token_of(client)

    assert query_counts(lambda: post(client, OPEN_CASE, body, headers=token)) == (5, 4)


def test_pickup_takes_seven_reads_and_five_writes() -> None:
    user = factories.create_customer()
    order = factories.create_order(customer=user, items=items_in(1, status=550))
    [body] = return_bodies(order, pickup_address=factories.create_address(user=user).pk)
    client = factories.client_of(user)
    token = token_of(client)

    assert query_counts(lambda: post(client, OPEN_CASE, body, headers=token)) == (7, 5)


@pytest.mark.parametrize("count", [3, 30])
def test_bulk_request_takes_the_same_queries_for_any_length(count: int) -> None:
    user = factories.create_customer()
    order = factories.create_order(customer=user, items=items_in(count, status=550))
    address = factories.create_address(user=user).pk
    client = factories.client_of(user)
    token = token_of(client)
    body = {"cancel_order_items": return_bodies(order), "pickup_address": address}

    assert query_counts(lambda: post(client, OPEN_CASES, body, headers=token)) == (7, 5)


@pytest.mark.parametrize("count", [1, 3, 10])
@pytest.mark.parametrize(("units", "cost"), [(2, (16, 9)), (1, (18, 15))], ids=["whole", "part"])
def test_cancel_order_writes_one_more_row_per_item(
    units: int, cost: tuple[int, int], count: int
) -> None:
    user = factories.create_customer()
    order = factories.create_order(
        customer=user, items=items_in(count), discounts=[DiscountIn(name="a", amount_minor=100)]
    )
    client = factories.client_of(user)
    headers = token_of(client)
    if units == 1:
        # Parts of items need a key: one read finds it, one write stores it, and PostgreSQL locks
        # it first.
        headers |= {"Idempotency-Key": "1"}
        cost = cost[0] + (2 if connection.vendor == "postgresql" else 1), cost[1] + 1
    body = {"cancel_order_items": item_bodies(order, quantity=units)}

    reads, writes = query_counts(
        lambda: post(client, f"/orders/{order.pk}/cancel/", body, headers=headers)
    )

    assert (reads, writes - count) == cost


def test_guest_with_number_takes_five_reads_and_five_writes() -> None:
    [body] = item_bodies(factories.create_order())
    body |= {"number": factories.NUMBER, "email": factories.GUEST}

    assert query_counts(lambda: post(HttpClient(), GUEST_OPEN_CASE, body)) == (5, 5)


def test_guest_with_number_and_carrier_takes_six_reads_and_six_writes() -> None:
    order = factories.create_order(items=items_in(1, status=550))
    [body] = return_bodies(order, pickup_address=order.shipping_address_id)
    body |= {"number": factories.NUMBER, "email": factories.GUEST}

    assert query_counts(lambda: post(HttpClient(), GUEST_OPEN_CASE, body)) == (6, 6)


def test_verified_guest_takes_five_reads_and_four_writes() -> None:
    [body] = item_bodies(factories.create_order())
    client = HttpClient()
    verify_order(client)
    token = token_of(client)

    assert query_counts(lambda: post(client, GUEST_OPEN_CASE, body, headers=token)) == (5, 4)
