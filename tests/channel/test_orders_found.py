"""Orders and lines that are here, found by more than a number, in one channel or in all."""

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
        answer = (caller or shop.client()).get(path, query)
    assert answer.status_code == 200, answer.content
    return [order["number"] for order in answer.json()["results"]]


def _three() -> list[int]:
    """Orders A, B and C: placed, and changed, on three days; B waits for its cancellation."""
    made = []
    for day, number in enumerate("ABC"):
        moment = factories.NOW + timedelta(days=day)
        order = factories.create_order(number=number, placed_at=moment, status=400 + 50 * day)
        changes: dict[str, Any] = {"modified_date": moment, "created_date": moment}
        if number == "B":
            changes |= {"cancel_status": "waiting"}
        Order.objects.filter(pk=order.pk).update(**changes)
        made.append(order.pk)
    return made


@pytest.mark.parametrize(
    ("query", "found"),
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
def test_orders_are_found_by_what_has_become_of_them(
    query: dict[str, str], found: list[str]
) -> None:
    _three()

    assert _numbers(ORDERS, query) == found
    assert _numbers("/api/i1/orders/", query) == found


def test_orders_are_found_by_their_numbers_here() -> None:
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
def test_a_filter_that_cannot_be_is_a_field_error(query: dict[str, Any]) -> None:
    answer = shop.client().get(ORDERS, query)

    assert (answer.status_code, set(answer.json())) == (400, {*query, "code"})


def test_changed_orders_come_the_longest_ago_first() -> None:
    first, _, third = _three()
    Order.objects.filter(pk=first).update(modified_date=factories.NOW + timedelta(days=9))

    updates = f"{ORDERS}updates/"
    assert _numbers(updates, {}) == ["B", "C", "A"]
    assert _numbers(updates, {"modified_date__gt": "2026-03-11T12:00:00Z"}) == ["C", "A"]
    assert _numbers(updates, {"limit": 1, "page": 2}) == ["C"]
    Order.objects.filter(pk=third).update(modified_date=factories.NOW + timedelta(days=9))
    assert _numbers(updates, {}) == ["B", "A", "C"]


@pytest.mark.parametrize("prefix", shop.PREFIXES)
def test_an_order_is_found_with_and_without_its_channel(prefix: str) -> None:
    order = factories.create_full_order()
    caller = shop.client()
    (listed,) = caller.get(ORDERS).json()["results"]

    for path in (f"channel/1/orders/{order.pk}", f"orders/{order.pk}/"):
        assert caller.get(f"{prefix}/{path}").json() == listed


def test_only_whether_it_was_sent_may_be_told_of_an_order() -> None:
    order = factories.create_order()
    path = f"/api/v1/orders/{order.pk}/"
    before = shop.client().get(path).json()

    told = {"is_send": True, "status": 100, "amount": "0", "number": "X", "refund_amount": 5}
    answer = shop.patch(path, told)

    assert answer.status_code == 200
    assert answer.json() == before | {"is_send": True, "modified_date": _stamp(order.pk)}
    assert answer.json()["modified_date"] > before["modified_date"]
    # Told again it has not changed again; nothing told is no change either.
    assert shop.patch(path, told).json() == answer.json() == shop.patch(path, {}).json()


def _stamp(order_id: int) -> str:
    moment = Order.objects.get(pk=order_id).modified_date
    return moment.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("value", [None, 1, "yes", [], {}])
def test_whether_it_was_sent_is_true_or_false(value: Any) -> None:
    order = factories.create_order()

    answer = shop.patch(f"{ORDERS}{order.pk}/", {"is_send": value})

    assert (answer.status_code, set(answer.json())) == (400, {"is_send", "code"})
    assert not Order.objects.get().is_send


def test_a_key_without_a_channel_in_the_path_sees_its_own_channels_only() -> None:
    mine, other = (
        factories.create_order(),
        factories.create_order(number="2", channel_id=shop.OTHER),
    )
    both = shop.client(shop.key(channels=[shop.SHOP, shop.OTHER]))
    one = shop.client(shop.key(channels=[shop.OTHER]))

    assert _numbers("/api/i1/orders/", {}, both) == ["2", factories.NUMBER]
    assert _numbers("/api/i1/orders/", {}, one) == ["2"]
    assert _numbers("/api/i1/orders/", {"number": factories.NUMBER}, one) == []
    assert both.get(f"/api/v1/orders/{mine.pk}/").status_code == 200
    assert one.get(f"/api/v1/orders/{other.pk}/").status_code == 200
    before = shop.orders()
    for prefix in shop.PREFIXES:
        line = factories.items_of(mine)[0].pk
        for answer in (
            one.get(f"{prefix}/orders/{mine.pk}/"),
            shop.patch(f"{prefix}/orders/{mine.pk}/", {"is_send": True}, one),
            one.get(f"{prefix}/order_items/{line}/"),
            shop.patch(f"{prefix}/order_items/{line}/", {"status": 500}, one),
            shop.patch(f"{prefix}/channel/2/order_items/{line}/", {"status": 500}, one),
            shop.patch(f"{prefix}/channel/2/orders/{mine.pk}/", {"is_send": True}, one),
            shop.patch(
                f"{prefix}/order_items/bulk_status_update/",
                {"orderitem_set": [{"id": line, "status": 500}]},
                one,
            ),
        ):
            assert (answer.status_code, answer.json()) == (404, ABSENT)
    assert shop.orders() == before


def test_a_key_whose_channels_are_all_closed_opens_nothing() -> None:
    text = shop.key()
    channel = factories.create_channel()
    channel.is_active = False
    channel.save()

    assert shop.client(text).get("/api/v1/orders/").status_code == 401


@pytest.mark.parametrize("pk", ["0", "x", "1" * 30, str(2**63), "%00", "-1", "777777"])
def test_what_is_not_there_is_not_found(pk: str) -> None:
    caller = shop.client()

    for path in (ORDERS, ITEMS, "/api/orders/", "/api/order_items/"):
        told = {"is_send": True, "status": 500}
        for answer in (caller.get(f"{path}{pk}/"), shop.patch(f"{path}{pk}/", told, caller)):
            assert (answer.status_code, answer.json()) == (404, ABSENT)


def test_lines_are_listed_and_sorted() -> None:
    order = factories.create_order(items=[factories.item_input(remote_id=str(n)) for n in range(3)])
    factories.create_order(number="2", items=[factories.item_input(status=500)])
    factories.create_order(number="3", channel_id=shop.OTHER)
    caller = shop.client()
    ids = [line.pk for line in factories.items_of(order)]

    def found(**query: Any) -> list[int]:
        return [line["pk"] for line in caller.get(ITEMS, query).json()["results"]]

    assert found(order=order.pk, sort="id") == ids
    assert found(order=order.pk) == found(order=order.pk, sort="-id") == ids[::-1]
    assert found(pk__in=f"{ids[0]},{ids[2]}", sort="id") == [ids[0], ids[2]]
    assert len(found(status=500)) == 1
    assert found(order=10**15) == found(cancel_status="x") == []
    assert len(found(limit=100)) == 4
    for name, value in (("sort", "status"), ("order", "x"), ("status", "evil")):
        assert caller.get(ITEMS, {name: value}).status_code == 400
    (whole,) = caller.get(ORDERS, {"pk__in": str(order.pk)}).json()["results"]
    assert (
        caller.get(ITEMS, {"order": str(order.pk), "sort": "id"}).json()["results"]
        == (whole["orderitem_set"])
    )


def test_a_list_costs_as_many_queries_however_long_it_is() -> None:
    factories.create_orders(customer=factories.create_customer(), count=30)
    caller = shop.client()
    caller.get(ORDERS)

    for path, cost in ((ORDERS, 6), (f"{ORDERS}updates/", 6), (ITEMS, 6), ("/api/orders/", 7)):
        with zeal.zeal_context(), CaptureQueriesContext(connection) as asked:
            assert len(caller.get(path, {"limit": 100}).json()["results"]) == 30
        # The key (and its channels), its limit, the count, three statements.
        assert len(asked) == cost, path
