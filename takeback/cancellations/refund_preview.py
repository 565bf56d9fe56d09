"""What a cancellation or return would give back, before it is opened; nothing is stored."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from takeback.accounts.policy import shop_policy
from takeback.cancellations import errors
from takeback.cancellations.collected_cash import collected_amounts
from takeback.cancellations.models import CancellationPlan, CancellationRequest
from takeback.cancellations.plans import (
    DEFAULT_TERMS,
    RefundTerms,
    more_than_paid,
    order_money,
)
from takeback.cancellations.policy import kind_of
from takeback.cancellations.refund_due import calculate_amounts, due_items, points_of_plan
from takeback.cancellations.refund_legs import Destination, legs_by_destination
from takeback.cancellations.statuses import Kind
from takeback.core.errors import Refused
from takeback.core.ids import ItemId, OrderId
from takeback.core.money import MinorUnits
from takeback.orders.models import Order, OrderItem
from takeback.orders.scope import OrderScope
from takeback.orders.statuses import ENDED
from takeback.orders.units import units_left
from takeback.refunds.allocation import DueItem, NotEnoughLeft, due_total
from takeback.refunds.due_dates import latest_day
from takeback.refunds.queries import payment_balances
from takeback.refunds.statuses import Means

NAMED = "named"
"""The bank account of a destination: which one it is makes no difference to a preview."""


class PreviewedItem(NamedTuple):
    """An item to preview, or `quantity` of its units; None means all units that are left."""

    order_item: ItemId
    kind: Kind
    quantity: int | None = None
    destination: Destination = Destination()


class PreviewedRefund(NamedTuple):
    """A refund: the kind of its payment, its means, and the last day on which it arrives."""

    payment_kind: str
    means: Means
    amount: int
    latest_day: date


class RefundPreview(NamedTuple):
    """What the cases of one order and kind give back, in minor units of the order's currency."""

    order_id: OrderId
    currency: str
    kind: Kind
    amount: int
    # What belongs to the order as a whole has no item and comes last.
    items: list[DueItem]
    refunds: list[PreviewedRefund]
    # Points earned with the goods, which are taken back.
    points: int


class _Group(NamedTuple):
    """The cases of one plan, which only this preview sees, and where their money would go."""

    cases: list[CancellationRequest]
    destinations: dict[int, Destination]


def preview_refunds(
    requested: Sequence[PreviewedItem],
    scope: OrderScope,
    *,
    today: date,
    terms: RefundTerms = DEFAULT_TERMS,
) -> list[RefundPreview]:
    """The preview of each order and kind, as if all requests were approved today on these terms.

    `Refused` for an item outside the scope, more units than are left, points where they are not
    offered, and, as at the approval, an amount above what is left of the order.
    """
    return [
        _preview(kind, group, terms, today)
        for (_, kind), group in _groups(requested, scope).items()
    ]


def items_to_cancel(
    order_id: OrderId,
    item_ids: Collection[int],
    quantities: Mapping[int, int],
    *,
    accounts: Collection[int] = (),
    as_loyalty: bool = False,
) -> list[PreviewedItem]:
    """The items as a direct cancellation takes them; without ids all that have not ended.

    `accounts` are the items with a bank account. The status of an item decides whether it is
    cancelled or returned. `Refused` for an unknown item, and if none is left.
    """
    items = {item.pk: item for item in OrderItem.objects.filter(order=order_id).order_by("pk")}
    chosen = item_ids or [pk for pk, item in items.items() if item.status not in ENDED]
    if not items.keys() >= set(chosen) | quantities.keys():
        raise Refused(errors.NO_SUCH_ITEM, order_id=order_id)
    if not chosen:
        raise Refused(errors.NOTHING_LEFT, order_id=order_id)
    return [
        PreviewedItem(
            ItemId(pk),
            kind_of(items[pk].status, is_invoiced=bool(items[pk].invoice_number)),
            quantities.get(pk),
            Destination(as_loyalty=as_loyalty, account=NAMED if pk in accounts else None),
        )
        for pk in sorted(chosen)
    ]


def _groups(
    requested: Sequence[PreviewedItem], scope: OrderScope
) -> dict[tuple[int, Kind], _Group]:
    ids = [new.order_item for new in requested]
    items = OrderItem.objects.select_related("order").in_bulk(ids)
    groups: dict[tuple[int, Kind], _Group] = defaultdict(lambda: _Group([], {}))
    for position, new in enumerate(requested):
        item = items.get(new.order_item)
        if item is None or not scope.covers(item.order):
            raise Refused(errors.UNKNOWN_ITEM, position=position)
        if new.order_item in ids[:position]:
            raise Refused(errors.ITEM_TWICE, position=position)
        if new.destination.as_loyalty and not _has_loyalty(item.order):
            raise Refused(errors.LOYALTY_REFUND_NOT_OFFERED, position=position)
        group = groups[item.order_id, new.kind]
        group.cases.append(_unopened_case(new, item, position))
        group.destinations[item.pk] = new.destination
    return groups


def _has_loyalty(order: Order) -> bool:
    shop = shop_policy(order.channel_id)
    return shop.has_loyalty and (shop.has_loyalty_for_guests or order.user_type != "guest")


def _unopened_case(new: PreviewedItem, item: OrderItem, position: int) -> CancellationRequest:
    left = units_left(item)
    quantity = left if new.quantity is None else new.quantity
    if not 0 < quantity <= left:
        problem = errors.with_units_left(errors.QUANTITY_TOO_LARGE, left)
        raise Refused(problem, position=position, order_item=item.pk)
    return CancellationRequest(
        order_item=item,
        cancellation_type=new.kind.value,
        quantity=quantity,
        item_status_before=item.status,
    )


def _preview(kind: Kind, group: _Group, terms: RefundTerms, today: date) -> RefundPreview:
    cases, order = group.cases, group.cases[0].order_item.order
    plan = CancellationPlan(
        order=order,
        plan_type=kind.value,
        forced_refund_minor=terms.forced_refund_minor,
        is_cargo_refund=terms.is_cargo_refund,
    )
    collected = collected_amounts(OrderId(order.pk))
    captured, left = order_money(plan)
    left = MinorUnits(left + sum(collected.values()))
    charged = cases if captured or collected else []
    calculate_amounts(plan, charged, left=left, is_preview=True)
    due = due_items(plan, cases)
    if due_total(due) > left:
        raise more_than_paid(plan, left)
    return RefundPreview(
        order_id=OrderId(order.pk),
        currency=order.currency,
        kind=kind,
        amount=due_total(due),
        items=due,
        refunds=_refunds(plan, due, group.destinations, collected, today) if due else [],
        points=points_of_plan(plan, cases),
    )


def _refunds(
    plan: CancellationPlan,
    due: Sequence[DueItem],
    destinations: Mapping[int, Destination],
    collected: Mapping[int, int],
    today: date,
) -> list[PreviewedRefund]:
    balances = [
        balance._replace(left=balance.left + collected.get(balance.payment, 0))
        for balance in payment_balances(OrderId(plan.order_id))
    ]
    kinds = {balance.payment: balance.kind for balance in balances}
    try:
        legs = legs_by_destination(due, destinations, balances)
    except NotEnoughLeft as problem:
        raise more_than_paid(plan, MinorUnits(due_total(due) - problem.missing)) from problem
    return [
        PreviewedRefund(kinds[leg.payment], leg.means, leg.amount, latest_day(leg.means, today))
        for leg in legs
    ]
