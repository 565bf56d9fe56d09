"""The `cancel_status` of items and orders: the channel's own value, else that of their cases.

It is derived when it is read: storing it would cost every new case two more statements.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet

from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import (
    CANCEL_STATUSES,
    LIVE,
    PlanStatus,
    cancel_status_of,
    payment_status,
)
from takeback.cancellations.statuses import Status as CaseStatus
from takeback.channel.filters import Filter, all_rows, text
from takeback.core.db.compiled_query import CompiledQuery
from takeback.core.ids import ItemId, OrderId, PlanId
from takeback.orders.models import Order, OrderItem
from takeback.orders.statuses import CancelStatus, Status

CANCELLED = "cancelled"
"""In the place of `completed` for an order of which no item is left, as in the contract."""

FILTER = Filter(text(), all_rows)
"""The condition needs the channels of the key: the view adds `orders_with` or `items_with`."""


class _ItemRef(NamedTuple):
    id: ItemId
    order_id: OrderId


class _PlanRef(NamedTuple):
    id: PlanId
    status: str


class _CaseStatus(NamedTuple):
    order_item: _ItemRef
    status: str
    quantity: int
    plan: _PlanRef | None

    @property
    def shown(self) -> str:
        """The status of the case, or that its refunds are under way."""
        return payment_status(self.status, self.plan.status if self.plan else None)


def _of_items(item_ids: list[int]) -> "QuerySet[CancellationRequest]":
    return CancellationRequest.objects.filter(order_item_id__anyof=item_ids, is_hidden=False)


def _of_orders(order_ids: list[int]) -> "QuerySet[CancellationRequest]":
    return CancellationRequest.objects.filter(
        order_item__order_id__anyof=order_ids, is_hidden=False
    )


cases_of_items = CompiledQuery(_CaseStatus, _of_items)
cases_of_orders = CompiledQuery(_CaseStatus, _of_orders)


class CaseStatuses:
    """The statuses and live units of the cases of items, and the statuses of their orders."""

    def __init__(self, cases: Iterable[_CaseStatus]) -> None:
        self._of_item: Mapping[ItemId, list[str]] = defaultdict(list)
        self._of_order: Mapping[OrderId, list[str]] = defaultdict(list)
        self._live_units = Counter[ItemId]()
        for case in cases:
            self._of_item[case.order_item.id].append(case.shown)
            self._of_order[case.order_item.order_id].append(case.shown)
            if case.status in LIVE:
                self._live_units[case.order_item.id] += case.quantity

    def of_item(self, item_id: ItemId, own: str | None) -> str | None:
        """The value of an item; `own` is the one that the channel has sent."""
        return own or cancel_status_of(self._of_item.get(item_id, ()))

    def live_units(self, item_id: ItemId) -> int:
        """The number of units of an item that its live case names."""
        return self._live_units[item_id]

    def of_order(self, order_id: OrderId, own: str | None, status: int) -> str | None:
        """The value of an order with this status."""
        derived = cancel_status_of(self._of_order.get(order_id, ()))
        if derived is CancelStatus.COMPLETED and status == Status.CANCELLED:
            return own or CANCELLED
        return own or derived


def statuses_of_items(item_ids: Sequence[ItemId]) -> CaseStatuses:
    """The statuses of the cases of these items."""
    return CaseStatuses(cases_of_items(item_ids=list(item_ids)) if item_ids else ())


def statuses_of_orders(order_ids: Sequence[OrderId]) -> CaseStatuses:
    """The statuses of the cases of these orders."""
    return CaseStatuses(cases_of_orders(order_ids=list(order_ids)) if order_ids else ())


def orders_with(value: str, channel_ids: Sequence[int]) -> Q:
    """The condition for the channels' orders that show this `cancel_status`."""
    own = Order.objects.filter(channel_id__in=channel_ids, cancel_status=value)
    cases, earlier = _deciding_cases(value, channel_ids)
    is_cancelled = Q(order_item__order__status=Status.CANCELLED)
    if value == CANCELLED:
        cases = cases.filter(is_cancelled)
    elif value == CancelStatus.COMPLETED:
        cases = cases.exclude(is_cancelled)
    of_order = earlier.filter(order_item__order_id=OuterRef("order_item__order_id"))
    cases = cases.filter(~Exists(of_order), order_item__order__cancel_status=None)
    return Q(pk__in=own.values("pk").union(cases.values("order_item__order_id")))


def items_with(value: str, channel_ids: Sequence[int]) -> Q:
    """The condition for the channels' items that show this `cancel_status`."""
    own = OrderItem.objects.filter(order__channel_id__in=channel_ids, cancel_status=value)
    cases, earlier = _deciding_cases("" if value == CANCELLED else value, channel_ids)
    of_item = earlier.filter(order_item_id=OuterRef("order_item_id"))
    cases = cases.filter(~Exists(of_item), order_item__cancel_status=None)
    return Q(pk__in=own.values("pk").union(cases.values("order_item_id")))


def _deciding_cases(
    value: str, channel_ids: Sequence[int]
) -> "tuple[QuerySet[CancellationRequest, Any], QuerySet[CancellationRequest, Any]]":
    """The cases whose statuses stand for the value, and those that would decide before them."""
    cases = CancellationRequest.objects.filter(is_hidden=False)
    name = CancelStatus.COMPLETED if value == CANCELLED else value
    order = list(CANCEL_STATUSES)
    shown = next((status for status in order if status == name), None)
    statuses = CANCEL_STATUSES[shown] if shown else ()
    before = order[: order.index(shown)] if shown else []
    earlier = [status for previous in before for status in CANCEL_STATUSES[previous]]
    return (
        cases.filter(_with_statuses(statuses), channel_id__in=channel_ids),
        cases.filter(_with_statuses(earlier)),
    )


def _with_statuses(statuses: Sequence[str]) -> Q:
    """The condition for cases that `_CaseStatus.shown` gives one of these statuses."""
    is_paying = Q(status=CaseStatus.APPROVED.value, plan__status=PlanStatus.WAITING_FOR_PAYMENT)
    has_status = Q(status__in=[status for status in statuses if status in set(CaseStatus)])
    if PlanStatus.WAITING_FOR_PAYMENT in statuses:
        return has_status | is_paying
    return has_status & ~is_paying if CaseStatus.APPROVED in statuses else has_status
