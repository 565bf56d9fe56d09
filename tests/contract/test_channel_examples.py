"""The documented channel examples of orders, items and customers, replayed."""

import json
from typing import Any

import msgspec
import pytest

from takeback.channel.customers.documents import ChannelCustomer
from takeback.channel.items.documents import ChannelOrderItem
from takeback.channel.orders.documents import ChannelOrder
from tests import factories
from tests.channel import shop
from tests.contract.examples import differences, example

pytestmark = pytest.mark.django_db

# Our own ids and times: an example can only show their type.
OURS = {
    "pk",
    "id",
    "customer",
    "order",
    "order_item",
    "discount_item",
    "created_date",
    "modified_date",
}


def _differences(expected: Any, document: Any) -> list[str]:
    return [
        text
        for text in differences(expected, document)
        if text.partition(":")[0].rpartition(".")[2] not in OURS
    ]


def _order_example() -> dict[str, Any]:
    return example("channel_create_orders")


def test_documented_order_gets_the_documented_response() -> None:
    order = _order_example()
    caller = shop.client()

    response = caller.generic(
        order["request"]["method"],
        order["request"]["path"],
        json.dumps(order["request"]["body"]),
        content_type="application/json",
    )

    assert response.status_code == order["status"]
    assert _differences(order["answer"], response.json()) == []
    page = shop.find_orders(caller, order["answer"]["number"]).json()
    assert page == {"count": 1, "next": None, "previous": None, "results": [response.json()]}


def test_ids_and_times_have_the_types_of_the_example() -> None:
    document = shop.create_order(shop.client(), _order_example()["request"]["body"]).json()
    item = document["orderitem_set"][0]
    (share,) = item["benefitapplicant_set"]

    assert document["pk"] == document["id"] == item["order"]
    assert item["pk"] == item["id"] == share["order_item"]
    assert share["pk"] == share["id"]
    for number in (document["id"], item["id"], document["customer"], share["discount_item"]):
        assert isinstance(number, int)
    for part in (document, item, share):
        assert part["created_date"].endswith("Z")
        assert part["modified_date"].endswith("Z")


def test_order_responses_have_the_types_of_the_api_page() -> None:
    caller = shop.client()
    created = shop.create_order(caller, _order_example()["request"]["body"])
    shop.create_order(caller, shop.order_body())

    order = msgspec.json.decode(created.content, type=ChannelOrder)
    assert str(order["amount"]) == "1000.00"
    content = caller.get("/api/v1/channel/1/orders/").content
    page = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    bare, full = msgspec.json.decode(page["results"], type=list[ChannelOrder])
    assert full == order
    assert str(bare["amount"]) == "20.37"


def test_order_response_has_the_keys_of_the_example_and_few_others() -> None:
    expected = _order_example()
    document = shop.create_order(shop.client(), expected["request"]["body"]).json()

    assert set(document) - set(expected["answer"]) == {"refunded_elsewhere_amount", "refund_set"}
    assert set(expected["answer"]) <= set(document)
    expected_item = expected["answer"]["orderitem_set"][0]
    item = document["orderitem_set"][0]
    assert set(item) - set(expected_item) == {
        "units_left",
        "refunded_elsewhere_quantity",
        "retail_price",
        "tracking_number",
        "invoice_number",
        "invoice_date",
        "e_archive_url",
        "delivered_date",
        "parent",
    }
    for name in ("product", "price_list", "stock_list", "datasource", "shipping_option_group"):
        assert set(item[name]) == set(expected_item[name])


def test_documented_customer_gets_the_documented_response() -> None:
    customer = example("channel_customer")
    caller = shop.client(shop.key(scopes=["decide", "pii"], channels=[5]))

    response = caller.post(
        customer["request"]["path"], customer["request"]["body"], content_type="application/json"
    )

    assert response.status_code == customer["status"]
    document = response.json()
    assert set(document) - set(customer["answer"]) == {"id"}
    texts = _differences(customer["answer"], document)
    assert [text for text in texts if "date_joined" not in text] == []
    assert document["date_joined"].endswith("Z")
    msgspec.json.decode(response.content, type=ChannelCustomer)


def test_documented_item_changes_get_the_documented_response() -> None:
    bulk = example("channel_order_items_bulk_status_update")
    (item,) = factories.items_of(factories.create_order())
    body = bulk["request"]["body"]
    body["orderitem_set"][0]["id"] = item.pk

    response = shop.client().patch(bulk["request"]["path"], body, content_type="application/json")

    assert response.status_code == bulk["status"]
    assert _differences(bulk["answer"], response.json()) == []
    msgspec.json.decode(response.content, type=list[ChannelOrderItem])


def test_documented_order_cancellation_gets_the_documented_response() -> None:
    cancel = example("channel_order_cancel")
    order = factories.create_order()
    (item,) = factories.items_of(order)
    text = json.dumps(cancel["request"])
    names = {"order": order.pk, "item": item.pk, "reason": factories.create_reason().pk}
    for name, number in names.items():
        text = text.replace(f"{{{name}}}", str(number))
    request = json.loads(text)

    response = shop.client().post(request["path"], request["body"], content_type="application/json")

    assert response.status_code == cancel["status"]
    document = msgspec.json.decode(response.content, type=ChannelOrder)
    assert [row["status"] for row in document["orderitem_set"]] == ["cancellation_waiting"]
