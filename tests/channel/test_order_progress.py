"""Orders that are here: found by more than their number, and told how far they are."""

from datetime import timedelta
from typing import Any

import pytest
import zeal
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from takeback.orders.models import Order, OrderItem
from takeback.outbox.models import Message
from tests import make
from tests.channel import shop

pytestmark = pytest.mark.django_db

ORDERS = "/api/v1/channel/1/orders/"
ITEMS = "/api/v1/channel/1/order_items/"
MANY = f"{ITEMS}bulk_status_update/"
ABSENT = {"detail": "Not found.", "code": "not_found"}


def _patch(path: str, told: Any, caller: Any = None) -> Any:
    with zeal.zeal_context():
        return (caller or shop.client()).patch(path, told, content_type="application/json")


def _line(**fields: Any) -> OrderItem:
    return make.items_of(make.make_order(items=[make.item_in(**fields)]))[0]


def _numbers(path: str, query: dict[str, Any], caller: Any = None) -> list[str]:
    with zeal.zeal_context():
        answer = (caller or shop.client()).get(path, query)
    assert answer.status_code == 200, answer.content
    return [order["number"] for order in answer.json()["results"]]


def _three() -> list[int]:
    """Orders A, B and C: placed, and changed, on three days; B waits for its cancellation."""
    made = []
    for day, number in enumerate("ABC"):
        moment = make.NOW + timedelta(days=day)
        order = make.make_order(number=number, placed_at=moment, status=400 + 50 * day)
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
        {"pk__in": ",".join(["1"] * 101)},
        {"status": ["400", "450"]},
    ],
)
def test_a_filter_that_cannot_be_is_a_field_error(query: dict[str, Any]) -> None:
    answer = shop.client().get(ORDERS, query)

    assert (answer.status_code, set(answer.json())) == (400, {*query, "code"})


def test_changed_orders_come_the_longest_ago_first() -> None:
    first, _, third = _three()
    Order.objects.filter(pk=first).update(modified_date=make.NOW + timedelta(days=9))

    updates = f"{ORDERS}updates/"
    assert _numbers(updates, {}) == ["B", "C", "A"]
    assert _numbers(updates, {"modified_date__gt": "2026-03-11T12:00:00Z"}) == ["C", "A"]
    assert _numbers(updates, {"limit": 1, "page": 2}) == ["C"]
    Order.objects.filter(pk=third).update(modified_date=make.NOW + timedelta(days=9))
    assert _numbers(updates, {}) == ["B", "A", "C"]


@pytest.mark.parametrize("prefix", shop.PREFIXES)
def test_an_order_is_found_with_and_without_its_channel(prefix: str) -> None:
    order = make.make_rich_order()
    caller = shop.client()
    (listed,) = caller.get(ORDERS).json()["results"]

    for path in (f"channel/1/orders/{order.pk}", f"orders/{order.pk}/"):
        assert caller.get(f"{prefix}/{path}").json() == listed


def test_only_whether_it_was_sent_may_be_told_of_an_order() -> None:
    order = make.make_order()
    path = f"/api/v1/orders/{order.pk}/"
    before = shop.client().get(path).json()

    told = {"is_send": True, "status": 100, "amount": "0", "number": "X", "refund_amount": 5}
    answer = _patch(path, told)

    assert answer.status_code == 200
    assert answer.json() == before | {"is_send": True, "modified_date": _stamp(order.pk)}
    assert answer.json()["modified_date"] > before["modified_date"]
    # Told again it has not changed again; nothing told is no change either.
    assert _patch(path, told).json() == answer.json() == _patch(path, {}).json()


def _stamp(order_id: int) -> str:
    moment = Order.objects.get(pk=order_id).modified_date
    return moment.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("value", [None, 1, "yes", [], {}])
def test_whether_it_was_sent_is_true_or_false(value: Any) -> None:
    order = make.make_order()

    answer = _patch(f"{ORDERS}{order.pk}/", {"is_send": value})

    assert (answer.status_code, set(answer.json())) == (400, {"is_send", "code"})
    assert not Order.objects.get().is_send


def test_a_key_without_a_channel_in_the_path_sees_its_own_channels_only() -> None:
    mine, other = make.make_order(), make.make_order(number="2", channel_id=shop.OTHER)
    both = shop.client(shop.key(channels=[shop.SHOP, shop.OTHER]))
    one = shop.client(shop.key(channels=[shop.OTHER]))

    assert _numbers("/api/i1/orders/", {}, both) == ["2", make.NUMBER]
    assert _numbers("/api/i1/orders/", {}, one) == ["2"]
    assert _numbers("/api/i1/orders/", {"number": make.NUMBER}, one) == []
    assert both.get(f"/api/v1/orders/{mine.pk}/").status_code == 200
    assert one.get(f"/api/v1/orders/{other.pk}/").status_code == 200
    before = _all()
    for prefix in shop.PREFIXES:
        line = make.items_of(mine)[0].pk
        for answer in (
            one.get(f"{prefix}/orders/{mine.pk}/"),
            _patch(f"{prefix}/orders/{mine.pk}/", {"is_send": True}, one),
            one.get(f"{prefix}/order_items/{line}/"),
            _patch(f"{prefix}/order_items/{line}/", {"status": 500}, one),
            _patch(f"{prefix}/channel/2/order_items/{line}/", {"status": 500}, one),
            _patch(f"{prefix}/channel/2/orders/{mine.pk}/", {"is_send": True}, one),
            _patch(
                f"{prefix}/order_items/bulk_status_update/",
                {"orderitem_set": [{"id": line, "status": 500}]},
                one,
            ),
        ):
            assert (answer.status_code, answer.json()) == (404, ABSENT)
    assert _all() == before


def test_a_key_whose_channels_are_all_closed_opens_nothing() -> None:
    text = shop.key()
    channel = make.make_channel()
    channel.is_active = False
    channel.save()

    assert shop.client(text).get("/api/v1/orders/").status_code == 401


def _all() -> list[Any]:
    return [*OrderItem.objects.order_by("pk").values(), *Order.objects.order_by("pk").values()]


@pytest.mark.parametrize("pk", ["0", "x", "1" * 30, str(2**63), "%00", "-1", "777777"])
def test_what_is_not_there_is_not_found(pk: str) -> None:
    caller = shop.client()

    for path in (ORDERS, ITEMS, "/api/orders/", "/api/order_items/"):
        told = {"is_send": True, "status": 500}
        for answer in (caller.get(f"{path}{pk}/"), _patch(f"{path}{pk}/", told, caller)):
            assert (answer.status_code, answer.json()) == (404, ABSENT)


def test_lines_are_listed_and_sorted() -> None:
    order = make.make_order(items=[make.item_in(remote_id=str(n)) for n in range(3)])
    make.make_order(number="2", items=[make.item_in(status=500)])
    make.make_order(number="3", channel_id=shop.OTHER)
    caller = shop.client()
    ids = [line.pk for line in make.items_of(order)]

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
    make.make_orders(customer=make.make_customer(), count=30)
    caller = shop.client()
    caller.get(ORDERS)

    for path, cost in ((ORDERS, 6), (f"{ORDERS}updates/", 6), (ITEMS, 6), ("/api/orders/", 7)):
        with zeal.zeal_context(), CaptureQueriesContext(connection) as asked:
            assert len(caller.get(path, {"limit": 100}).json()["results"]) == 30
        # The key (and its channels), its limit, the count, three statements.
        assert len(asked) == cost, path


def test_a_line_is_told_how_far_it_is() -> None:
    line = _line(
        status=450, extra_field={"a": 1, "b": {"c": 2}}, attributes={"x": 1, "note": "old"}
    )
    before = shop.client().get(f"{ITEMS}{line.pk}/").json()
    told = {
        "status": "550",
        "extra_field": {"b": 3, "d": 4.5},
        "attributes": {"y": 2},
        "attributes_kwargs": {"y": {"label": "Y"}},
        "cancel_status": "waiting",
        "invoice_number": "INV-1",
        "invoice_date": "2026-03-09T10:00:00Z",
        "e_archive_url": "https://a.example.com/1",
        "tracking_number": "T-1",
        "tracking_url": "https://t.example.com/1",
        "shipping_company": "yurtici",
        "delivered_date": "2026-03-10T10:00:00Z",
        "price": 0,
        "quantity": 5,
        "order": 99,
    }

    answer = _patch(f"/api/v1/order_items/{line.pk}/", told)

    assert answer.status_code == 200
    shown = {name: told[name] for name in told if name not in {"price", "quantity", "order"}}
    assert answer.json() == before | shown | {
        "status": "delivered",
        "extra_field": {"a": 1, "b": 3, "d": 4.5},
        "modified_date": answer.json()["modified_date"],
    }
    order = Order.objects.get()
    assert order.status == 550
    assert _stamp(order.pk) == answer.json()["modified_date"]


def test_null_empties_and_nothing_changed_is_no_change() -> None:
    line = _line(status=500, tracking_number="T-1", invoice_number="I")
    emptied = _patch(f"{ITEMS}{line.pk}/", {"tracking_number": None, "invoice_number": ""}).json()

    assert (emptied["tracking_number"], emptied["invoice_number"]) == (None, None)
    again = _patch(f"{ITEMS}{line.pk}/", {"status": 500, "tracking_number": None}).json()
    assert again == emptied


def test_a_line_that_is_sent_back_whole_changes_nothing() -> None:
    order = make.make_rich_order()
    line = make.items_of(order)[0]
    document = shop.client().get(f"{ITEMS}{line.pk}/").json()

    answer = _patch(f"{ITEMS}{line.pk}/", document)

    assert (answer.status_code, answer.json()) == (200, document)


STEPS = [
    (200, 300, "ok"),
    (400, 450, "ok"),
    (450, 500, "ok"),
    (540, 520, "ok"),
    (545, 500, "ok"),
    (545, 550, "ok"),
    (500, 450, "order_item_status_goes_back"),
    (550, 545, "order_item_status_goes_back"),
    (400, 200, "order_item_status_goes_back"),
    (400, 50, "order_item_status_is_decided"),
    (400, 100, "order_item_status_is_decided"),
    (550, 600, "order_item_status_is_decided"),
    (50, 500, "order_item_status_is_decided"),
    (100, 400, "order_item_status_is_decided"),
    (600, 550, "order_item_status_is_decided"),
    (50, 50, "ok"),
    (100, "canceled", "ok"),
]


@pytest.mark.parametrize(("before", "after", "result"), STEPS)
def test_a_line_goes_forward_and_its_end_is_not_told(before: int, after: Any, result: str) -> None:
    line = _line(status=before)
    kept = _all()

    answer = _patch(f"{ITEMS}{line.pk}/", {"status": after, "tracking_number": "T"})
    among = _patch(MANY, {"orderitem_set": [{"id": line.pk, "status": after}]})

    line.refresh_from_db()
    if result == "ok":
        assert (answer.status_code, among.status_code) == (200, 200)
        assert line.status == (100 if after == "canceled" else after)
        assert line.tracking_number == "T"
    else:
        assert (answer.status_code, answer.json()["code"]) == (400, result)
        assert (among.status_code, set(among.json())) == (400, {"orderitem_set.0.status", "code"})
        assert _all() == kept


@pytest.mark.parametrize(
    ("before", "after", "is_let"),
    [
        (None, "waiting", True),
        ("waiting", None, True),
        ("approved", "confirmed", False),
        ("approved", "waiting_for_payment", True),
        ("waiting_for_payment", "completed", True),
        ("waiting_for_payment", "rejected", False),
        ("waiting_for_payment", "waiting", False),
        ("told by somebody", "rejected", True),
    ],
)
def test_a_cancel_status_keeps_to_its_guards(before: Any, after: Any, is_let: bool) -> None:
    line = _line(cancel_status=before)

    answer = _patch(f"{ITEMS}{line.pk}/", {"cancel_status": after})

    line.refresh_from_db()
    assert line.cancel_status == (after if is_let else before)
    assert answer.status_code == (200 if is_let else 400)
    assert is_let or answer.json()["code"] == "order_item_cancel_status_goes_back"


def test_how_many_units_a_line_stands_for_stays() -> None:
    key = settings.ORDER_ITEM_QUANTITY_KEY
    line = _line(quantity=3, attributes={key: 3, "old": 1})

    for told in ({"new": 1}, {"new": 1, key: 99}):
        answer = _patch(f"{ITEMS}{line.pk}/", {"attributes": told}).json()
        assert answer["attributes"] == {"new": 1, key: 3}
        assert answer["quantity"] == 3


def test_a_trade_in_offer_in_the_attributes_is_announced_once() -> None:
    line = _line()
    offer = {settings.TRADE_IN_KEY: {"amount": "5.00"}}

    for _ in range(2):
        assert _patch(f"{ITEMS}{line.pk}/", {"attributes": offer}).status_code == 200

    (message,) = Message.objects.all()
    assert message.payload == {"order_item": line.pk, "amount_minor": 500}


BAD_FIELDS: list[tuple[str, Any]] = [
    ("status", None),
    ("status", 999),
    ("status", 0),
    ("status", True),
    ("status", "gone"),
    ("status", []),
    ("status", 10**30),
    ("invoice_number", "x" * 129),
    ("invoice_number", 5),
    ("invoice_date", "yesterday"),
    ("tracking_number", "a\u202eb"),
    ("tracking_url", {}),
    ("shipping_company", "x" * 65),
    ("delivered_date", "2026-02-30"),
    ("shipped_date", 5),
]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *BAD_FIELDS,
        ("cancel_status", "gone"),
        ("cancel_status", 5),
        ("extra_field", None),
        ("extra_field", []),
        ("attributes", "x"),
        ("attributes_kwargs", 5),
    ],
)
def test_a_wrong_field_of_a_line_is_named(field: str, value: Any) -> None:
    line = _line()
    before = _all()

    answer = _patch(f"{ITEMS}{line.pk}/", {"tracking_number": "T", field: value})

    assert (answer.status_code, set(answer.json())) == (400, {field, "code"})
    assert _all() == before


@pytest.mark.parametrize(("field", "value"), [*BAD_FIELDS, ("id", 0), ("id", "x"), ("id", None)])
def test_a_wrong_field_of_one_line_stops_all(field: str, value: Any) -> None:
    lines = make.items_of(make.make_order(items=[make.item_in(remote_id=n) for n in "12"]))
    before = _all()

    told = [{"id": lines[0].pk, "status": 500}, {"id": lines[1].pk} | {field: value}]
    answer = _patch(MANY, {"orderitem_set": told})

    assert answer.status_code == 400
    assert set(answer.json()) == {f"orderitem_set.1.{field}", "code"}
    assert _all() == before


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"orderitem_set": None},
        {"orderitem_set": []},
        {"orderitem_set": {}},
        {"orderitem_set": "x"},
        {"orderitem_set": [5]},
        {"orderitem_set": [{"id": n, "status": 500} for n in range(1, 502)]},
        {"orderitem_set": [{"id": 1, "status": 500}, {"id": "1", "status": 550}]},
    ],
)
def test_many_lines_are_a_list_of_different_ones(body: Any) -> None:
    _line()
    before = _all()

    answer = _patch(MANY, body)

    assert answer.status_code == 400
    fault, code = sorted(answer.json(), reverse=True)
    assert (fault.split(".")[0], code) == ("orderitem_set", "code")
    assert _all() == before


@pytest.mark.parametrize("prefix", shop.PREFIXES)
def test_many_lines_of_many_orders_change_together(prefix: str) -> None:
    lines = [
        line
        for number in range(3)
        for line in make.items_of(
            make.make_order(number=str(number), items=[make.item_in(remote_id=n) for n in "12"])
        )
    ]
    progress = {
        "status": 450,
        "invoice_number": "INV",
        "invoice_date": "2026-03-09T10:00:00Z",
        "e_archive_url": "https://a.example.com",
    }
    told = [{"id": line.pk} | progress for line in lines[:5]]
    told[0] |= {"status": 500, "tracking_number": "T", "shipping_company": "aras"}

    answer = _patch(f"{prefix}/order_items/bulk_status_update/", {"orderitem_set": told})

    assert answer.status_code == 200
    assert [line["pk"] for line in answer.json()] == [line.pk for line in lines[:5]]
    found = list(OrderItem.objects.order_by("pk").values_list("status", "invoice_number"))
    assert found == [(500, "INV"), *[(450, "INV")] * 4, (400, None)]
    first = OrderItem.objects.get(pk=lines[0].pk)
    assert (first.tracking_number, first.shipping_company) == ("T", "aras")
    assert list(Order.objects.order_by("pk").values_list("status", flat=True)) == [450, 450, 400]


def test_one_line_that_may_not_stops_all() -> None:
    lines = make.items_of(
        make.make_order(items=[make.item_in(), make.item_in(remote_id="2", status=50)])
    )
    before = _all()
    told = [{"id": line.pk, "status": 500} for line in lines]

    answer = _patch(MANY, {"orderitem_set": told})
    strange = _patch(MANY, {"orderitem_set": [told[0], {"id": 10**15, "status": 500}]})

    assert (answer.status_code, set(answer.json())) == (400, {"orderitem_set.1.status", "code"})
    assert (strange.status_code, strange.json()) == (404, ABSENT)
    assert _all() == before


def test_many_lines_cost_as_many_queries_as_few() -> None:
    made = [make.make_order(number=str(number)) for number in range(20)]
    lines = [line.pk for order in made for line in make.items_of(order)]
    caller = shop.client()
    caller.get(ORDERS)

    counts = []
    for status, chosen in ((450, lines[:2]), (500, lines)):
        told = {"orderitem_set": [{"id": pk, "status": status} for pk in chosen]}
        with CaptureQueriesContext(connection) as asked:
            assert _patch(MANY, told, caller).status_code == 200
        counts.append(len([query for query in asked if "SAVEPOINT" not in query["sql"]]))
    # Key, limit; lock, lines, write, orders; roll-up; lines, shares, currencies.
    assert counts == [11, 11]
