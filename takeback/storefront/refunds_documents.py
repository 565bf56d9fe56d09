"""Documents of refunds: their state, and the preview of one."""

from datetime import date, datetime
from decimal import Decimal
from typing import TypedDict
from uuid import UUID

from django.utils.translation import pgettext_lazy

from takeback.cancellations.labels import KINDS
from takeback.cancellations.refund_preview import PreviewedRefund, RefundPreview
from takeback.core.money import show, show_rate
from takeback.refunds.allocation import DueItem
from takeback.refunds.refund_rows import RefundRow, refunds_of
from takeback.refunds.statuses import Means, Status
from takeback.storefront.document_context import DocumentContext
from takeback.storefront.labels import Choice, Labels, choice, choice_in_v3, currency

REFUND_STATUSES: Labels = {
    Status.PLANNED: pgettext_lazy("refund", "Planned"),
    # Shoppers need not know how certain we are of it.
    Status.SENDING: pgettext_lazy("refund", "On its way"),
    Status.IN_DOUBT: pgettext_lazy("refund", "On its way"),
    Status.PENDING: pgettext_lazy("refund", "On its way"),
    Status.CONFIRMED: pgettext_lazy("refund", "Paid"),
    Status.FAILED: pgettext_lazy("refund", "Not possible this way"),
    Status.RETURNED: pgettext_lazy("refund", "Came back"),
}
METHODS: Labels = {
    Means.ORIGINAL: pgettext_lazy("refund", "The way it was paid"),
    Means.LOYALTY: pgettext_lazy("refund", "Loyalty points"),
    Means.BANK_TRANSFER: pgettext_lazy("refund", "Bank transfer"),
    Means.MANUAL: pgettext_lazy("refund", "Payment by the shop"),
}


class RefundState(TypedDict):
    """A refund: our addition to the contract.

    The date is the day on which it was paid, or came back; before, the last day on which the money
    arrives.
    """

    uuid: UUID
    status: Choice
    method: Choice
    amount: str
    currency: Choice
    date: date | None


def refund_states(column: str | None, context: DocumentContext) -> list[RefundState]:
    """The refunds in a column of a case, oldest first; most cases have none."""
    return [refund_state(row, context) for row in refunds_of(column)]


def refund_state(row: RefundRow, context: DocumentContext) -> RefundState:
    moment = row.moment
    if isinstance(moment, datetime):
        moment = moment.astimezone(context.shop.time_zone).date()
    return {
        "uuid": row.uuid,
        "status": choice(REFUND_STATUSES, row.status.value),
        "method": choice(METHODS, row.means.value),
        "amount": show(row.amount_minor, row.currency),
        "currency": currency(row.currency),
        "date": moment,
    }


class PreviewedItem(TypedDict):
    """What goes back of an item; without an item it belongs to the order as a whole.

    `amount` is `price` less the discount, plus the other components; it includes the tax.
    """

    order_item: int | None
    quantity: int
    price: str
    discount_amount: str
    shipping_amount: str
    fee_amount: str
    installment_interest_amount: str
    adjustment_amount: str
    amount: str
    tax_amount: str
    tax_rate: str


class PreviewedPayment(TypedDict):
    """A refund of the preview: how, for which kind of payment, and until when it has arrived."""

    method: Choice
    payment_type: str
    amount: str
    latest_date: date


class RefundPreviewDocument(TypedDict):
    """What the items of one order and one type of request give back if they are approved today.

    `earned_loyalty_amount` are points that the goods have earned, and that are taken back.
    """

    order: int
    cancellation_type: str | Choice
    currency: Choice
    amount: str
    items: list[PreviewedItem]
    refunds: list[PreviewedPayment]
    earned_loyalty_amount: str


def refund_preview(preview: RefundPreview, context: DocumentContext) -> RefundPreviewDocument:
    code = preview.currency
    return {
        "order": preview.order_id,
        "cancellation_type": choice_in_v3(KINDS, preview.kind.value, context),
        "currency": currency(code),
        "amount": show(preview.amount, code),
        "items": [previewed_item(item, code) for item in preview.items],
        "refunds": [previewed_payment(refund, code) for refund in preview.refunds],
        "earned_loyalty_amount": show(preview.points, code),
    }


def previewed_item(item: DueItem, code: str) -> PreviewedItem:
    return {
        "order_item": item.order_item,
        "quantity": item.units,
        "price": show(item.goods, code),
        "discount_amount": show(item.discount, code),
        "shipping_amount": show(item.shipping, code),
        "fee_amount": show(item.fee, code),
        "installment_interest_amount": show(item.interest, code),
        "adjustment_amount": show(item.adjustment, code),
        "amount": show(item.amount, code),
        "tax_amount": show(item.tax, code),
        "tax_rate": show_rate(Decimal(item.tax_rate)),
    }


def previewed_payment(refund: PreviewedRefund, code: str) -> PreviewedPayment:
    return {
        "method": choice(METHODS, refund.means.value),
        "payment_type": refund.payment_kind,
        "amount": show(refund.amount, code),
        "latest_date": refund.latest_day,
    }
