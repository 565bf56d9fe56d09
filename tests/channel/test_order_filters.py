"""Filters of orders and items, in one channel or in all channels of a key."""

from datetime import timedelta
from typing import Any

import pytest
import zeal
from django.db import connection
from django.test.utils import CaptureQueriesContext

from takeback.orders.models import Order
from tests import factories
from tests.channel import shop

pytestmark = pytest.mark.django_db

ORDERS = "/api/v1/channel/1/orders/"
ITEMS = "/api/v1/channel/1/order_items/"
ABSENT = {"detail": "Not found.", "code": "not_found"}


def _numbers(path: str, query: dict[str, Any], caller: Any = None) -> list[str]:
    with zeal.zeal_context():
        response = (caller or shop.client()).get(path, query)
    assert response.status_code == 200, response.content
    return [order["number"] for order in response.json()["results"]]


def _three() -> list[int]:
    """Orders A, B and C, placed and changed on three days; B waits for its cancellation."""
    ids = []
    for day, number in enumerate("ABC"):
        moment = factories.NOW + timedelta(days=day)
        order = factories.create_order(number=number, placed_at=moment, status=400 + 50 * day)
        changes: dict[str, Any] = {"modified_date": moment, "created_date": moment}
        if number == "B":
            changes |= {"cancel_status": "waiting"}
        Order.objects.filter(pk=order.pk).update(**changes)
        ids.append(order.pk)
    return ids


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({"cancel_status": "waiting"}, ["B"]),
        ({"cancel_status": "wait"}, []),
        ({"status": "450"}, ["B"]),
        ({"status": "shipped"}, ["C"]),
        ({"status": "100"}, []),
        ({"date_placed__gte": "2026-03-11T12:00:00Z"}, ["C", "B"]),
        ({"date_placed__gt": "2026-03-11T12:00:00Z"}, ["C"]),
        ({"date_placed__lt": "2026-03-11"}, ["A"]),
        ({"date_placed__lte": "2026-03-11T15:00:00+03:00"}, ["B", "A"]),
        ({"created_date__gt": "2026-03-11T12:00:00Z"}, ["C"]),
        ({"modified_date__lt": "2026-03-11T12:00:00Z"}, ["A"]),
        ({"number": "B", "status": "400"}, []),
        ({"pk__in": "8,7777777"}, []),
        ({"date_placed": "x", "ordering": "number", "customer": "1"}, ["C", "B", "A"]),
    ],
)
def test_orders_are_filtered_by_status_and_dates(query: dict[str, str], numbers: list[str]) -> None:
    _three()

    assert _numbers(ORDERS, query) == numbers
    assert _numbers("/api/i1/orders/", query) == numbers


def test_orders_are_filtered_by_ids() -> None:
    first, _, third = _three()

    assert _numbers(ORDERS, {"pk__in": f"{first}, {third}"}) == ["C", "A"]


@pytest.mark.parametrize(
    "query",
    [
        {"status": "999"},
        {"status": "evil"},
        {"status": "400\x00"},
        {"cancel_status": "\x00"},
        {"date_placed__gte": "yesterday"},
        {"modified_date__lt": "2026-13-01"},
        {"created_date__gte": "9" * 50},
        {"pk__in": "1,x"},
        {"pk__in": "1" * 30},
        {"pk__in": ",".join(["1"] * 501)},
        {"status": ["400", "450"]},
    ],
)
def test_invalid_filter_is_a_field_error(query: dict[str, Any]) -> None:
    response = shop.client().get(ORDERS, query)

    assert (response.status_code, set(response.json())) == (400, {*query, "code"})


def test_updates_show_the_oldest_change_first() -> None:
    first, _, third = _three()
    Order.objects.filter(pk=first).update(modified_date=factories.NOW + timedelta(days=9))

    updates = f"{ORDERS}updates/"
    assert _numbers(updates, {}) == ["B", "C", "A"]
    assert _numbers(updates, {"modified_date__gt": "2026-03-11T12:00:00Z"}) == ["C", "A"]
    assert _numbers(updates, {"limit": 1, "page": 2}) == ["C"]
    Order.objects.filter(pk=third).update(modified_date=factories.NOW + timedelta(days=9))
    assert _numbers(updates, {}) == ["B", "A", "C"]


@pytest.mark.parametrize("prefix", shop.PREFIXES)
def test_order_is_found_with_and_without_its_channel(prefix: str) -> None:
    order = factories.create_full_order()
    caller = shop.client()
    (listed,) = caller.get(ORDERS).json()["results"]

    for path in (f"channel/1/orders/{order.pk}", f"orders/{order.pk}/"):
        assert caller.get(f"{prefix}/{path}").json() == listed


def test_other_keys_of_an_order_change_nothing() -> None:
    order = factories.create_order()
    path = f"/api/v1/orders/{order.pk}/"
    before = shop.client().get(path).json()

    body = {"is_send": True, "status": 100, "amount": "0", "number": "X", "discount_amount": 5}
    response = shop.patch(path, body)

    assert response.status_code == 200
    assert response.json() == before | {"is_send": True, "modified_date": _stamp(order.pk)}
    assert response.json()["modified_date"] > before["modified_date"]
    # A repeated value and an empty body change nothing.
    assert shop.patch(path, body).json() == response.json() == shop.patch(path, {}).json()


def _stamp(order_id: int) -> str:
    moment = Order.objects.get(pk=order_id).modified_date
    return moment.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("value", [None, 1, "yes", [], {}])
def test_is_send_must_be_a_boolean(value: Any) -> None:
    order = factories.create_order()

    response = shop.patch(f"{ORDERS}{order.pk}/", {"is_send": value})

    assert (response.status_code, set(response.json())) == (400, {"is_send", "code"})
    assert not Order.objects.get().is_send


def test_route_without_channel_shows_all_channels_of_the_key() -> None:
    mine, other = (
        factories.create_order(),
        factories.create_order(number="2", channel_id=shop.OTHER),
    )
    both = shop.client(shop.key(channels=[shop.SHOP, shop.OTHER]))
    client = shop.client(shop.key(channels=[shop.OTHER]))

    assert _numbers("/api/i1/orders/", {}, both) == ["2", factories.NUMBER]
    assert _numbers("/api/i1/orders/", {}, client) == ["2"]
    assert _numbers("/api/i1/orders/", {"number": factories.NUMBER}, client) == []
    assert both.get(f"/api/v1/orders/{mine.pk}/").status_code == 200
    assert client.get(f"/api/v1/orders/{other.pk}/").status_code == 200
    before = shop.stored_rows()
    for prefix in shop.PREFIXES:
        item = factories.items_of(mine)[0].pk
        for response in (
            client.get(f"{prefix}/orders/{mine.pk}/"),
            shop.patch(f"{prefix}/orders/{mine.pk}/", {"is_send": True}, client),
            client.get(f"{prefix}/order_items/{item}/"),
            shop.patch(f"{prefix}/order_items/{item}/", {"status": 500}, client),
            shop.patch(f"{prefix}/channel/2/order_items/{item}/", {"status": 500}, client),
            shop.patch(f"{prefix}/channel/2/orders/{mine.pk}/", {"is_send": True}, client),
            shop.patch(
                f"{prefix}/order_items/bulk_status_update/",
                {"orderitem_set": [{"id": item, "status": 500}]},
                client,
            ),
        ):
            assert (response.status_code, response.json()) == (404, ABSENT)
    assert shop.stored_rows() == before


def test_key_without_active_channel_is_refused() -> None:
    text = shop.key()
    channel = factories.create_channel()
    channel.is_active = False
    channel.save()

    assert shop.client(text).get("/api/v1/orders/").status_code == 401


@pytest.mark.parametrize("pk", ["0", "x", "1" * 30, str(2**63), "%00", "-1", "777777"])
def test_missing_orders_and_items_are_not_found(pk: str) -> None:
    caller = shop.client()

    for path in (ORDERS, ITEMS, "/api/orders/", "/api/order_items/"):
        body = {"is_send": True, "status": 500}
        for response in (caller.get(f"{path}{pk}/"), shop.patch(f"{path}{pk}/", body, caller)):
            assert (response.status_code, response.json()) == (404, ABSENT)


def test_items_are_listed_and_sorted() -> None:
    order = factories.create_order(items=[factories.item_input(remote_id=str(n)) for n in range(3)])
    factories.create_order(number="2", items=[factories.item_input(status=500)])
    factories.create_order(number="3", channel_id=shop.OTHER)
    caller = shop.client()
    ids = [item.pk for item in factories.items_of(order)]

    def ids_of(**query: Any) -> list[int]:
        return [item["pk"] for item in caller.get(ITEMS, query).json()["results"]]

    assert ids_of(order=order.pk, sort="id") == ids
    assert ids_of(order=order.pk) == ids_of(order=order.pk, sort="-id") == ids[::-1]
    assert ids_of(pk__in=f"{ids[0]},{ids[2]}", sort="id") == [ids[0], ids[2]]
    assert len(ids_of(status=500)) == 1
    assert ids_of(order=10**15) == ids_of(cancel_status="x") == []
    assert len(ids_of(limit=100)) == 4
    for name, value in (("sort", "status"), ("order", "x"), ("status", "evil")):
        assert caller.get(ITEMS, {name: value}).status_code == 400
    (document,) = caller.get(ORDERS, {"pk__in": str(order.pk)}).json()["results"]
    assert (
        caller.get(ITEMS, {"order": str(order.pk), "sort": "id"}).json()["results"]
        == (document["orderitem_set"])
    )


def test_list_needs_the_same_queries_for_any_length() -> None:
    factories.create_orders(customer=factories.create_customer(), count=30)
    caller = shop.client()
    caller.get(ORDERS)

    for path, cost in ((ORDERS, 7), (f"{ORDERS}updates/", 7), (ITEMS, 7), ("/api/orders/", 8)):
        with zeal.zeal_context(), CaptureQueriesContext(connection) as queries:
            assert len(caller.get(path, {"limit": 100}).json()["results"]) == 30
        # Key (and its channels), rate limit, count, four statements.
        assert len(queries) == cost, path
