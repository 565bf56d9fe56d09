"""Previews of refunds for customers and guests: documents, access and refusals."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from takeback.orders.models import Order, OrderItem
from takeback.orders.order_input import LoyaltyIn, PaymentIn
from takeback.storefront.refunds_documents import RefundPreviewDocument
from tests import factories
from tests.factories import HttpClient
from tests.refunds.payments import make_returnable
from tests.storefront.api import (
    CLASSIC,
    V3,
    assert_common_headers,
    nothing_written,
    post,
    token_of,
    verify_order,
)
from tests.storefront.routes import LOOKUP_FAILED
from tests.storefront.test_documents import check

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

CUSTOMERS, GUESTS = "/users/orders/refund_preview/", "/users/orders/anonymous/refund_preview/"
IDENTITY = {"number": factories.NUMBER, "email": factories.GUEST}
IBAN = "TR330006100519786457841326"


def sold(*items: dict[str, Any], **fields: Any) -> tuple[Order, list[OrderItem]]:
    """An order, of a guest by default, and its items."""
    inputs = [
        factories.item_input(remote_id=str(number), **values)
        for number, values in enumerate(items or ({},), 1)
    ]
    order = factories.create_order(items=inputs, **fields)
    make_returnable()
    return order, factories.items_of(order)


def body_of(*items: OrderItem, **fields: Any) -> dict[str, Any]:
    """The body of a preview of cancellations."""
    shared = {"cancellation_type": "cancel"} | fields
    return {"cancel_order_items": [shared | {"order_item": item.pk} for item in items]}


def as_guest(body: dict[str, Any], **headers: str) -> Any:
    with nothing_written():
        return post(HttpClient(), GUESTS, IDENTITY | body, headers=headers)


def as_customer(user: Any, body: dict[str, Any], **headers: str) -> Any:
    client = factories.client_of(user)
    token = token_of(client)
    with nothing_written():
        return post(client, CUSTOMERS, body, headers=token | headers)


def preview_of_two_units(item: OrderItem, kind: Any) -> dict[str, Any]:
    """The preview of an item with two units, shipping costs, points and a card."""
    return {
        "order": item.order_id,
        "cancellation_type": kind,
        "currency": {"value": "try", "label": "TL"},
        "amount": "25.00",
        "items": [
            {
                "order_item": item.pk,
                "quantity": 2,
                "price": "20.00",
                "discount_amount": "1.00",
                "shipping_amount": "0.00",
                "fee_amount": "0.00",
                "installment_interest_amount": "0.00",
                "adjustment_amount": "0.00",
                "amount": "19.00",
                "tax_amount": "3.17",
                "tax_rate": "20.00",
            },
            {
                "order_item": None,
                "quantity": 0,
                "price": "0.00",
                "discount_amount": "0.00",
                "shipping_amount": "6.00",
                "fee_amount": "0.00",
                "installment_interest_amount": "0.00",
                "adjustment_amount": "0.00",
                "amount": "6.00",
                "tax_amount": "0.50",
                "tax_rate": "9.00",
            },
        ],
        "refunds": [
            {
                "method": {"value": "loyalty", "label": "Loyalty points"},
                "payment_type": "loyalty_money",
                "amount": "3.00",
                "latest_date": "2026-03-11",
            },
            {
                "method": {"value": "original", "label": "The way it was paid"},
                "payment_type": "credit_card",
                "amount": "22.00",
                "latest_date": "2026-03-24",
            },
        ],
        "earned_loyalty_amount": "0.90",
    }


@pytest.mark.parametrize("dialect", [CLASSIC, V3], ids=["classic", "v3"])
def test_preview_shows_components_refunds_and_points(dialect: dict[str, str]) -> None:
    payments = [
        PaymentIn(kind="credit_card", amount_minor=2200, captured_minor=2200),
        PaymentIn(kind="loyalty_money", amount_minor=300, captured_minor=300),
    ]
    points = [LoyaltyIn(uuid=UUID(int=5), amount_minor=90)]
    _, [item] = sold(
        {"goods_minor": 2000, "quantity": 2, "tax_rate": Decimal(20)},
        discount_minor=100,
        shipping_minor=600,
        shipping_tax_rate=Decimal(9),
        payments=payments,
        loyalty=points,
    )

    response = as_guest(body_of(item), **dialect)

    kind: Any = "cancel" if dialect is CLASSIC else {"value": "cancel", "label": "Cancellation"}
    assert response.status_code == 200
    assert response.json() == [preview_of_two_units(item, kind)]
    assert_common_headers(response)
    for document in response.json():
        check(document, RefundPreviewDocument)


@pytest.mark.parametrize(("code", "amount"), [("jpy", "334"), ("try", "3.34"), ("kwd", "0.334")])
def test_amounts_have_the_decimals_of_their_currency(code: str, amount: str) -> None:
    _, [item] = sold({"goods_minor": 1000, "quantity": 3}, currency=code)

    [preview] = as_guest(body_of(item, quantity=1)).json()

    assert preview["amount"] == preview["items"][0]["price"] == amount


def test_customer_previews_items_of_several_orders() -> None:
    user = factories.create_customer()
    _, [first] = sold(customer=user)
    _, [second] = sold({"status": 550}, customer=user, number="2")
    body = body_of(first)
    body["cancel_order_items"] += body_of(second, cancellation_type="refund")["cancel_order_items"]

    response = as_customer(user, body)

    assert [(row["order"], row["cancellation_type"]) for row in response.json()] == [
        (first.order_id, "cancel"),
        (second.order_id, "refund"),
    ]


def test_body_of_a_request_fits(frozen_now: datetime) -> None:
    user = factories.create_customer()
    _, [item] = sold(customer=user)
    body = body_of(item, reason=1, description="too small", shipping_company=3, pickup_address=4)

    assert as_customer(user, body).status_code == 200


@pytest.mark.parametrize("is_shared", [True, False])
def test_points_are_previewed_for_all_items_or_for_one(*, is_shared: bool) -> None:
    _, items = sold({}, {})
    body = body_of(*items)
    chosen = body if is_shared else body["cancel_order_items"][1]
    chosen["fully_refund_as_loyalty_money"] = True

    [preview] = as_guest(body).json()

    shown = [(row["method"]["value"], row["amount"]) for row in preview["refunds"]]
    assert shown == (
        [("loyalty", "20.00")] if is_shared else [("loyalty", "10.00"), ("original", "10.00")]
    )


def test_transfer_is_previewed_with_a_bank_account() -> None:
    paid = [PaymentIn(kind="funds_transfer", amount_minor=1000, captured_minor=1000)]
    _, [item] = sold(payments=paid)

    previews = [as_guest(body_of(item, **fields)).json()[0] for fields in ({"iban": IBAN}, {})]

    assert [row["refunds"][0]["method"]["value"] for row in previews] == [
        "bank_transfer",
        "manual",
    ]


class TestAccess:
    def test_verified_guest_needs_no_identity(self) -> None:
        _, [item] = sold()
        client = HttpClient()
        verify_order(client)

        response = post(client, GUESTS, body_of(item), headers=token_of(client))

        assert response.status_code == 200

    def test_item_alone_proves_nothing(self) -> None:
        _, [item] = sold()

        with nothing_written():
            response = post(HttpClient(), GUESTS, body_of(item))

        assert (response.status_code, response.json()) == (400, LOOKUP_FAILED)

    def test_item_of_another_order_is_refused_like_a_failed_look_up(self) -> None:
        sold()
        _, [other] = sold(number="2")
        client = HttpClient()
        verify_order(client)

        response = post(client, GUESTS, body_of(other), headers=token_of(client))

        assert (response.status_code, response.json()) == (400, LOOKUP_FAILED)

    def test_identity_opens_its_own_order_only(self) -> None:
        sold()
        _, [other] = sold(number="2")

        response = as_guest(body_of(other))

        assert (response.status_code, response.json()) == (
            400,
            {"cancel_order_items": {"0": {"order_item": ["There is no such item."]}}},
        )

    def test_wrong_identity_is_refused(self) -> None:
        _, [item] = sold()

        response = as_guest(body_of(item) | {"email": "else@example.com"})

        assert (response.status_code, response.json()) == (400, LOOKUP_FAILED)

    def test_customer_sees_no_items_of_others(self) -> None:
        _, [item] = sold()

        response = as_customer(factories.create_customer(), body_of(item))

        assert (response.status_code, response.json()) == (
            400,
            {"cancel_order_items": {"0": {"order_item": "There is no such item."}}},
        )

    def test_customers_must_sign_in(self) -> None:
        assert post(HttpClient(), CUSTOMERS, {}).status_code == 401

    def test_session_needs_the_csrf_token(self) -> None:
        client = factories.client_of(factories.create_customer())

        assert post(client, CUSTOMERS, {}).status_code == 403


class TestRefusals:
    def test_too_many_units_are_named_by_their_item(self) -> None:
        _, items = sold({}, {"quantity": 2})
        body = body_of(*items)
        body["cancel_order_items"][1]["quantity"] = 3

        text = "Quantity can not be greater than order item quantity. At most 2 units are left."
        assert as_guest(body).json() == {"cancel_order_items": {"1": {"quantity": [text]}}}

    def test_more_than_is_left_of_the_order(self) -> None:
        _, [item] = sold()
        Order.objects.update(refunded_elsewhere_minor=400)

        response = as_guest(body_of(item))

        assert (response.status_code, response.json()) == (
            400,
            {
                "detail": "The amount exceeds what is still refundable for this order (6.00 TRY).",
                "code": "more_than_paid",
            },
        )

    def test_points_that_the_shop_does_not_offer(self, settings: Any) -> None:
        settings.LOYALTY_FOR_GUESTS = False
        _, [item] = sold()

        response = as_guest(body_of(item, fully_refund_as_loyalty_money=True), **CLASSIC)

        assert (response.status_code, response.json()["error_code"]) == (406, "loyalty_100_1")

    def test_all_invalid_fields_are_named(self) -> None:
        body = {"cancel_order_items": [{"order_item": "x", "quantity": 0}], "email": "x"}

        errors = post(HttpClient(), GUESTS, body).json()

        assert errors.keys() == {"number", "email", "cancel_order_items"}
        assert errors["cancel_order_items"]["0"].keys() == {
            "order_item",
            "cancellation_type",
            "quantity",
        }

    @pytest.mark.parametrize("items", [[], [{}] * 51])
    def test_number_of_items_is_limited(self, items: list[Any]) -> None:
        response = as_guest({"cancel_order_items": items})

        assert (response.status_code, [*response.json()]) == (400, ["cancel_order_items"])
