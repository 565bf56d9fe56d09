"""Lines that are told how far they are: by themselves, or many at once and all or none."""

from typing import Any

import pytest
import zeal
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from takeback.cancellations.commands.transition import confirm, reject
from takeback.core.actor import Actor, ActorKind
from takeback.core.types import CaseId
from takeback.orders.models import Order, OrderItem
from takeback.orders.scope import OrderScope
from takeback.outbox.models import Message
from tests import factories
from tests.channel import shop

pytestmark = pytest.mark.django_db

ITEMS = "/api/v1/channel/1/order_items/"
MANY = f"{ITEMS}bulk_status_update/"
ABSENT = {"detail": "Not found.", "code": "not_found"}


def _line(**fields: Any) -> OrderItem:
    return factories.items_of(factories.create_order(items=[factories.item_input(**fields)]))[0]


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

    answer = shop.patch(f"/api/v1/order_items/{line.pk}/", told)

    assert answer.status_code == 200
    shown = {name: told[name] for name in told if name not in {"price", "quantity", "order"}}
    assert answer.json() == before | shown | {
        "status": "delivered",
        "extra_field": {"a": 1, "b": 3, "d": 4.5},
        "modified_date": answer.json()["modified_date"],
    }
    order = Order.objects.get()
    assert order.status == 550
    (listed,) = shop.find(shop.client()).json()["results"]
    assert listed["modified_date"] == answer.json()["modified_date"]


def test_null_empties_and_nothing_changed_is_no_change() -> None:
    line = _line(status=500, tracking_number="T-1", invoice_number="I")
    told = {"tracking_number": None, "invoice_number": ""}
    emptied = shop.patch(f"{ITEMS}{line.pk}/", told).json()

    assert (emptied["tracking_number"], emptied["invoice_number"]) == (None, None)
    again = shop.patch(f"{ITEMS}{line.pk}/", {"status": 500, "tracking_number": None}).json()
    assert again == emptied


def test_a_line_that_is_sent_back_whole_changes_nothing() -> None:
    order = factories.create_full_order()
    line = factories.items_of(order)[0]
    document = shop.client().get(f"{ITEMS}{line.pk}/").json()

    answer = shop.patch(f"{ITEMS}{line.pk}/", document)

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
    (50, 100, "order_item_status_is_decided"),
    (50, 600, "order_item_status_is_decided"),
    (100, 400, "order_item_status_is_decided"),
    (600, 550, "order_item_status_is_decided"),
    (50, 50, "ok"),
    (100, "canceled", "ok"),
]


@pytest.mark.parametrize(("before", "after", "result"), STEPS)
def test_a_line_goes_forward_and_its_end_is_not_told(before: int, after: Any, result: str) -> None:
    line = _line(status=before)
    kept = shop.orders()

    answer = shop.patch(f"{ITEMS}{line.pk}/", {"status": after, "tracking_number": "T"})
    among = shop.patch(MANY, {"orderitem_set": [{"id": line.pk, "status": after}]})

    line.refresh_from_db()
    if result == "ok":
        assert (answer.status_code, among.status_code) == (200, 200)
        assert line.status == (100 if after == "canceled" else after)
        assert line.tracking_number == "T"
    else:
        assert (answer.status_code, answer.json()["code"]) == (400, result)
        assert (among.status_code, set(among.json())) == (400, {"orderitem_set.0.status", "code"})
        assert shop.orders() == kept


def test_what_is_told_of_a_line_that_waits_holds_when_its_case_is_refused() -> None:
    line = _line(status=400)
    case = factories.create_case(item=line)
    scope, actor = OrderScope(shop.SHOP), Actor(ActorKind.CHANNEL, 1)
    with zeal.zeal_context():
        confirm(CaseId(case.pk), scope, actor=actor, now=factories.NOW)

    told = {"status": 500, "tracking_number": "T-1"}
    waiting = shop.patch(f"{ITEMS}{line.pk}/", told).json()
    back = shop.patch(f"{ITEMS}{line.pk}/", {"status": 450})
    with zeal.zeal_context():
        reject(CaseId(case.pk), scope, actor=actor, now=factories.NOW)

    assert (waiting["status"], waiting["tracking_number"]) == ("cancellation_waiting", "T-1")
    assert back.json()["code"] == "order_item_status_goes_back"
    line.refresh_from_db()
    assert (line.status, line.deferred_status) == (500, None)


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

    answer = shop.patch(f"{ITEMS}{line.pk}/", {"cancel_status": after})

    line.refresh_from_db()
    assert line.cancel_status == (after if is_let else before)
    assert answer.status_code == (200 if is_let else 400)
    assert is_let or answer.json()["code"] == "order_item_cancel_status_goes_back"


def test_how_many_units_a_line_stands_for_stays() -> None:
    key = settings.ORDER_ITEM_QUANTITY_KEY
    line = _line(quantity=3, attributes={key: 3, "old": 1})

    for told in ({"new": 1}, {"new": 1, key: 99}):
        answer = shop.patch(f"{ITEMS}{line.pk}/", {"attributes": told}).json()
        assert answer["attributes"] == {"new": 1, key: 3}
        assert answer["quantity"] == 3


def test_a_trade_in_offer_in_the_attributes_is_announced_once() -> None:
    line = _line()
    offer = {settings.TRADE_IN_KEY: {"amount": "5.00"}}

    for _ in range(2):
        assert shop.patch(f"{ITEMS}{line.pk}/", {"attributes": offer}).status_code == 200

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
    before = shop.orders()

    answer = shop.patch(f"{ITEMS}{line.pk}/", {"tracking_number": "T", field: value})

    assert (answer.status_code, set(answer.json())) == (400, {field, "code"})
    assert shop.orders() == before


@pytest.mark.parametrize(("field", "value"), [*BAD_FIELDS, ("id", 0), ("id", "x"), ("id", None)])
def test_a_wrong_field_of_one_line_stops_all(field: str, value: Any) -> None:
    lines = factories.items_of(
        factories.create_order(items=[factories.item_input(remote_id=n) for n in "12"])
    )
    before = shop.orders()

    told = [{"id": lines[0].pk, "status": 500}, {"id": lines[1].pk} | {field: value}]
    answer = shop.patch(MANY, {"orderitem_set": told})

    assert answer.status_code == 400
    assert set(answer.json()) == {f"orderitem_set.1.{field}", "code"}
    assert shop.orders() == before


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
    before = shop.orders()

    answer = shop.patch(MANY, body)

    assert answer.status_code == 400
    fault, code = sorted(answer.json(), reverse=True)
    assert (fault.split(".")[0], code) == ("orderitem_set", "code")
    assert shop.orders() == before


@pytest.mark.parametrize("prefix", shop.PREFIXES)
def test_many_lines_of_many_orders_change_together(prefix: str) -> None:
    lines = [
        line
        for number in range(3)
        for line in factories.items_of(
            factories.create_order(
                number=str(number), items=[factories.item_input(remote_id=n) for n in "12"]
            )
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

    answer = shop.patch(f"{prefix}/order_items/bulk_status_update/", {"orderitem_set": told})

    assert answer.status_code == 200
    assert [line["pk"] for line in answer.json()] == [line.pk for line in lines[:5]]
    found = list(OrderItem.objects.order_by("pk").values_list("status", "invoice_number"))
    assert found == [(500, "INV"), *[(450, "INV")] * 4, (400, None)]
    first = OrderItem.objects.get(pk=lines[0].pk)
    assert (first.tracking_number, first.shipping_company) == ("T", "aras")
    assert list(Order.objects.order_by("pk").values_list("status", flat=True)) == [450, 450, 400]


def test_one_line_that_may_not_stops_all() -> None:
    lines = factories.items_of(
        factories.create_order(
            items=[factories.item_input(), factories.item_input(remote_id="2", status=100)]
        )
    )
    before = shop.orders()
    told = [{"id": line.pk, "status": 500} for line in lines]

    answer = shop.patch(MANY, {"orderitem_set": told})
    strange = shop.patch(MANY, {"orderitem_set": [told[0], {"id": 10**15, "status": 500}]})

    assert (answer.status_code, set(answer.json())) == (400, {"orderitem_set.1.status", "code"})
    assert (strange.status_code, strange.json()) == (404, ABSENT)
    assert shop.orders() == before


def test_many_lines_cost_as_many_queries_as_few() -> None:
    made = [factories.create_order(number=str(number)) for number in range(20)]
    lines = [line.pk for order in made for line in factories.items_of(order)]
    caller = shop.client()
    caller.get(ITEMS)

    counts = []
    for status, chosen in ((450, lines[:2]), (500, lines)):
        told = {"orderitem_set": [{"id": pk, "status": status} for pk in chosen]}
        with CaptureQueriesContext(connection) as asked:
            assert shop.patch(MANY, told, caller).status_code == 200
        counts.append(len([query for query in asked if "SAVEPOINT" not in query["sql"]]))
    # Key, limit; lock, lines, write, orders; roll-up; lines, shares, currencies.
    assert counts == [11, 11]
