"""The documents about plans that other systems read; amounts are numbers in the order's decimals.

A member of staff is named by number; what a system did has no name.
"""

from datetime import datetime
from decimal import Decimal
from typing import TypedDict
from uuid import UUID


class ChannelPayment(TypedDict):
    """One payment of a plan."""

    transaction_type: str
    order_items: list[int]
    refund_amount: Decimal


class ChannelCancellationPlan(TypedDict):
    """A plan with its cases, their lines, and the payments that were told for it."""

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
