"""Documents of plans, key by key in the contract's order."""

from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import TypedDict
from uuid import UUID

from takeback.channel.documents import amount, optional_amount
from takeback.channel.plans.queries import CompletePlans, PaidItemRow, PlanRow
from takeback.core.actor import ActorKind


class ChannelPayment(TypedDict):
    """A payment of a plan."""

    transaction_type: str
    order_items: list[int]
    refund_amount: Decimal


def _payment(rows: list[PaidItemRow], currency: str) -> ChannelPayment:
    return {
        "transaction_type": rows[0].transaction_type,
        "order_items": [row.item_id for row in rows],
        "refund_amount": amount(rows[0].refund_minor, currency),
    }


class ChannelCancellationPlan(TypedDict):
    """A plan with its cases, their items and its payments. A system has no id as author."""

    pk: int
    id: int
    uuid: UUID
    order: int
    order_number: str
    channel: int
    plan_type: str
    status: str
    currency: str
    refund_amount: Decimal
    discount_refund_amount: Decimal
    shipping_refund_amount: Decimal
    forced_refund_amount: Decimal | None
    is_cargo_refund: bool
    refund_invoice_number: str | None
    refund_invoice_date: datetime | None
    cancellation_requests: list[int]
    order_items: list[int]
    payment_plan: list[ChannelPayment]
    created_by: int | None
    modified_by: int | None
    staff_remote_id: str | None
    retail_store_remote_id: str | None
    created_date: datetime
    modified_date: datetime


def plans(data: CompletePlans) -> list[ChannelCancellationPlan]:
    return [_plan(row, data) for row in data.plans]


def _plan(row: PlanRow, data: CompletePlans) -> ChannelCancellationPlan:
    currency, cases = row.order.currency, data.cases[row.id]
    return {
        "pk": row.id,
        "id": row.id,
        "uuid": row.uuid,
        "order": row.order.id,
        "order_number": row.order.number,
        "channel": row.order.channel_id,
        "plan_type": row.plan_type,
        "status": row.status,
        "currency": currency,
        "refund_amount": amount(row.refund_minor, currency),
        "discount_refund_amount": amount(row.discount_refund_minor, currency),
        "shipping_refund_amount": amount(row.shipping_refund_minor, currency),
        "forced_refund_amount": optional_amount(row.forced_refund_minor, currency),
        "is_cargo_refund": row.is_cargo_refund,
        "refund_invoice_number": row.refund_invoice_number,
        "refund_invoice_date": row.refund_invoice_date,
        "cancellation_requests": [case.id for case in cases],
        "order_items": sorted({case.order_item_id for case in cases}),
        "payment_plan": _payments(data.payments[row.id], currency),
        "created_by": _staff_id(row.created_by_kind, row.created_by_number),
        "modified_by": _staff_id(row.modified_by_kind, row.modified_by_number),
        "staff_remote_id": None,
        "retail_store_remote_id": None,
        "created_date": row.created_date,
        "modified_date": row.modified_date,
    }


def _payments(rows: list[PaidItemRow], currency: str) -> list[ChannelPayment]:
    payments = groupby(rows, key=lambda row: row.id)
    return [_payment(list(same), currency) for _, same in payments]


def _staff_id(kind: str, number: int | None) -> int | None:
    return number if kind == ActorKind.STAFF else None
