"""What an answer costs the database: exact, however long the page and however many the rows."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from takeback.accounts.models import User
from takeback.orders.order_input import DiscountIn
from tests import factories
from tests.factories import Visitor
from tests.storefront.api import look_up, post, prove, token_of
from tests.storefront.routes import GUEST_ONE, MANY, ONE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

_TRANSACTION = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")


def counted(call: Callable[[], Any]) -> tuple[int, int]:
    """How many statements read and how many write, without those that open a transaction."""
    with CaptureQueriesContext(connection) as asked:
        answer = call()
    assert answer.status_code in {200, 201, 400, 429}, answer.content
    told = [query["sql"] for query in asked.captured_queries]
    told = [sql for sql in told if not sql.startswith(_TRANSACTION)]
    reads = [sql for sql in told if sql.lstrip("(").startswith("SELECT")]
    return len(reads), len(told) - len(reads)


def shop_with(orders: int) -> User:
    """A customer with this many orders, each with lines, a discount, points and a case."""
    user = factories.make_customer()
    factories.make_company()
    for number in range(orders):
        order = factories.make_order(
            customer=user,
            number=str(number),
            items=[factories.item_in(), factories.item_in(remote_id="2")],
            discounts=[DiscountIn(name="Sale", amount_minor=100)],
        )
        factories.make_request(item=factories.items_of(order)[0])
    return user


@pytest.mark.parametrize(("orders", "limit"), [(1, 1), (12, 10), (12, 12), (30, 100)])
def test_a_page_of_orders_costs_six_reads_however_long_it_is(orders: int, limit: int) -> None:
    client = factories.client_of(shop_with(orders))

    def page() -> Any:
        answer = client.get(f"/users/orders/?limit={limit}")
        assert len(answer.json()["results"]) == min(orders, limit)
        return answer

    assert counted(page) == (6, 0)


def test_snapshots_that_are_known_cost_neither_more_nor_less_and_carriers_one_less() -> None:
    client = factories.client_of(shop_with(3))

    first, second = (counted(lambda: client.get("/users/orders/")) for _ in range(2))

    assert (first, second) == ((6, 0), (5, 0))


@pytest.mark.parametrize(
    "query", ["page=2&limit=2", "search=1", "last_month=true", "created_date__gte=2020-01-01"]
)
def test_another_page_or_a_filter_costs_the_same(query: str) -> None:
    client = factories.client_of(shop_with(5))

    assert counted(lambda: client.get(f"/users/orders/?{query}")) == (6, 0)


@pytest.mark.parametrize("page", ["", "cancellation/"])
def test_one_order_costs_six_reads(page: str) -> None:
    user = factories.make_customer()
    order = factories.make_rich_order(customer=user)
    client = factories.client_of(user)

    assert counted(lambda: client.get(f"/users/orders/{order.pk}/{page}")) == (6, 0)


def test_a_customer_without_orders_costs_three_reads() -> None:
    client = factories.client_of(factories.make_customer())

    assert counted(lambda: client.get("/users/orders/")) == (3, 0)


def test_a_guest_s_first_look_up_costs_five_reads_and_three_writes() -> None:
    factories.make_rich_order()
    client = Visitor()

    assert counted(lambda: look_up(client)) == (5, 3)


def test_a_guest_s_next_look_up_reads_the_session_and_not_the_carriers() -> None:
    factories.make_rich_order()
    client = Visitor()
    prove(client)
    token = token_of(client)

    assert counted(lambda: look_up(client, headers=token)) == (5, 3)


def test_a_failed_look_up_costs_one_read_and_two_writes() -> None:
    factories.make_order()

    assert counted(lambda: look_up(number="unknown")) == (1, 2)


@pytest.mark.parametrize("limit", ["LOOKUP_PER_MINUTE", "LOOKUP_FAILURES_PER_NUMBER"])
def test_a_refused_look_up_costs_no_read_and_two_writes(settings: Any, limit: str) -> None:
    setattr(settings, limit, 0)
    factories.make_order()

    assert counted(look_up) == (0, 2)


def test_a_proven_guest_reads_their_order_in_five_reads_while_the_carriers_are_known() -> None:
    factories.make_rich_order()
    client = Visitor()
    (found,) = prove(client).json()

    assert counted(lambda: client.get(f"/users/orders/{found['id']}/")) == (5, 0)


@pytest.mark.parametrize("rows", [1, 10, 100])
def test_reasons_cost_one_read_and_two_when_they_fill_the_page(rows: int) -> None:
    factories.make_channel()
    for number in range(rows):
        factories.make_reason(subject=f"reason {number}")

    expected = (1, 0) if rows < 100 else (2, 0)
    assert counted(lambda: Visitor().get("/users/orders/cancellation_reasons/")) == expected


@pytest.mark.parametrize("rows", [1, 10, 25])
def test_own_requests_cost_three_reads(rows: int) -> None:
    client = factories.client_of(shop_with(rows))

    path = f"/users/orders/cancellation_requests/?limit={rows}"
    assert counted(lambda: client.get(path)) == (3, 0)


@pytest.mark.parametrize("rows", [1, 10, 100])
def test_old_orders_cost_four_reads(rows: int) -> None:
    user = factories.make_customer()
    for number in range(rows):
        factories.make_old_order(customer=user, number=str(number), lines=2)
    client = factories.client_of(user)

    assert counted(lambda: client.get(f"/users/old-orders/?limit={rows}")) == (4, 0)


def test_one_old_order_costs_three_reads() -> None:
    user = factories.make_customer()
    old = factories.make_old_order(customer=user, lines=3)
    client = factories.client_of(user)

    assert counted(lambda: client.get(f"/users/old-orders/{old.pk}/")) == (3, 0)


@pytest.mark.parametrize("rows", [1, 10, 100])
@pytest.mark.parametrize("path", ["/address/", "/address/detailed/"])
def test_an_address_book_costs_three_reads(path: str, rows: int) -> None:
    user = factories.make_customer()
    for number in range(rows):
        factories.make_address(user=user, line=f"Street {number}")
    client = factories.client_of(user)

    assert counted(lambda: client.get(path)) == (3, 0)


def test_the_account_costs_one_read_and_a_token_none() -> None:
    client = factories.client_of(factories.make_customer())

    assert counted(lambda: client.get("/current_user/")) == (1, 0)
    assert counted(lambda: client.get("/csrf_token/")) == (0, 0)


def lines(count: int, **fields: Any) -> list[Any]:
    """As many lines of one order."""
    return [
        factories.item_in(remote_id=str(number), quantity=2, **fields) for number in range(count)
    ]


def asked(order: Any, **fields: Any) -> list[dict[str, Any]]:
    """Asks for all lines of an order."""
    told = {"reason": factories.make_reason().pk, "cancellation_type": "cancel"} | fields
    return [told | {"order_item": item.pk} for item in factories.items_of(order)]


def returned(order: Any, **fields: Any) -> list[dict[str, Any]]:
    """The same for lines that come back with a carrier."""
    carrier = factories.make_company(needs_pickup=True).pk
    told = {"cancellation_type": "refund", "shipping_company": carrier}
    return asked(order, **told | fields)


def test_asking_for_a_cancellation_costs_five_reads_and_four_writes() -> None:
    user = factories.make_customer()
    [body] = asked(factories.make_order(customer=user))
    client = factories.client_of(user)
    token = token_of(client)

    assert counted(lambda: post(client, ONE, body, headers=token)) == (5, 4)


def test_asking_for_a_pickup_costs_seven_reads_and_five_writes() -> None:
    user = factories.make_customer()
    order = factories.make_order(customer=user, items=lines(1, status=550))
    [body] = returned(order, pickup_address=factories.make_address(user=user).pk)
    client = factories.client_of(user)
    token = token_of(client)

    assert counted(lambda: post(client, ONE, body, headers=token)) == (7, 5)


@pytest.mark.parametrize("count", [3, 30])
def test_asking_for_many_costs_the_same_however_many_they_are(count: int) -> None:
    user = factories.make_customer()
    order = factories.make_order(customer=user, items=lines(count, status=550))
    address = factories.make_address(user=user).pk
    client = factories.client_of(user)
    token = token_of(client)
    body = {"cancel_order_items": returned(order), "pickup_address": address}

    assert counted(lambda: post(client, MANY, body, headers=token)) == (7, 5)


@pytest.mark.parametrize("count", [1, 3, 10])
@pytest.mark.parametrize(("units", "cost"), [(2, (13, 9)), (1, (15, 15))], ids=["whole", "part"])
def test_a_direct_cancel_writes_but_one_row_more_for_each_line(
    units: int, cost: tuple[int, int], count: int
) -> None:
    user = factories.make_customer()
    order = factories.make_order(
        customer=user, items=lines(count), discounts=[DiscountIn(name="a", amount_minor=100)]
    )
    client = factories.client_of(user)
    headers = token_of(client)
    if units == 1:
        # Parts are confirmed at once under a key only: it is looked for, on PostgreSQL locked
        # first, and kept with its answer.
        headers |= {"Idempotency-Key": "1"}
        cost = cost[0] + (2 if connection.vendor == "postgresql" else 1), cost[1] + 1
    body = {"cancel_order_items": asked(order, quantity=units)}

    reads, writes = counted(
        lambda: post(client, f"/orders/{order.pk}/cancel/", body, headers=headers)
    )

    assert (reads, writes - count) == cost


def test_a_guest_who_names_the_order_costs_five_reads_and_five_writes() -> None:
    [body] = asked(factories.make_order())
    body |= {"number": factories.NUMBER, "email": factories.GUEST}

    assert counted(lambda: post(Visitor(), GUEST_ONE, body)) == (5, 5)


def test_a_guest_who_names_the_order_and_a_carrier_costs_six_reads_and_six_writes() -> None:
    order = factories.make_order(items=lines(1, status=550))
    [body] = returned(order, pickup_address=order.shipping_address_id)
    body |= {"number": factories.NUMBER, "email": factories.GUEST}

    assert counted(lambda: post(Visitor(), GUEST_ONE, body)) == (6, 6)


def test_a_guest_with_a_proof_costs_five_reads_and_four_writes() -> None:
    [body] = asked(factories.make_order())
    client = Visitor()
    prove(client)
    token = token_of(client)

    assert counted(lambda: post(client, GUEST_ONE, body, headers=token)) == (5, 4)
