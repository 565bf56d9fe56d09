"""The preview of an order's refund in the channel API."""

from datetime import datetime
from typing import Any

import pytest

from takeback.orders.models import Order
from takeback.orders.order_input import PaymentIn
from tests import factories
from tests.channel import shop
from tests.channel.case_calls import caller, refused, send
from tests.refunds.payments import make_returnable
from tests.storefront.api import nothing_written

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several requests"),
]


def path_of(order: Order, prefix: str = "/api/v1", channel: int = shop.SHOP) -> str:
    return f"{prefix}/channel/{channel}/orders/{order.pk}/refund_preview/"


def sold(**fields: Any) -> tuple[Order, list[int]]:
    """An order of two items, of one and of two units, and their ids."""
    items = [
        factories.item_input(),
        factories.item_input(remote_id="2", goods_minor=2001, quantity=2),
    ]
    order = factories.create_order(items=items, **{"shipping_minor": 600} | fields)
    make_returnable()
    return order, [item.pk for item in factories.items_of(order)]


def previews(order: Order, body: Any, **options: Any) -> Any:
    system = caller(*options.pop("scopes", ("read",)))
    with nothing_written():
        response = send(system, "POST", path_of(order, **options), body)
    assert response.status_code == 200, response.content
    return response


def test_all_items_are_previewed(frozen_now: datetime) -> None:
    order, [first, second] = sold()

    response = previews(order, {"is_all": True})

    item = {
        "discount_amount": 0,
        "shipping_amount": 0,
        "fee_amount": 0,
        "installment_interest_amount": 0,
        "adjustment_amount": 0,
        "tax_amount": 0,
        "tax_rate": 0,
    }
    assert response.json() == [
        {
            "order": order.pk,
            "plan_type": "cancel",
            "currency": "try",
            "amount": 36.01,
            "items": [
                item | {"order_item": first, "quantity": 1, "price": 10, "amount": 10},
                item | {"order_item": second, "quantity": 2, "price": 20.01, "amount": 20.01},
                item
                | {
                    "order_item": None,
                    "quantity": 0,
                    "price": 0,
                    "shipping_amount": 6,
                    "amount": 6,
                },
            ],
            "refunds": [
                {
                    "method": "original",
                    "payment_type": "credit_card",
                    "amount": 36.01,
                    "latest_date": "2026-03-24",
                }
            ],
            "earned_loyalty_amount": 0,
        }
    ]
    assert b'"amount":36.01,' in response.content
    assert b'"price":10.00,' in response.content


@pytest.mark.parametrize(
    ("fields", "amount"),
    [
        ({}, 20.01),
        ({"is_cargo_refund": True}, 24.01),
        ({"forced_refund_amount": 5.5}, 5.5),
        ({"forced_refund_amount": False}, 20.01),
    ],
)
def test_terms_of_a_cancellation_are_previewed(fields: dict[str, Any], amount: float) -> None:
    order, [_, second] = sold()

    [preview] = previews(order, {"cancel_items": [second]} | fields).json()

    assert preview["amount"] == amount


def test_units_are_previewed() -> None:
    order, [_, second] = sold()

    [preview] = previews(order, {"cancel_items": [second], "quantities": {second: 1}}).json()

    assert (preview["amount"], preview["items"][0]["quantity"]) == (10.01, 1)


def test_kinds_of_items_are_previewed_apart() -> None:
    items = [factories.item_input(), factories.item_input(remote_id="2", status=550)]
    order = factories.create_order(items=items)

    rows = previews(order, {"is_all": True}).json()

    assert [(row["plan_type"], row["amount"]) for row in rows] == [("cancel", 10), ("refund", 10)]


def test_destinations_are_previewed() -> None:
    paid = [PaymentIn(kind="funds_transfer", amount_minor=3601, captured_minor=3601)]
    order, [first, _] = sold(payments=paid)
    account = {
        "ibans": {first: "TR330006100519786457841326"},
        "holder_names": {first: "Ayla Ray"},
    }
    points = {"fully_refund_as_loyalty_money": True}

    methods = [
        previews(order, {"cancel_items": [first]} | fields).json()[0]["refunds"][0]["method"]
        for fields in ({}, account, points)
    ]

    assert methods == ["manual", "bank_transfer", "loyalty"]


@pytest.mark.parametrize("prefix", shop.PREFIXES)
def test_order_of_another_channel_is_not_found(prefix: str) -> None:
    order, _ = sold()
    other = shop.client(shop.key(scopes=["read"], channels=[shop.OTHER]))

    response = send(other, "POST", path_of(order, prefix, shop.OTHER), {"is_all": True})

    assert response.status_code == 404


def test_key_without_the_scope_read_is_refused() -> None:
    order, _ = sold()
    system = shop.client(shop.key(scopes=["money"]))

    assert send(system, "POST", path_of(order), {"is_all": True}).status_code == 403


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"cancel_items": [10**6]}, "order_cancel_unknown_item", "cancel_items"),
        ({"is_all": True, "forced_refund_amount": -1}, "invalid", "forced_refund_amount"),
        ({"is_all": True, "forced_refund_amount": 36.02}, "more_than_paid", "forced_refund_amount"),
        ({"is_all": True, "forced_refund_amount": "1.001"}, "invalid", "forced_refund_amount"),
        ({"is_all": True, "quantities": {"x": 1}}, "invalid", "quantities"),
        ({"is_all": True, "order": 5}, "invalid", "order"),
    ],
)
def test_invalid_previews_are_refused(body: dict[str, Any], code: str, field: str) -> None:
    (order, _), system = sold(), caller("read")

    with refused(400, code, field) as responses:
        responses.append(send(system, "POST", path_of(order), body))


def test_more_units_than_are_left_are_refused() -> None:
    (order, [first, _]), system = sold(), caller("read")
    body = {"cancel_items": [first], "quantities": {first: 2}}

    with refused(400, "quantity_too_large", "quantity") as responses:
        responses.append(send(system, "POST", path_of(order), body))
