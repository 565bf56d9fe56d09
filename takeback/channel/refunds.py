"""Documents of refunds: their state, and the preview of what a cancellation would pay."""

from datetime import date, datetime
from decimal import Decimal
from typing import TypedDict
from uuid import UUID

from takeback.cancellations.refund_preview import PreviewedRefund, RefundPreview
from takeback.channel.documents import amount, rate
from takeback.refunds.allocation import DueItem
from takeback.refunds.refund_rows import RefundRow, refunds_of


class ChannelRefund(TypedDict):
    """A refund; a cancelled one, and one that another refund replaced, is left out.

    `latest_date` is the last day on which the money arrives.
    """

    id: int
    uuid: UUID
    status: str
    method: str
    amount: Decimal
    currency: str
    latest_date: date | None
    confirmed_date: datetime | None
    returned_date: datetime | None


def refunds(column: str | None) -> list[ChannelRefund]:
    """The refunds in a column of a case or an order, oldest first."""
    return [_refund(row) for row in refunds_of(column)]


def _refund(row: RefundRow) -> ChannelRefund:
    return {
        "id": row.id,
        "uuid": row.uuid,
        "status": row.status.value,
        "method": row.means.value,
        "amount": amount(row.amount_minor, row.currency),
        "currency": row.currency,
        "latest_date": row.due_by,
        "confirmed_date": row.confirmed_at,
        "returned_date": row.returned_at,
    }


class ChannelPreviewedItem(TypedDict):
    """What goes back of an item; without an item it belongs to the order as a whole.

    `amount` is `price` less the discount, plus the other components; it includes the tax.
    """

    order_item: int | None
    quantity: int
    price: Decimal
    discount_amount: Decimal
    shipping_amount: Decimal
    fee_amount: Decimal
    installment_interest_amount: Decimal
    adjustment_amount: Decimal
    amount: Decimal
    tax_amount: Decimal
    tax_rate: Decimal


class ChannelPreviewedPayment(TypedDict):
    """A refund of the preview: how, for which kind of payment, and until when it has arrived."""

    method: str
    payment_type: str
    amount: Decimal
    latest_date: date


class ChannelRefundPreview(TypedDict):
    """What the items of one type of plan give back if they are approved today.

    `earned_loyalty_amount` are points that the goods have earned, and that are taken back.
    """

    order: int
    plan_type: str
    currency: str
    amount: Decimal
    items: list[ChannelPreviewedItem]
    refunds: list[ChannelPreviewedPayment]
    earned_loyalty_amount: Decimal


def refund_preview(preview: RefundPreview) -> ChannelRefundPreview:
    currency = preview.currency
    return {
        "order": preview.order_id,
        "plan_type": preview.kind.value,
        "currency": currency,
        "amount": amount(preview.amount, currency),
        "items": [_previewed_item(item, currency) for item in preview.items],
        "refunds": [_previewed_payment(refund, currency) for refund in preview.refunds],
        "earned_loyalty_amount": amount(preview.points, currency),
    }


def _previewed_item(item: DueItem, currency: str) -> ChannelPreviewedItem:
    return {
        "order_item": item.order_item,
        "quantity": item.units,
        "price": amount(item.goods, currency),
        "discount_amount": amount(item.discount, currency),
        "shipping_amount": amount(item.shipping, currency),
        "fee_amount": amount(item.fee, currency),
        "installment_interest_amount": amount(item.interest, currency),
        "adjustment_amount": amount(item.adjustment, currency),
        "amount": amount(item.amount, currency),
        "tax_amount": amount(item.tax, currency),
        "tax_rate": rate(item.tax_rate),
    }


def _previewed_payment(refund: PreviewedRefund, currency: str) -> ChannelPreviewedPayment:
    return {
        "method": refund.means.value,
        "payment_type": refund.payment_kind,
        "amount": amount(refund.amount, currency),
        "latest_date": refund.latest_day,
    }
