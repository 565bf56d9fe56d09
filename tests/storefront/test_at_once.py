"""What is confirmed in the call that asks for it: once, however often the call comes (P2, P10)."""

from typing import Any

import pytest

from takeback.cancellations import errors
from takeback.cancellations.commands.transition import approve, confirm
from takeback.cancellations.models import CancellationPlan, CancellationRequest
from takeback.cancellations.plans import RefundTerms
from takeback.core.actor import Actor, ActorKind
from takeback.orders.models import Order, OrderItem
from takeback.orders.scope import OrderScope
from tests import factories
from tests.channel import case_calls
from tests.storefront.api import CLASSIC, nothing_written
from tests.storefront.routes import WAYS, Shop

pytestmark = [
    pytest.mark.allow_repeated_queries("a test sends several commands"),
    pytest.mark.django_db,
    pytest.mark.usefixtures("frozen_now"),
]

KEY = {"Idempotency-Key": "a-key"}
DIRECT = WAYS["direct"]
STAFF = Actor(ActorKind.STAFF, 1)
FIVE = [factories.item_in(quantity=5)]


def told_of_cases() -> list[tuple[str, int, int]]:
    """Status and units of every case, and the units of its line."""
    found = CancellationRequest.objects.order_by("pk")
    return list(found.values_list("status", "quantity", "order_item__quantity"))


@pytest.mark.parametrize("name", WAYS)
def test_a_part_waits_so_that_the_same_call_again_changes_nothing(name: str, settings: Any) -> None:
    settings.CANCEL_AUTO_CONFIRM = name != "direct"
    shop, way = Shop(items=FIVE), WAYS[name]

    assert shop.ask(way, quantity=1).status_code in (200, 201)
    with nothing_written():
        for _ in range(3):
            answer = shop.ask(way, quantity=1)
            expected = way.refusal(CLASSIC, errors.ALREADY_REQUESTED)
            assert (answer.status_code, answer.json()) == expected

    assert told_of_cases() == [("waiting", 1, 5)]


@pytest.mark.parametrize("name", WAYS)
def test_under_a_key_a_part_is_confirmed_and_its_repetition_is_answered_the_same(
    name: str, settings: Any
) -> None:
    settings.CANCEL_AUTO_CONFIRM = name != "direct"
    shop, way = Shop(items=FIVE), WAYS[name]
    body = shop.body(way, shop.told(way, quantity=1))

    first, *others = (shop.send(way, body, headers=KEY) for _ in range(3))

    assert first.status_code in (200, 201)
    assert [other.content for other in others] == [first.content] * 2
    assert told_of_cases() == [("confirmed", 1, 1)]


@pytest.mark.parametrize("quantity", [..., 5])
def test_a_whole_line_is_confirmed_without_a_key(quantity: Any) -> None:
    shop = Shop(items=FIVE)

    assert shop.ask(DIRECT, quantity=quantity).status_code == 200
    assert shop.ask(DIRECT, quantity=quantity).status_code == 406

    assert told_of_cases() == [("confirmed", 5, 5)]


def test_a_channel_app_that_calls_again_without_a_key_gets_no_second_part(settings: Any) -> None:
    settings.CANCEL_AUTO_CONFIRM = True
    first, second = (factories.make_order(number=number, items=FIVE) for number in "12")
    reason, app = factories.make_reason().pk, case_calls.caller()

    def ask(order: Order, **headers: str) -> int:
        line = factories.items_of(order)[0].pk
        body = {"order_item": line, "reason": reason, "cancellation_type": "cancel", "quantity": 1}
        status: int = case_calls.call(app, "POST", case_calls.CASES, body, **headers).status_code
        return status

    assert [ask(first), ask(first)] == [201, 400]
    assert [ask(second, **KEY), ask(second, **KEY)] == [201, 201]
    assert told_of_cases() == [("waiting", 1, 5), ("confirmed", 1, 1)]


def test_what_the_order_has_no_money_left_for_waits_for_the_shop() -> None:
    shop = Shop(items=[factories.item_in(remote_id=str(number)) for number in range(3)])
    shop.ask(WAYS["customer one"])
    case = CancellationRequest.objects.get().pk
    forced = RefundTerms(forced_refund_minor=shop.of_customer.amount_minor - 500)
    confirm(case, OrderScope(factories.SHOP), actor=STAFF, now=factories.NOW, terms=forced)
    approve(case, OrderScope(factories.SHOP), actor=STAFF, now=factories.NOW)

    answer = shop.send(DIRECT, shop.body(DIRECT, shop.told(DIRECT, 1), shop.told(DIRECT, 2)))

    assert answer.status_code == 200
    assert [told[0] for told in told_of_cases()] == ["approved", "waiting", "waiting"]
    assert CancellationPlan.objects.count() == 1
    assert OrderItem.objects.filter(status=50).count() == 1
