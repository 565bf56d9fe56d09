"""The rounding difference of an order is paid back once, with its last unit."""

import random
from collections.abc import Iterator

import pytest

from takeback.cancellations.commands.plan_payments import PlannedPayment, plan_payments
from takeback.cancellations.commands.transition import approve, confirm, reject
from takeback.cancellations.models import CancellationPlan, PlanPayment
from takeback.cancellations.plans import RefundTerms, refund_total
from takeback.cancellations.statuses import TransactionType
from takeback.core.ids import CaseId, PlanId
from takeback.orders.models import Order, OrderItem
from tests.cancellations.factories import LATER, SCOPE, STAFF, open_case, order_items
from tests.cancellations.refunds import completed_refund
from tests.factories import SHOP

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several commands"),
]


def rounded_items(*prices: dict[str, int], rounding: int) -> list[OrderItem]:
    """Items of an order whose amount differs from their sum."""
    total = sum(price["goods_minor"] for price in prices) + rounding
    return order_items(*prices, amount_minor=total, may_round=True)


def refunds() -> list[tuple[int, int]]:
    """The refund of each plan that pays, and the rounding in it."""
    plans = CancellationPlan.objects.exclude(status="rejected").order_by("id")
    return [(refund_total(plan), plan.rounding_minor) for plan in plans]


def decide(item: OrderItem, quantity: int, *, is_approved: bool) -> CaseId:
    """A case for units of an item, confirmed and maybe approved."""
    case = open_case(item, quantity=quantity)
    confirm(case, SCOPE, actor=STAFF, now=LATER)
    if is_approved:
        approve(case, SCOPE, actor=STAFF, now=LATER)
    return case


@pytest.mark.parametrize("rounding", [1, -1])
def test_rounding_is_part_of_the_plan_of_the_last_unit(rounding: int) -> None:
    first, second = rounded_items({"goods_minor": 50}, {"goods_minor": 49}, rounding=rounding)

    decide(first, 1, is_approved=True)
    assert refunds() == [(50, 0)]
    decide(second, 1, is_approved=True)

    assert refunds() == [(50, 0), (49 + rounding, rounding)]


def test_rounding_stays_with_the_plan_that_has_it() -> None:
    first, second = rounded_items({"goods_minor": 50}, {"goods_minor": 49}, rounding=1)
    case = decide(first, 1, is_approved=False)
    approve(case, SCOPE, actor=STAFF, now=LATER)
    last = decide(second, 1, is_approved=False)
    approve(last, SCOPE, actor=STAFF, now=LATER)

    assert refunds() == [(50, 0), (50, 1)]


@pytest.mark.parametrize("rounding", [1, -1])
def test_a_second_plan_does_not_repeat_the_rounding(rounding: int) -> None:
    first, second = rounded_items({"goods_minor": 50}, {"goods_minor": 49}, rounding=rounding)
    case = open_case(first)
    terms = RefundTerms(is_cargo_refund=True)
    confirm(case, SCOPE, actor=STAFF, now=LATER, terms=terms)
    decide(second, 1, is_approved=False)

    approve(case, SCOPE, actor=STAFF, now=LATER)

    assert refunds() == [(50, 0), (49 + rounding, rounding)]


def test_a_rejected_last_unit_takes_the_rounding_back() -> None:
    first, second = rounded_items({"goods_minor": 50}, {"goods_minor": 49}, rounding=1)
    decide(first, 1, is_approved=True)
    last = decide(second, 1, is_approved=False)
    assert refunds() == [(50, 0), (50, 1)]

    reject(last, SCOPE, actor=STAFF, now=LATER)
    assert refunds() == [(50, 0)]
    decide(second, 1, is_approved=True)

    assert refunds() == [(50, 0), (50, 1)]


def test_rounding_above_what_is_left_is_reduced() -> None:
    first, second = rounded_items({"goods_minor": 50}, {"goods_minor": 49}, rounding=1)
    decide(first, 1, is_approved=True)
    completed_refund(first.order, 1)

    decide(second, 1, is_approved=True)

    assert refunds() == [(50, 0), (1, 0), (49, 0)]


def _splits(chance: random.Random, items: list[OrderItem]) -> Iterator[tuple[OrderItem, int]]:
    """The units of the items in some order, until none is left."""
    order_id = items[0].order_id
    while True:
        live = OrderItem.objects.filter(order_id=order_id, status=items[0].status).order_by("id")
        if not (rows := list(live)):
            return
        item = chance.choice(rows)
        yield item, chance.randint(1, item.quantity)


@pytest.mark.parametrize("seed", range(6))
def test_any_split_in_any_order_pays_back_what_was_charged(seed: int) -> None:
    chance = random.Random(seed)
    prices = [
        {"goods_minor": chance.randint(20, 999), "quantity": chance.randint(1, 4)}
        for _ in range(chance.randint(1, 3))
    ]
    limit = len(prices)
    rounding = chance.choice([value for value in range(-limit, limit + 1) if value])
    items = rounded_items(*prices, rounding=rounding)

    for item, quantity in _splits(chance, items):
        is_approved = chance.random() < 0.6
        case = decide(item, quantity, is_approved=is_approved)
        if not is_approved and chance.random() < 0.5:
            reject(case, SCOPE, actor=STAFF, now=LATER)

    order = Order.objects.get(pk=items[0].order_id)
    assert sum(refund for refund, _ in refunds()) == order.amount_minor
    assert [value for _, value in refunds() if value] == [rounding]


@pytest.mark.parametrize("rounding", [1, -1])
def test_payments_of_single_items_add_up_to_the_refund(rounding: int) -> None:
    items = rounded_items({"goods_minor": 50}, {"goods_minor": 49}, rounding=rounding)
    for item in items:
        decide(item, 1, is_approved=False)
    plan = CancellationPlan.objects.get()
    payments = [
        PlannedPayment(TransactionType.REFUND, frozenset({item.pk}))
        for item in OrderItem.objects.filter(order=plan.order_id)
    ]

    plan_payments(PlanId(plan.pk), SHOP, payments, actor=STAFF, now=LATER)

    amounts = PlanPayment.objects.order_by("id").values_list("refund_minor", flat=True)
    assert list(amounts) == [50, 49 + rounding]
