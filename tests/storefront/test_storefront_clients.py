"""The exact requests of existing storefronts."""

from typing import Any

import pytest

from takeback.cancellations.models import CancellationRequest
from takeback.orders.statuses import Status
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import post, token_of
from tests.storefront.routes import OPEN_CASES

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

HEADERS = {
    "Accept": "application/json",
    "X-Requested-With": "XMLHttpRequest",
    "Accept-Language": "tr-tr",
    "x-currency": "try",
}


@pytest.fixture
def shop() -> tuple[HttpClient, Any]:
    """A customer with a delivered item and one that is not shipped; one reason."""
    user = factories.create_customer()
    items_in = [factories.item_input(status=Status.DELIVERED), factories.item_input(remote_id="2")]
    order = factories.create_order(customer=user, items=items_in)
    factories.create_reason(pk=1)
    return factories.client_of(user), order


def item_bodies(order: Any, *, as_text: bool) -> list[dict[str, Any]]:
    """The items as the form of the order page sends them, with reason 1 for refunds too."""
    kinds = ("refund", "cancel")
    return [
        {
            "cancellation_type": kind,
            "order_item": str(item.pk) if as_text else item.pk,
            "reason": "1",
            "description": "",
        }
        for kind, item in zip(kinds, factories.items_of(order), strict=True)
    ]


@pytest.mark.parametrize("as_text", [False, True])
def test_bulk_cancellation_of_the_order_form(shop: tuple[HttpClient, Any], as_text: bool) -> None:
    client, order = shop
    body = {
        "id": order.number,
        "return_policy": True,
        "cancel_order_items": item_bodies(order, as_text=as_text),
    }
    response = post(client, OPEN_CASES, body, headers=HEADERS | token_of(client))

    assert response.status_code == 201, response.content
    cases = [(case["cancellation_type"], case["reason"]) for case in response.json()]
    assert cases == [("refund", 1), ("cancel", 1)]
    assert CancellationRequest.objects.filter(status="waiting", description=None).count() == 2


@pytest.mark.parametrize("as_text", [False, True])
def test_cancel_order_of_the_order_template(shop: tuple[HttpClient, Any], as_text: bool) -> None:
    client, order = shop
    body = {"return_policy": True, "cancel_order_items": item_bodies(order, as_text=as_text)}
    path = f"/orders/{order.number}/cancel/"
    response = post(client, path, body, headers=HEADERS | token_of(client))

    assert response.status_code == 200, response.content
    rows = CancellationRequest.objects.order_by("pk").values_list("cancellation_type", "status")
    assert list(rows) == [("refund", "waiting"), ("cancel", "confirmed")]


def test_repeated_request_opens_cases_once(shop: tuple[HttpClient, Any]) -> None:
    client, order = shop
    body = {"cancel_order_items": item_bodies(order, as_text=True)}
    responses = [
        post(client, OPEN_CASES, body, headers=HEADERS | token_of(client)) for _ in range(4)
    ]

    assert [response.status_code for response in responses] == [201, 406, 406, 406]
    assert responses[1].content == responses[2].content == responses[3].content
    assert CancellationRequest.objects.count() == 2
