"""Reading a channel's plans: four statements, however many they are."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import F, Q, QuerySet

from takeback.cancellations.models import CancellationPlan, CancellationRequest, PlanPayment
from takeback.channel.filters import NEWEST
from takeback.core.db.compiled_query import CompiledQuery, RowQuery
from takeback.core.paging import Page


class OrderPart(NamedTuple):
    """The order of a plan."""

    id: int
    number: str
    channel_id: int
    currency: str


class PlanRow(NamedTuple):
    """A plan; amounts are minor units of its order's currency."""

    id: int
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
    order: OrderPart


class CaseOfPlan(NamedTuple):
    """A case that a plan took up, and its line."""

    plan_id: int
    id: int
    order_item_id: int


class PaidItem(NamedTuple):
    """A payment for one of its lines; a payment for several comes in several rows."""

    plan_id: int
    id: int
    transaction_type: str
    refund_minor: int
    item_id: int


class Found(NamedTuple):
    """Plans, and by plan what belongs to them."""

    plans: list[PlanRow]
    cases: dict[int, list[CaseOfPlan]]
    payments: dict[int, list[PaidItem]]


def _of_channel(channel_id: int) -> "QuerySet[CancellationPlan]":
    return CancellationPlan.objects.filter(order__channel_id=channel_id)


def _cases(plan_ids: list[int]) -> "QuerySet[CancellationRequest]":
    return CancellationRequest.objects.filter(plan_id__anyof=plan_ids).order_by("id")


def _payments(plan_ids: list[int]) -> "QuerySet[PlanPayment]":
    found = PlanPayment.objects.filter(plan_id__anyof=plan_ids)
    return found.annotate(item_id=F("order_items__id")).order_by("id", "item_id")


plans_of = RowQuery(PlanRow)
cases_of = CompiledQuery(CaseOfPlan, _cases)
payments_of = CompiledQuery(PaidItem, _payments)


def count(channel_id: int, wanted: Q) -> int:
    """How many of the channel's plans are like this."""
    return _of_channel(channel_id).filter(wanted).count()


def plans(channel_id: int, wanted: Q, page: Page, order: Sequence[str] = NEWEST) -> Found:
    """A page of the channel's plans that are like this."""
    found = _of_channel(channel_id).filter(wanted).order_by(*order)
    return _complete(plans_of.fetch(found[page.offset : page.offset + page.limit]))


def plan(channel_id: int, plan_id: int) -> Found:
    """This plan, if it is one of the channel's."""
    return _complete(plans_of.fetch(_of_channel(channel_id).filter(pk=plan_id)))


def _complete(rows: list[PlanRow]) -> Found:
    found = Found(rows, defaultdict(list), defaultdict(list))
    ids = [row.id for row in rows]
    if ids:
        for case in cases_of(plan_ids=ids):
            found.cases[case.plan_id].append(case)
        for paid in payments_of(plan_ids=ids):
            found.payments[paid.plan_id].append(paid)
    return found
