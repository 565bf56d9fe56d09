"""The documented example of telling an order, replayed; and reading it back."""

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

# Numbers and times of our own: an example can only show their kind.
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


def _unlike(shown: Any, given: Any) -> list[str]:
    return [
        text
        for text in differences(shown, given)
        if text.partition(":")[0].rpartition(".")[2] not in OURS
    ]


def _told() -> dict[str, Any]:
    return example("channel_create_orders")


def test_an_order_told_as_documented_is_answered_as_documented() -> None:
    told = _told()
    caller = shop.client()

    answer = caller.generic(
        told["request"]["method"],
        told["request"]["path"],
        json.dumps(told["request"]["body"]),
        content_type="application/json",
    )

    assert answer.status_code == told["status"]
    assert _unlike(told["answer"], answer.json()) == []
    found = shop.find(caller, told["answer"]["number"]).json()
    assert found == {"count": 1, "next": None, "previous": None, "results": [answer.json()]}


def test_ids_and_times_are_of_the_kind_that_the_example_shows() -> None:
    told = _told()
    given = shop.send(shop.client(), told["request"]["body"]).json()
    line = given["orderitem_set"][0]
    (share,) = line["benefitapplicant_set"]

    assert given["pk"] == given["id"] == line["order"]
    assert line["pk"] == line["id"] == share["order_item"]
    assert share["pk"] == share["id"]
    for number in (given["id"], line["id"], given["customer"], share["discount_item"]):
        assert isinstance(number, int)
    for document in (given, line, share):
        assert document["created_date"].endswith("Z")
        assert document["modified_date"].endswith("Z")


def test_answers_have_the_types_that_the_api_page_shows() -> None:
    caller = shop.client()
    told = shop.send(caller, _told()["request"]["body"])
    shop.send(caller, shop.document())

    order = msgspec.json.decode(told.content, type=ChannelOrder)
    assert str(order["amount"]) == "1000.00"
    answer = caller.get("/api/v1/channel/1/orders/").content
    found = msgspec.json.decode(answer, type=dict[str, msgspec.Raw])
    bare, full = msgspec.json.decode(found["results"], type=list[ChannelOrder])
    assert full == order
    assert str(bare["amount"]) == "20.37"


def test_the_answer_has_no_key_that_the_example_does_not_show() -> None:
    told = _told()
    given = shop.send(shop.client(), told["request"]["body"]).json()

    assert set(given) == set(told["answer"])
    shown, line = told["answer"]["orderitem_set"][0], given["orderitem_set"][0]
    assert set(line) - set(shown) == {
        "retail_price",
        "tracking_number",
        "invoice_number",
        "invoice_date",
        "e_archive_url",
        "delivered_date",
        "parent",
    }
    for name in ("product", "price_list", "stock_list", "datasource", "shipping_option_group"):
        assert set(line[name]) == set(shown[name])


def test_a_customer_told_as_documented_is_answered_as_documented() -> None:
    told = example("channel_customer")
    caller = shop.client(shop.key(scopes=["decide", "pii"], channels=[5]))

    answer = caller.post(
        told["request"]["path"], told["request"]["body"], content_type="application/json"
    )

    assert answer.status_code == told["status"]
    assert set(answer.json()) - set(told["answer"]) == {"id"}
    found = [text for text in _unlike(told["answer"], answer.json()) if "date_joined" not in text]
    assert found == []
    assert answer.json()["date_joined"].endswith("Z")
    msgspec.json.decode(answer.content, type=ChannelCustomer)


def test_lines_told_as_documented_are_answered_as_documented() -> None:
    told = example("channel_order_items_bulk_status_update")
    (line,) = factories.items_of(factories.make_order())
    body = told["request"]["body"]
    body["orderitem_set"][0]["id"] = line.pk

    answer = shop.client().patch(told["request"]["path"], body, content_type="application/json")

    assert answer.status_code == told["status"]
    assert _unlike(told["answer"], answer.json()) == []
    msgspec.json.decode(answer.content, type=list[ChannelOrderItem])


def test_an_order_is_cancelled_as_documented() -> None:
    told = example("channel_order_cancel")
    order = factories.make_order()
    (line,) = factories.items_of(order)
    text = json.dumps(told["request"])
    names = {"order": order.pk, "item": line.pk, "reason": factories.make_reason().pk}
    for name, number in names.items():
        text = text.replace(f"{{{name}}}", str(number))
    request = json.loads(text)

    answer = shop.client().post(request["path"], request["body"], content_type="application/json")

    assert answer.status_code == told["status"]
    document = msgspec.json.decode(answer.content, type=ChannelOrder)
    assert [item["status"] for item in document["orderitem_set"]] == ["cancellation_waiting"]
