"""Updates of order items: one item, or several that change together or not at all."""

from typing import Any

import pytest
import zeal
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from takeback.cancellations.commands.transition import confirm, reject
from takeback.core.actor import Actor, ActorKind
from takeback.core.ids import CaseId
from takeback.orders.models import Order, OrderItem
from takeback.orders.scope import OrderScope
from takeback.outbox.models import Message
from tests import factories
from tests.channel import shop

pytestmark = pytest.mark.django_db

ITEMS = "/api/v1/channel/1/order_items/"
MANY = f"{ITEMS}bulk_status_update/"
ABSENT = {"detail": "Not found.", "code": "not_found"}


def _item(**fields: Any) -> OrderItem:
    return factories.items_of(factories.create_order(items=[factories.item_input(**fields)]))[0]


def test_item_progress_is_updated() -> None:
    item = _item(
        status=450, extra_field={"a": 1, "b": {"c": 2}}, attributes={"x": 1, "note": "old"}
    )
    before = shop.client().get(f"{ITEMS}{item.pk}/").json()
    body = {
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

    response = shop.patch(f"/api/v1/order_items/{item.pk}/", body)

    assert response.status_code == 200
    shown = {name: body[name] for name in body if name not in {"price", "quantity", "order"}}
    assert response.json() == before | shown | {
        "status": "delivered",
        "extra_field": {"a": 1, "b": 3, "d": 4.5},
        "modified_date": response.json()["modified_date"],
    }
    order = Order.objects.get()
    assert order.status == 550
    (listed,) = shop.find_orders(shop.client()).json()["results"]
    assert listed["modified_date"] >= response.json()["modified_date"]


def test_null_empties_a_field_and_repetition_changes_nothing() -> None:
    item = _item(status=500, tracking_number="T-1", invoice_number="I")
    body = {"tracking_number": None, "invoice_number": ""}
    emptied = shop.patch(f"{ITEMS}{item.pk}/", body).json()

    assert (emptied["tracking_number"], emptied["invoice_number"]) == (None, None)
    again = shop.patch(f"{ITEMS}{item.pk}/", {"status": 500, "tracking_number": None}).json()
    assert again == emptied


def test_sending_back_the_shown_item_changes_nothing() -> None:
    order = factories.create_full_order()
    item = factories.items_of(order)[0]
    document = shop.client().get(f"{ITEMS}{item.pk}/").json()

    response = shop.patch(f"{ITEMS}{item.pk}/", document)

    assert (response.status_code, response.json()) == (200, document)


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
    (100, 400, "item_cancelled"),
    (600, 550, "order_item_status_is_decided"),
    (50, 50, "ok"),
    (100, "canceled", "ok"),
]


@pytest.mark.parametrize(("before", "after", "result"), STEPS)
def test_item_status_moves_forward_only_and_never_to_its_end(
    before: int, after: Any, result: str
) -> None:
    item = _item()
    OrderItem.objects.update(status=before)
    item.refresh_from_db()
    rows = shop.stored_rows()

    response = shop.patch(f"{ITEMS}{item.pk}/", {"status": after, "tracking_number": "T"})
    bulk = shop.patch(MANY, {"orderitem_set": [{"id": item.pk, "status": after}]})

    item.refresh_from_db()
    if result == "ok":
        assert (response.status_code, bulk.status_code) == (200, 200)
        assert item.status == (100 if after == "canceled" else after)
        assert item.tracking_number == "T"
    else:
        status = 409 if result == "item_cancelled" else 400
        assert (response.status_code, response.json()["code"]) == (status, result)
        assert (bulk.status_code, set(bulk.json())) == (status, {"orderitem_set.0.status", "code"})
        assert shop.stored_rows() == rows


def test_update_of_waiting_item_is_applied_when_its_case_is_rejected() -> None:
    item = _item(status=400)
    case = factories.create_case(item=item)
    scope, actor = OrderScope(shop.SHOP), Actor(ActorKind.CHANNEL, 1)
    with zeal.zeal_context():
        confirm(CaseId(case.pk), scope, actor=actor, now=factories.NOW)

    body = {"status": 500, "tracking_number": "T-1"}
    waiting = shop.patch(f"{ITEMS}{item.pk}/", body).json()
    back = shop.patch(f"{ITEMS}{item.pk}/", {"status": 450})
    with zeal.zeal_context():
        reject(CaseId(case.pk), scope, actor=actor, now=factories.NOW)

    assert (waiting["status"], waiting["tracking_number"]) == ("cancellation_waiting", "T-1")
    assert back.json()["code"] == "order_item_status_goes_back"
    item.refresh_from_db()
    assert (item.status, item.deferred_status) == (500, None)


@pytest.mark.parametrize(
    ("before", "after", "is_allowed"),
    [
        (None, "waiting", True),
        ("waiting", None, True),
        ("approved", "confirmed", False),
        ("approved", "waiting_for_payment", True),
        ("waiting_for_payment", "completed", True),
        ("waiting_for_payment", "rejected", False),
        ("waiting_for_payment", "waiting", False),
        ("sent by a client", "rejected", True),
    ],
)
def test_cancel_status_follows_its_transitions(before: Any, after: Any, is_allowed: bool) -> None:
    item = _item(cancel_status=before)

    response = shop.patch(f"{ITEMS}{item.pk}/", {"cancel_status": after})

    item.refresh_from_db()
    assert item.cancel_status == (after if is_allowed else before)
    assert response.status_code == (200 if is_allowed else 400)
    assert is_allowed or response.json()["code"] == "order_item_cancel_status_goes_back"


def test_quantity_attribute_of_an_item_is_kept() -> None:
    key = settings.ORDER_ITEM_QUANTITY_KEY
    item = _item(quantity=3, attributes={key: 3, "old": 1})

    for attributes in ({"new": 1}, {"new": 1, key: 99}):
        document = shop.patch(f"{ITEMS}{item.pk}/", {"attributes": attributes}).json()
        assert document["attributes"] == {"new": 1, key: 3}
        assert document["quantity"] == 3


def test_trade_in_offer_in_attributes_is_published_once() -> None:
    item = _item()
    offer = {settings.TRADE_IN_KEY: {"amount": "5.00"}}

    for _ in range(2):
        assert shop.patch(f"{ITEMS}{item.pk}/", {"attributes": offer}).status_code == 200

    (message,) = Message.objects.all()
    assert message.payload == {"order_item": item.pk, "amount_minor": 500}


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
def test_invalid_field_of_an_item_is_named(field: str, value: Any) -> None:
    item = _item()
    before = shop.stored_rows()

    response = shop.patch(f"{ITEMS}{item.pk}/", {"tracking_number": "T", field: value})

    assert (response.status_code, set(response.json())) == (400, {field, "code"})
    assert shop.stored_rows() == before


@pytest.mark.parametrize(("field", "value"), [*BAD_FIELDS, ("id", 0), ("id", "x"), ("id", None)])
def test_invalid_field_of_one_item_refuses_the_whole_request(field: str, value: Any) -> None:
    items = factories.items_of(
        factories.create_order(items=[factories.item_input(remote_id=n) for n in "12"])
    )
    before = shop.stored_rows()

    changes = [{"id": items[0].pk, "status": 500}, {"id": items[1].pk} | {field: value}]
    response = shop.patch(MANY, {"orderitem_set": changes})

    assert response.status_code == 400
    assert set(response.json()) == {f"orderitem_set.1.{field}", "code"}
    assert shop.stored_rows() == before


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
def test_bulk_update_needs_a_list_of_distinct_items(body: Any) -> None:
    _item()
    before = shop.stored_rows()

    response = shop.patch(MANY, body)

    assert response.status_code == 400
    field, code = sorted(response.json(), reverse=True)
    assert (field.split(".")[0], code) == ("orderitem_set", "code")
    assert shop.stored_rows() == before


@pytest.mark.parametrize("prefix", shop.PREFIXES)
def test_bulk_update_changes_items_of_several_orders(prefix: str) -> None:
    items = [
        item
        for number in range(3)
        for item in factories.items_of(
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
    changes = [{"id": item.pk} | progress for item in items[:5]]
    changes[0] |= {"status": 500, "tracking_number": "T", "shipping_company": "aras"}

    response = shop.patch(f"{prefix}/order_items/bulk_status_update/", {"orderitem_set": changes})

    assert response.status_code == 200
    assert [item["pk"] for item in response.json()] == [item.pk for item in items[:5]]
    rows = list(OrderItem.objects.order_by("pk").values_list("status", "invoice_number"))
    assert rows == [(500, "INV"), *[(450, "INV")] * 4, (400, None)]
    first = OrderItem.objects.get(pk=items[0].pk)
    assert (first.tracking_number, first.shipping_company) == ("T", "aras")
    assert list(Order.objects.order_by("pk").values_list("status", flat=True)) == [450, 450, 400]


def test_refused_status_of_one_item_refuses_the_whole_request() -> None:
    items = factories.items_of(
        factories.create_order(
            items=[factories.item_input(), factories.item_input(remote_id="2", status=600)]
        )
    )
    before = shop.stored_rows()
    changes = [{"id": item.pk, "status": 500} for item in items]

    response = shop.patch(MANY, {"orderitem_set": changes})
    strange = shop.patch(MANY, {"orderitem_set": [changes[0], {"id": 10**15, "status": 500}]})

    assert (response.status_code, set(response.json())) == (400, {"orderitem_set.1.status", "code"})
    assert (strange.status_code, strange.json()) == (404, ABSENT)
    assert shop.stored_rows() == before


def test_bulk_update_needs_the_same_queries_for_any_length() -> None:
    orders = [factories.create_order(number=str(number)) for number in range(20)]
    ids = [item.pk for order in orders for item in factories.items_of(order)]
    caller = shop.client()
    caller.get(ITEMS)

    counts = []
    for status, chosen in ((450, ids[:2]), (500, ids)):
        body = {"orderitem_set": [{"id": pk, "status": status} for pk in chosen]}
        with CaptureQueriesContext(connection) as queries:
            assert shop.patch(MANY, body, caller).status_code == 200
        counts.append(len([query for query in queries if "SAVEPOINT" not in query["sql"]]))
    # Key, limit; lock, items, write, orders; roll-up; items, shares, currencies.
    assert counts == [12, 12]
