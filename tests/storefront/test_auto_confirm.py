"""Cases that are confirmed at once, also in repeated requests (promises P2, P10)."""

from collections.abc import Iterator
from typing import Any

import pytest
import zeal

from takeback.cancellations import errors
from takeback.cancellations.commands.transition import approve, confirm
from takeback.cancellations.models import CancellationPlan, CancellationRequest
from takeback.cancellations.plans import RefundTerms
from takeback.core.actor import Actor, ActorKind
from takeback.core.ids import CaseId
from takeback.orders.models import Order, OrderItem
from takeback.orders.scope import OrderScope
from tests import factories
from tests.channel import case_calls
from tests.storefront.api import CLASSIC, nothing_written
from tests.storefront.routes import ROUTES, Shop

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

KEY = {"Idempotency-Key": "a-key"}
DIRECT = ROUTES["cancel order"]
STAFF = Actor(ActorKind.STAFF, 1)
FIVE_UNITS = [factories.item_input(quantity=5)]


@pytest.fixture(autouse=True)
def _few_queries_do_not_matter_here() -> Iterator[None]:
    with zeal.zeal_ignore():
        yield


def cases() -> list[tuple[str, int, int]]:
    """Status and units of each case, and the units of its item."""
    rows = CancellationRequest.objects.order_by("pk")
    return list(rows.values_list("status", "quantity", "order_item__quantity"))


@pytest.mark.parametrize("name", ROUTES)
def test_part_of_an_item_waits_without_an_idempotency_key(name: str, settings: Any) -> None:
    settings.CANCEL_AUTO_CONFIRM = name != "cancel order"
    shop, route = Shop(items=FIVE_UNITS), ROUTES[name]

    assert shop.open_case(route, quantity=1).status_code in (200, 201)
    with nothing_written():
        for _ in range(3):
            response = shop.open_case(route, quantity=1)
            expected = route.refusal(CLASSIC, errors.ALREADY_REQUESTED)
            assert (response.status_code, response.json()) == expected

    assert cases() == [("waiting", 1, 5)]


@pytest.mark.parametrize("name", ROUTES)
def test_part_of_an_item_is_confirmed_once_with_an_idempotency_key(
    name: str, settings: Any
) -> None:
    settings.CANCEL_AUTO_CONFIRM = name != "cancel order"
    shop, route = Shop(items=FIVE_UNITS), ROUTES[name]
    body = shop.body(route, shop.item_body(route, quantity=1))

    first, *others = (shop.send(route, body, headers=KEY) for _ in range(3))

    assert first.status_code in (200, 201)
    assert [other.content for other in others] == [first.content] * 2
    assert cases() == [("confirmed", 1, 1)]


@pytest.mark.parametrize("quantity", [..., 5])
def test_complete_item_is_confirmed_without_a_key(quantity: Any) -> None:
    shop = Shop(items=FIVE_UNITS)

    assert shop.open_case(DIRECT, quantity=quantity).status_code == 200
    assert shop.open_case(DIRECT, quantity=quantity).status_code == 406

    assert cases() == [("confirmed", 5, 5)]


def test_channel_app_gets_no_second_part_without_a_key(settings: Any) -> None:
    settings.CANCEL_AUTO_CONFIRM = True
    first, second = (factories.create_order(number=number, items=FIVE_UNITS) for number in "12")
    reason, app = factories.create_reason().pk, case_calls.caller()

    def open_case(order: Order, **headers: str) -> int:
        item_id = factories.items_of(order)[0].pk
        body = {
            "order_item": item_id,
            "reason": reason,
            "cancellation_type": "cancel",
            "quantity": 1,
        }
        status: int = case_calls.send(app, "POST", case_calls.CASES, body, **headers).status_code
        return status

    assert [open_case(first), open_case(first)] == [201, 400]
    assert [open_case(second, **KEY), open_case(second, **KEY)] == [201, 201]
    assert cases() == [("waiting", 1, 5), ("confirmed", 1, 1)]


def test_case_waits_if_the_order_has_no_refundable_amount_left() -> None:
    shop = Shop(items=[factories.item_input(remote_id=str(number)) for number in range(3)])
    shop.open_case(ROUTES["customer, one item"])
    case = CaseId(CancellationRequest.objects.get().pk)
    forced = RefundTerms(forced_refund_minor=shop.customer_order.amount_minor - 500)
    confirm(case, OrderScope(factories.SHOP), actor=STAFF, now=factories.NOW, terms=forced)
    approve(case, OrderScope(factories.SHOP), actor=STAFF, now=factories.NOW)

    response = shop.send(
        DIRECT, shop.body(DIRECT, shop.item_body(DIRECT, 1), shop.item_body(DIRECT, 2))
    )

    assert response.status_code == 200
    assert [row[0] for row in cases()] == ["approved", "waiting", "waiting"]
    assert CancellationPlan.objects.count() == 1
    assert OrderItem.objects.filter(status=50).count() == 1
