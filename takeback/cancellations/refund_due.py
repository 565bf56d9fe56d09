"""What a plan gives back for its cases, by item and component.

`calculate_amounts` decides the amounts of a plan and puts them on its row; `due_items` derives the
components from that row, and from what was allocated to the items when the order arrived. Preview
and payment call the same functions.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Count, F, Q, Sum

from takeback.cancellations.amounts import units_before
from takeback.cancellations.models import CancellationPlan, CancellationRequest
from takeback.cancellations.statuses import CLOSED, Kind, PlanStatus
from takeback.cancellations.strategy import Strategy, strategy
from takeback.core.money import units_value
from takeback.orders.allocation import PAID_LATER
from takeback.orders.models import LoyaltyTransaction, Order, OrderItem
from takeback.orders.statuses import ENDED, SET_BY_CASES
from takeback.orders.units import units_left
from takeback.refunds.allocation import (
    DueItem,
    due_of_order,
    due_of_units,
    due_total,
    points_to_return,
    rounding_due,
    shipping_due,
    shipping_tax,
    with_forced_amount,
    with_rounding,
)

# A plan that new cases of its order and kind join while it waits: it has the usual terms.
_JOINED = Q(
    forced_refund_minor=None,
    is_cargo_refund=False,
    refund_invoice_number=None,
    refund_invoice_date=None,
)
_WAITING = Q(status=PlanStatus.WAITING.value)


class _OtherPlans(NamedTuple):
    """What the other plans of an order contain that belongs to the order as a whole."""

    shipping: int
    # Of those that no longer wait.
    decided_shipping: int
    decided_tax: int
    waiting: int
    with_rounding: int


def calculate_amounts(
    plan: CancellationPlan,
    cases: Sequence[CancellationRequest],
    *,
    left: int,
    is_preview: bool = False,
) -> None:
    """Set the amounts of a plan from its remaining cases; without cases they are zero.

    The plan that closes the order's last unit gives back the rest of the shipping costs and the
    order's rounding difference, as far as `left` allows: what is left of the order for this plan.
    With `is_preview` neither plan nor cases are stored.
    """
    rules, order = strategy(), plan.order
    items = [_due_of_case(case, order, rules) for case in cases]
    plan.refund_minor = due_total(items)
    plan.discount_refund_minor = sum(item.discount for item in items)
    plan.rounding_minor = plan.shipping_refund_minor = plan.shipping_tax_minor = 0
    has_shipping = order.shipping_minor > 0 and rules.refunds_shipping(Kind(plan.plan_type))
    if not cases or not (has_shipping or order.rounding_minor):
        return
    closes_order, others = _closes_last_unit(plan, cases), _other_plans(plan, is_preview=is_preview)
    rounding = order.rounding_minor if closes_order and not others.with_rounding else 0
    room = left - plan.refund_minor
    if has_shipping:
        is_last = closes_order and not others.waiting
        # A negative difference is not paid back, so it leaves no less for the shipping costs.
        _set_shipping(plan, cases, others, is_last=is_last, room=room - min(0, rounding))
    room -= plan.shipping_refund_minor
    plan.rounding_minor = rounding_due(rounding, amount=plan.refund_minor, room=room)
    plan.refund_minor += plan.rounding_minor


def _due_of_case(case: CancellationRequest, order: Order, rules: Strategy) -> DueItem:
    """What a case gives back of its item; shipping costs belong to the order."""
    item = case.order_item
    due = due_of_units(item, units_before(case), case.quantity)._replace(shipping=0)
    if not rules.refunds_item(item):
        return due._replace(goods=0, discount=0, fee=0, interest=0, tax=0)
    is_cod = order.payment_type in PAID_LATER
    if is_cod and not rules.refunds_cod_fee(Kind(case.cancellation_type)):
        due = due._replace(fee=0)
    if due.discount and not rules.refunds_discounts():
        due = with_forced_amount([due], max(0, due.amount - due.discount))[0]
    return due


def _set_shipping(
    plan: CancellationPlan,
    cases: Sequence[CancellationRequest],
    others: _OtherPlans,
    *,
    is_last: bool,
    room: int,
) -> None:
    """Set the shipping costs of a plan: the part of its units on request, the rest at the end."""
    order = plan.order
    at_once = plan.is_cargo_refund or strategy().splits_shipping()
    plan.shipping_refund_minor = shipping_due(
        order.shipping_minor,
        others=others.shipping,
        of_units=sum(_shipping_of(case) for case in cases) if at_once else 0,
        is_last=is_last,
        room=room,
    )
    plan.shipping_tax_minor = shipping_tax(
        plan.shipping_refund_minor,
        order.shipping_tax_rate or Decimal(0),
        others=others.decided_shipping,
        others_tax=others.decided_tax,
    )


def _shipping_of(case: CancellationRequest) -> int:
    item = case.order_item
    return units_value(item.shipping_minor, item.quantity, units_before(case), case.quantity)


def _closes_last_unit(plan: CancellationPlan, cases: Iterable[CancellationRequest]) -> bool:
    """Whether the order has no open unit with a price besides the units of these cases."""
    units = Counter[int]()
    for case in cases:
        units[case.order_item_id] += case.quantity
    open_items = (
        OrderItem.objects.filter(order_id=plan.order_id, goods_minor__gt=F("discount_minor"))
        .exclude(status__in=SET_BY_CASES)
        .filter(quantity__gt=F("units_closed") + F("refunded_elsewhere_quantity"))
    )
    rows = open_items.values_list(
        "pk", F("quantity") - F("units_closed") - F("refunded_elsewhere_quantity")
    )
    return all(left <= units[item_id] for item_id, left in rows)


def _other_plans(plan: CancellationPlan, *, is_preview: bool) -> _OtherPlans:
    """The other plans of the order that are not rejected, in one query.

    A plan that is only previewed does not wait for the one that its cases would join.
    """
    waiting = _WAITING
    if is_preview:
        waiting &= ~(_JOINED & Q(plan_type=plan.plan_type))
    plans = CancellationPlan.objects.filter(order_id=plan.order_id).exclude(
        Q(pk=plan.pk) | Q(status=PlanStatus.REJECTED.value)
    )
    row = plans.aggregate(
        shipping=Sum("shipping_refund_minor"),
        decided_shipping=Sum("shipping_refund_minor", filter=~_WAITING),
        decided_tax=Sum("shipping_tax_minor", filter=~_WAITING),
        waiting=Count("pk", filter=waiting),
        with_rounding=Count("pk", filter=~Q(rounding_minor=0)),
    )
    return _OtherPlans(*(row[name] or 0 for name in _OtherPlans._fields))


def due_items(plan: CancellationPlan, cases: Sequence[CancellationRequest]) -> list[DueItem]:
    """What a plan gives back, by item; what belongs to the order as a whole comes last.

    They add up to the plan's forced amount, else to its calculated one, whatever the strategy has
    become since. A plan worth nothing has none: nothing was captured, or its units cost nothing.
    """
    remaining = [case for case in cases if case.status not in CLOSED]
    calculated = plan.refund_minor + plan.shipping_refund_minor
    total = calculated if plan.forced_refund_minor is None else plan.forced_refund_minor
    if not remaining or not total:
        return []
    rules, order = strategy(), plan.order
    in_order = sorted(remaining, key=lambda case: case.order_item_id)
    items = [_due_of_case(case, order, rules) for case in in_order]
    if plan.rounding_minor:
        items = with_rounding(items, plan.rounding_minor)
    if plan.shipping_refund_minor:
        items.append(
            due_of_order(
                shipping=plan.shipping_refund_minor,
                tax=plan.shipping_tax_minor,
                tax_rate=order.shipping_tax_rate,
            )
        )
    return items if due_total(items) == total else with_forced_amount(items, total)


def points_of_plan(plan: CancellationPlan, cases: Iterable[CancellationRequest]) -> int:
    """The points earned on the order that go back with the plan, which is not completed yet."""
    earned = LoyaltyTransaction.objects.filter(order_id=plan.order_id, amount_minor__gt=0)
    total = earned.aggregate(total=Sum("amount_minor"))["total"]
    if not total:
        return 0
    items = OrderItem.objects.filter(order_id=plan.order_id)
    remaining = [case for case in cases if case.status not in CLOSED]
    return points_to_return(
        total,
        plan.order.goods_minor - plan.order.discount_minor,
        returned=sum(_price_of(item, 0, _units_gone(item)) for item in items),
        now=sum(
            _price_of(case.order_item, units_before(case), case.quantity) for case in remaining
        ),
    )


def _units_gone(item: OrderItem) -> int:
    return item.quantity if item.status in ENDED else item.quantity - units_left(item)


def _price_of(item: OrderItem, used: int, units: int) -> int:
    """What units of an item cost, less their discount."""
    due = due_of_units(item, used, units)
    return due.goods - due.discount
