"""New cases: repeated, partial, late and too frequent requests, and their effects."""

from typing import Any

import pytest

from takeback.accounts.models import Session, User
from takeback.cancellations import errors
from takeback.cancellations.models import CancellationReason, CancellationRequest, CaseHistory
from takeback.core.errors import Problem
from takeback.logistics.models import EasyReturn
from takeback.orders.models import OrderItem
from takeback.orders.statuses import Status
from tests import factories
from tests.storefront.api import assert_refused, nothing_written, token_of, verify_order
from tests.storefront.routes import (
    ROUTES,
    Route,
    Shop,
    assert_field_error_by_all_routes,
    assert_refused_by_all_routes,
    in_both_dialects,
    opened_by_all_routes,
)
from tests.storefront.test_open_case_rules import ARRIVED

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]


def _cases_of_both_orders(shop: Shop, **fields: Any) -> None:
    for route in (ROUTES["customer, one item"], ROUTES["guest, one item"]):
        factories.create_case(item=shop.item(route), kind=shop.kind, **fields)


@pytest.mark.parametrize("status", ["waiting", "waiting_approval", "confirmed", "approved"])
def test_item_has_one_live_case(status: str) -> None:
    shop = Shop()
    _cases_of_both_orders(shop, status=status)

    assert_refused_by_all_routes(shop, errors.ALREADY_REQUESTED)


@pytest.mark.parametrize("status", ["rejected", "withdrawn"])
def test_rejected_or_withdrawn_case_allows_a_new_case(status: str) -> None:
    shop = Shop()
    _cases_of_both_orders(shop, status=status)

    assert len(opened_by_all_routes(shop)) == len(ROUTES)


@pytest.mark.parametrize(
    ("kind", "status", "problem"),
    [
        ("cancel", Status.CANCELLED, errors.CANNOT_CANCEL_NOW),
        ("refund", Status.REFUNDED, errors.CANNOT_RETURN_NOW),
    ],
)
def test_completed_case_allows_no_new_case(kind: str, status: Status, problem: Problem) -> None:
    shop = Shop(kind=kind, items=[factories.item_input(status=status)])
    _cases_of_both_orders(shop, status="completed")

    assert_refused_by_all_routes(shop, problem)


def test_closed_units_are_not_available() -> None:
    shop = Shop(items=[factories.item_input(quantity=3)])
    OrderItem.objects.update(units_closed=2)

    assert_refused_by_all_routes(
        shop, errors.with_units_left(errors.QUANTITY_TOO_LARGE, 1), {"quantity": 2}
    )
    assert {case["quantity"] for case in opened_by_all_routes(shop)} == {1}
    OrderItem.objects.update(units_closed=3)
    assert_refused_by_all_routes(shop, errors.CANNOT_CANCEL_NOW)


def test_missing_quantity_means_all_units() -> None:
    shop = Shop(items=[factories.item_input(quantity=3)])

    assert {case["quantity"] for case in opened_by_all_routes(shop)} == {3}
    assert {case["quantity"] for case in opened_by_all_routes(shop, quantity=2)} == {2}


def test_carrier_slug_is_refused() -> None:
    shop = Shop(kind="refund", items=[factories.item_input(**ARRIVED)])

    assert_field_error_by_all_routes(
        shop, "shipping_company", "A whole number is required.", "yurtici"
    )


def test_default_carrier_applies_to_returns_without_a_carrier(settings: Any) -> None:
    shop = Shop(kind="refund", items=[factories.item_input(**ARRIVED)])
    settings.RETURN_CARRIER = factories.create_carrier(
        is_user_selectable=False, needs_pickup=True
    ).pk

    assert_refused_by_all_routes(shop, errors.PICKUP_ADDRESS_REQUIRED)
    for name, route, address in (
        ("customer", ROUTES["customer, one item"], shop.customer_order.shipping_address_id),
        ("guest", ROUTES["guest, one item"], shop.guest_order.billing_address_id),
    ):
        assert shop.open_case(route, pickup_address=address).status_code == 200, name
    assert EasyReturn.objects.filter(carrier="yurtici", status="wanted").count() == 2


def test_pickup_is_stored_for_the_carrier() -> None:
    # Nothing is booked with the carrier yet, so there is no code.
    shop = Shop(kind="refund", items=[factories.item_input(**ARRIVED)])
    address = factories.create_address(user=shop.user).pk
    window = {"date": "2026-03-12", "hour_range": {"start": "09:00", "end": "12:00"}}
    carrier = factories.create_carrier(needs_pickup=True).pk
    response = shop.open_case(
        ROUTES["customer, one item"],
        shipping_company=carrier,
        pickup_address=address,
        pickup_date=window,
    )

    assert (response.status_code, response.json()["easy_return"]) == (200, None)
    easy_return = EasyReturn.objects.get()
    assert (easy_return.pickup_address_id, easy_return.pickup_date) == (address, window)
    assert (easy_return.carrier, easy_return.max_count, easy_return.status) == (
        "yurtici",
        1,
        "wanted",
    )


def test_labels_are_translated_and_digits_are_not() -> None:
    shop = Shop()
    route = ROUTES["customer, one item"]
    body = shop.body(route, shop.item_body(route))
    response = shop.send(route, body, headers={"Accept-Language": "ar"})

    assert response.json()["status"] == {"value": "open", "label": "\u0645\u0641\u062a\u0648\u062d"}
    assert response.json()["created_date"] == "2026-03-10T12:00:00Z"


@pytest.mark.parametrize(
    ("currency", "goods_minor", "shown"),
    [("jpy", 1001, "1001"), ("kwd", 1001, "1.001"), ("try", 1001, "10.01")],
)
def test_amounts_of_all_currencies_are_split_exactly(
    currency: str, goods_minor: int, shown: str
) -> None:
    item = factories.item_input(goods_minor=goods_minor, discount_minor=0, quantity=2)
    shop = Shop(currency=currency, items=[item])
    route = ROUTES["cancel order"]
    body, key = shop.body(route, shop.item_body(route, quantity=1)), {"Idempotency-Key": "1"}
    assert shop.send(route, body, headers=key).status_code == 200

    rest, part = factories.items_of(shop.customer_order)
    assert rest.goods_minor + part.goods_minor == goods_minor
    assert (rest.goods_minor, part.goods_minor) == (500, 501)
    order = shop.customer.get(f"/users/orders/{shop.customer_order.pk}/").json()
    assert order["amount"] == shown


@pytest.mark.parametrize("change", ["session ended", "customer disabled", "password changed"])
def test_ended_session_is_not_authenticated(change: str) -> None:
    shop = Shop()
    if change == "session ended":
        Session.objects.all().delete()
    elif change == "customer disabled":
        User.objects.filter(pk=shop.user.pk).update(is_active=False)
    else:
        User.objects.filter(pk=shop.user.pk).update(password="other")
    for name, route, dialect in in_both_dialects(
        {n: w for n, w in ROUTES.items() if not w.is_guest}
    ):
        response = shop.open_case(route, dialect)
        assert response.status_code == 401, name
        assert_refused(response, 401, "not_authenticated")
    assert CancellationRequest.objects.count() == 0


def test_cancelled_order_is_not_cancelled_again() -> None:
    shop = Shop()
    OrderItem.objects.update(status=Status.CANCELLED)

    assert_refused_by_all_routes(shop, errors.CANNOT_CANCEL_NOW)


def test_requests_of_a_customer_are_limited_per_hour(settings: Any) -> None:
    # Refused requests count, too.
    settings.REQUESTS_PER_HOUR = 5
    shop = Shop()
    routes = [route for route in ROUTES.values() if not route.is_guest]

    responses = [shop.open_case(routes[0]) for _ in range(4)] + [shop.open_case(routes[1])]
    assert [response.status_code for response in responses] == [200, 406, 406, 406, 406]
    with nothing_written():
        for route in routes:
            response = shop.open_case(route)
            assert_refused(response, 429, "too_many_requests")
            assert response["Retry-After"] == "3600"
    assert (CancellationRequest.objects.count(), CaseHistory.objects.count()) == (1, 1)

    other = factories.create_customer(email="other@example.com")
    client = factories.client_of(other)
    shop.customer, shop.token = client, token_of(client)
    assert shop.open_case(routes[0]).status_code == 400


@pytest.mark.parametrize("names_the_order", [True, False])
def test_requests_of_a_guest_are_limited_per_order_and_hour(
    names_the_order: bool, settings: Any
) -> None:
    settings.REQUESTS_PER_HOUR = 3
    settings.STOREFRONT_SERVERS = ["127.0.0.0/8"]
    shop = Shop()
    single, bulk = ROUTES["guest, one item"], ROUTES["guest, bulk"]
    if not names_the_order:
        verify_order(shop.guest)

    def open_case(route: Route) -> Any:
        removed = {} if names_the_order else {"number": ..., "email": ...}
        body = shop.body(route, shop.item_body(route)) | removed
        body = {key: value for key, value in body.items() if value is not ...}
        headers = {} if names_the_order else token_of(shop.guest)
        return shop.send(route, body, headers=headers)

    assert [open_case(route).status_code for route in (single, single, bulk)] == [200, 406, 406]
    with nothing_written():
        for route in (single, bulk):
            response = open_case(route)
            assert_refused(response, 429, "too_many_requests")
            assert response["Retry-After"] == "3600"


def test_setting_confirms_all_cancellations_at_once(settings: Any) -> None:
    settings.CANCEL_AUTO_CONFIRM = True
    shop = Shop()
    route = ROUTES["customer, one item"]
    response = shop.open_case(route)

    assert response.json()["status"]["value"] == "open"
    case = CancellationRequest.objects.get()
    assert (case.status, shop.item(route).status) == ("confirmed", Status.CANCELLATION_WAITING)
    steps = list(CaseHistory.objects.order_by("seq").values_list("event", "actor_kind"))
    assert steps == [("open", "customer"), ("confirm", "system")]


def test_cancel_order_confirms_cancellations_but_not_returns() -> None:
    items = [factories.item_input(), factories.item_input(remote_id="2", **ARRIVED)]
    shop = Shop(items=items)
    route = ROUTES["cancel order"]
    refund = factories.create_reason(kind="refund").pk
    back = shop.item_body(route, 1, cancellation_type="refund", reason=refund)
    assert shop.send(route, shop.body(route, shop.item_body(route), back)).status_code == 200

    rows = CancellationRequest.objects.order_by("pk").values_list("cancellation_type", "status")
    assert list(rows) == [("cancel", "confirmed"), ("refund", "waiting")]
    assert [item.status for item in factories.items_of(shop.customer_order)] == [
        Status.CANCELLATION_WAITING,
        Status.DELIVERED,
    ]


def test_case_stores_its_reason() -> None:
    shop = Shop()
    other = factories.create_reason(kind="refund", subject="Other")
    shop.open_case(ROUTES["customer, one item"], reason=other.pk)

    assert CancellationReason.objects.get(cancellationrequest__isnull=False) == other


def test_pickup_is_stored_for_the_carrier_that_the_shop_chooses(settings: Any) -> None:
    shop = Shop(kind="refund", items=[factories.item_input(**ARRIVED)])
    address = factories.create_address(user=shop.user).pk
    window = {"date": "2026-03-12", "hour_range": {"start": "09:00", "end": "12:00"}}
    settings.RETURN_CARRIER = factories.create_carrier(needs_pickup=True).pk

    response = shop.open_case(
        ROUTES["customer, one item"], pickup_address=address, pickup_date=window
    )

    assert response.status_code == 200
    easy_return = EasyReturn.objects.get()
    assert (easy_return.pickup_address_id, easy_return.pickup_date) == (address, window)


def test_pickup_without_a_carrier_is_refused_and_nothing_written() -> None:
    shop = Shop(kind="refund", items=[factories.item_input(**ARRIVED)])
    address = factories.create_address(user=shop.user).pk

    with nothing_written():
        response = shop.open_case(ROUTES["customer, one item"], pickup_address=address)

    assert (response.status_code, response.json()) == (
        400,
        {"shipping_company": str(errors.PICKUP_NEEDS_CARRIER.message)},
    )
