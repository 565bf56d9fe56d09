"""Inserts the parts of new orders: items, discounts, payments and loyalty points."""

from collections.abc import Sequence
from datetime import datetime

from django.db import models

from takeback.core.db.bulk import insert_rows, reserve_ids
from takeback.orders import order_rows
from takeback.orders.models import (
    BenefitApplicant,
    DiscountItem,
    LoyaltyTransaction,
    OrderItem,
    Payment,
)
from takeback.orders.order_input import PaymentIn
from takeback.orders.order_rows import OrderDraft, Row, SnapshotId


def insert_parts(
    drafts: Sequence[OrderDraft], snapshot_id: SnapshotId, *, source: str, now: datetime
) -> None:
    """Insert the parts of orders whose ids are reserved and whose snapshots are stored."""
    _insert_items(drafts, snapshot_id, source, now)
    _insert_discounts(drafts, now)
    _insert_payments(drafts)
    _insert_loyalty(drafts, now)


def _insert_items(
    drafts: Sequence[OrderDraft], snapshot_id: SnapshotId, source: str, now: datetime
) -> None:
    rows = [
        order_rows.item_row(
            item,
            amounts,
            snapshot_id,
            order_rows.fulfilment(draft.order, item, source=source, now=now),
            item_id=item_id,
            order_id=draft.order_id,
            now=now,
        )
        for draft in drafts
        for item, amounts, item_id in zip(
            draft.order.items, draft.allocation.items, draft.item_ids, strict=True
        )
    ]
    insert_rows_of(OrderItem, rows)


def _insert_discounts(drafts: Sequence[OrderDraft], now: datetime) -> None:
    count = sum(len(draft.allocation.discounts) for draft in drafts)
    ids = iter(reserve_ids(DiscountItem, count) if count else ())
    discounts: list[Row] = []
    shares: list[Row] = []
    for draft in drafts:
        amounts = draft.allocation
        for discount, item_shares in zip(amounts.discounts, amounts.shares, strict=True):
            discount_id = next(ids)
            discounts.append(
                {
                    "id": discount_id,
                    "order_id": draft.order_id,
                    "name": discount.name,
                    "amount_minor": discount.amount_minor,
                    "created_date": now,
                }
            )
            shares += (
                {
                    "discount_item_id": discount_id,
                    "order_item_id": item_id,
                    "amount_minor": share,
                    "created_date": now,
                    "modified_date": now,
                }
                for item_id, share in zip(draft.item_ids, item_shares, strict=True)
                if share
            )
    insert_rows_of(DiscountItem, discounts)
    insert_rows_of(BenefitApplicant, shares)


def _insert_payments(drafts: Sequence[OrderDraft]) -> None:
    payments: list[Row] = [
        {
            "order_id": draft.order_id,
            **payment_row(payment, draft.order.currency),
        }
        for draft in drafts
        for payment in draft.allocation.payments
    ]
    insert_rows_of(Payment, payments)


def payment_row(payment: PaymentIn, currency: str) -> Row:
    """The columns of a new payment of an order in this currency."""
    return {
        "kind": payment.kind,
        "account": payment.account,
        "reference": payment.reference,
        "provider_order": payment.provider_order,
        "currency": None if payment.currency == currency else payment.currency,
        "amount_minor": payment.amount_minor,
        "captured_minor": payment.captured_minor,
        "reserved_minor": 0,
    }


def _insert_loyalty(drafts: Sequence[OrderDraft], now: datetime) -> None:
    """Insert the loyalty points of these orders."""
    transactions: list[Row] = [
        {
            "uuid": loyalty.uuid,
            "order_id": draft.order_id,
            "transaction_type": loyalty.transaction_type,
            "amount_minor": loyalty.amount_minor,
            "user_email": draft.order.customer.email,
            "reference": loyalty.reference,
            "created_date": now,
        }
        for draft in drafts
        for loyalty in draft.order.loyalty
    ]
    insert_rows_of(LoyaltyTransaction, transactions)


def insert_rows_of(model: type[models.Model], rows: Sequence[Row]) -> None:
    """Insert rows that have the same columns."""
    if rows:
        insert_rows(model, list(rows[0]), [list(row.values()) for row in rows])
