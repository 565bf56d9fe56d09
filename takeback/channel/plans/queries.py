"""Reads a channel's plans with their cases and payments: one statement per table."""

from collections import defaultdict
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import F, QuerySet

from takeback.cancellations.models import CancellationPlan, CancellationRequest, PlanPayment
from takeback.core.db.compiled_query import CompiledQuery, RowQuery
from takeback.core.ids import CaseId, ItemId, OrderId, PlanId


class PlanOrder(NamedTuple):
    """The order of a plan."""

    id: OrderId
    number: str
    channel_id: int
    currency: str


class PlanRow(NamedTuple):
    """A plan; amounts are minor units of its order's currency."""

    id: PlanId
    uuid: UUID
    plan_type: str
    status: str
    refund_minor: int
    discount_refund_minor: int
    shipping_refund_minor: int
    forced_refund_minor: int | None
    is_cargo_refund: bool
    refund_invoice_number: str | None
    refund_invoice_date: datetime | None
    created_by_kind: str
    created_by_number: int | None
    modified_by_kind: str
    modified_by_number: int | None
    created_date: datetime
    modified_date: datetime
    order: PlanOrder


class PlanCaseRow(NamedTuple):
    """A case of a plan, and its item."""

    plan_id: PlanId
    id: CaseId
    order_item_id: ItemId


class PaidItemRow(NamedTuple):
    """A payment and one of its items; a payment for several items has several rows."""

    plan_id: PlanId
    id: int
    transaction_type: str
    refund_minor: int
    item_id: ItemId


class CompletePlans(NamedTuple):
    """Plans, and by plan their cases and payments."""

    plans: list[PlanRow]
    cases: dict[PlanId, list[PlanCaseRow]]
    payments: dict[PlanId, list[PaidItemRow]]


def plans_in_channel(channel_id: int) -> "QuerySet[CancellationPlan]":
    return CancellationPlan.objects.filter(order__channel_id=channel_id)


def _cases(plan_ids: list[int]) -> "QuerySet[CancellationRequest]":
    return CancellationRequest.objects.filter(plan_id__anyof=plan_ids).order_by("id")


def _payments(plan_ids: list[int]) -> "QuerySet[PlanPayment]":
    payments = PlanPayment.objects.filter(plan_id__anyof=plan_ids)
    return payments.annotate(item_id=F("order_items__id")).order_by("id", "item_id")


plan_rows = RowQuery(PlanRow)
cases_of_plans = CompiledQuery(PlanCaseRow, _cases)
payments_of_plans = CompiledQuery(PaidItemRow, _payments)


def plan_by_id(channel_id: int, plan_id: PlanId) -> PlanRow | None:
    """The plan, or None if it is in another channel."""
    plans = plans_in_channel(channel_id).filter(pk=plan_id)
    return plan_rows.first(plans)


def complete(plans: list[PlanRow]) -> CompletePlans:
    """These plans with the rows that their documents need."""
    data = CompletePlans(plans, defaultdict(list), defaultdict(list))
    ids = [plan.id for plan in plans]
    if ids:
        for case in cases_of_plans(plan_ids=ids):
            data.cases[case.plan_id].append(case)
        for paid in payments_of_plans(plan_ids=ids):
            data.payments[paid.plan_id].append(paid)
    return data
