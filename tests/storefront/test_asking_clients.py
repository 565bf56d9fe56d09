"""The very bodies of storefronts that are out there, and nothing added to them."""

from typing import Any

import pytest

from takeback.cancellations.models import CancellationRequest
from takeback.orders.statuses import Status
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import post, token_of
from tests.storefront.routes import MANY

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

HEADERS = {
    "Accept": "application/json",
    "X-Requested-With": "XMLHttpRequest",
    "Accept-Language": "tr-tr",
    "x-currency": "try",
}


@pytest.fixture
def shop() -> tuple[HttpClient, Any]:
    """A customer whose first item has arrived and whose second has not left; one reason."""
    user = factories.create_customer()
    lines = [factories.item_input(status=Status.DELIVERED), factories.item_input(remote_id="2")]
    order = factories.create_order(customer=user, items=lines)
    factories.create_reason(pk=1)
    return factories.client_of(user), order


def items(order: Any, *, as_text: bool) -> list[dict[str, Any]]:
    """What the form of the order page fills in; it says reason 1 for refunds, too."""
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
def test_the_form_s_bulk_cancellation(shop: tuple[HttpClient, Any], as_text: bool) -> None:
    client, order = shop
    body = {
        "id": order.number,
        "return_policy": True,
        "cancel_order_items": items(order, as_text=as_text),
    }
    answer = post(client, MANY, body, headers=HEADERS | token_of(client))

    assert answer.status_code == 201, answer.content
    told = [(case["cancellation_type"], case["reason"]) for case in answer.json()]
    assert told == [("refund", 1), ("cancel", 1)]
    assert CancellationRequest.objects.filter(status="waiting", description=None).count() == 2


@pytest.mark.parametrize("as_text", [False, True])
def test_the_template_s_cancel_of_an_order(shop: tuple[HttpClient, Any], as_text: bool) -> None:
    client, order = shop
    body = {"return_policy": True, "cancel_order_items": items(order, as_text=as_text)}
    path = f"/orders/{order.number}/cancel/"
    answer = post(client, path, body, headers=HEADERS | token_of(client))

    assert answer.status_code == 200, answer.content
    rows = CancellationRequest.objects.order_by("pk").values_list("cancellation_type", "status")
    assert list(rows) == [("refund", "waiting"), ("cancel", "confirmed")]


def test_a_call_repeated_three_times_leaves_one_case(shop: tuple[HttpClient, Any]) -> None:
    client, order = shop
    body = {"cancel_order_items": items(order, as_text=True)}
    calls = [post(client, MANY, body, headers=HEADERS | token_of(client)) for _ in range(4)]

    assert [call.status_code for call in calls] == [201, 406, 406, 406]
    assert calls[1].content == calls[2].content == calls[3].content
    assert CancellationRequest.objects.count() == 2
