"""Payments, refunds and ledger entries as the desk's pages show them."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from takeback.core.actor import ActorKind
from takeback.core.formatting import format_amount
from takeback.core.money import show_rate
from takeback.desk.formatting import ACTORS
from takeback.desk.refund_labels import (
    CAUSES,
    MEANS,
    NEEDS,
    PAYMENT_KINDS,
    SECOND_PERSON,
    STATUSES,
    Need,
)
from takeback.orders.models import Order
from takeback.refunds.money_of_order import (
    EntryRow,
    Money,
    PartRow,
    PaymentRow,
    RefundRow,
    left_of_order,
    refunds_total,
)
from takeback.refunds.statuses import Status

Amounts = list[tuple[str | Promise, str]]

_COMPONENTS: Final[dict[str, Promise]] = {
    "goods": gettext_lazy("Goods"),
    "discount": gettext_lazy("Discounts"),
    "shipping": gettext_lazy("Shipping"),
    "fee": gettext_lazy("Fee"),
    "interest": gettext_lazy("Instalment interest"),
    "adjustment": gettext_lazy("Adjustment"),
}


def money_context(money: Money, order: Order, *, part: Money | None = None) -> dict[str, Any]:
    """All payments of an order, and its refunds and ledger entries, or only those of `part`."""
    shown = part or money
    is_single_currency = all(
        payment_currency(row, order) == order.currency for row in money.payments
    )
    left = left_of_order(money.payments, order.refunded_elsewhere_minor)
    is_total_needed = [row.left_minor for row in money.payments] not in ([], [left])
    return {
        "payments": [payment_context(row, money, order) for row in money.payments],
        "refunds": [refund_context(row, money) for row in shown.refunds],
        "entries": entries_context(shown.entries),
        "order_left": format_amount(left, order.currency)
        if is_total_needed and is_single_currency
        else "",
    }


def payment_currency(payment: PaymentRow, order: Order) -> str:
    """The currency that was charged."""
    return payment.currency or order.currency


def payment_context(payment: PaymentRow, money: Money, order: Order) -> dict[str, Any]:
    """A payment with what became of its money; parts that are zero are left out."""
    refunds = [row for row in money.refunds if row.payment_id == payment.id]
    currency = payment_currency(payment, order)
    parts = [
        (_("Refunded"), payment.refunded_minor),
        (_("Reserved for refunds"), payment.reserved_minor),
        (_("Of it accepted by the provider"), refunds_total(refunds, [Status.PENDING])),
        (_("Failed"), refunds_total(refunds, [Status.FAILED])),
        (_("Came back"), refunds_total(refunds, [Status.RETURNED])),
        (_("Refunded in the provider's pages"), payment.found_minor),
        (_("Charged back"), payment.charged_back_minor),
    ]
    return {
        "row": payment,
        "kind": payment_kind(payment.kind),
        "captured": format_amount(payment.captured_minor, currency),
        "parts": [(label, format_amount(minor, currency)) for label, minor in parts if minor],
        "left": format_amount(payment.left_minor, currency),
    }


def payment_kind(kind: str) -> str | Promise:
    """The name of a payment type; types of other systems keep their code."""
    return PAYMENT_KINDS.get(kind, kind)


def refund_context(refund: RefundRow, money: Money) -> dict[str, Any]:
    payment = next(row for row in money.payments if row.id == refund.payment_id)
    return {
        "row": refund,
        "reference": refund.uuid.hex,
        "amount": format_amount(refund.amount_minor, refund.currency),
        "means": MEANS[refund.means],
        "payment": payment,
        "payment_kind": payment_kind(payment.kind),
        "status": STATUSES[refund.status],
        "status_date": status_date(refund),
        "due_by": refund.due_by if refund.status in _UNPAID else None,
        "need": need_of(refund.attention, waits_for_second=refund.waits_for_second_person),
        "holds": holds(refund, payment),
        "requester": requester_name(refund),
        "approver": refund.approver or "",
    }


_UNPAID = (Status.PLANNED, Status.SENDING, Status.IN_DOUBT, Status.PENDING)


def status_date(refund: RefundRow) -> datetime | date:
    """When the refund reached its status."""
    dates = {
        Status.PLANNED: refund.created_date,
        Status.SENDING: refund.first_sent_at,
        Status.IN_DOUBT: refund.first_sent_at,
        Status.PENDING: refund.first_sent_at,
        Status.CONFIRMED: refund.confirmed_at,
        Status.RETURNED: refund.returned_at,
    }
    return dates.get(Status(refund.status)) or refund.modified_date


def need_of(attention: str, *, waits_for_second: bool) -> Need | None:
    """Why a person must look at a refund; None if nobody must."""
    if attention:
        return NEEDS[attention]
    return NEEDS[SECOND_PERSON] if waits_for_second else None


def holds(refund: RefundRow, payment: PaymentRow) -> list[str]:
    """Why a planned refund is not sent yet, besides the reasons that need a person."""
    if refund.status != Status.PLANNED:
        return []
    sentences = []
    if payment.has_open_dispute:
        sentences.append(_("Not sent while the payment's dispute is open."))
    if refund.account__paused_because:
        sentences.append(_("Not sent while the payment account is paused."))
    limit = refund.account__limit_each_minor
    if limit is not None and refund.amount_minor > limit:
        sentence = _("Not sent: the payment account allows at most %(amount)s for a refund.")
        sentences.append(sentence % {"amount": format_amount(limit, refund.currency)})
    return sentences


def requester_name(refund: RefundRow) -> str | Promise:
    """The name of a member of staff, or what else planned the refund; keys have numbers."""
    kind = ACTORS.get(refund.requested_by_kind) or refund.requester or refund.requested_by_kind
    if refund.requested_by_kind == ActorKind.CHANNEL:
        return f"{kind} {refund.requested_by_number}"
    return kind


def entries_context(entries: Iterable[EntryRow]) -> list[dict[str, Any]]:
    """Ledger entries; a debit is positive, a credit negative."""
    return [
        {
            "row": entry,
            "cause": CAUSES.get(entry.cause, entry.cause),
            "amount": format_amount(entry.amount_minor, entry.currency),
            "rate": "" if entry.tax_rate is None else show_rate(entry.tax_rate),
        }
        for entry in entries
    ]


def parts_context(parts: Iterable[PartRow], currency: str) -> list[dict[str, Any]]:
    """What a refund gives back, by item and component."""
    return [
        {
            "sku": part.order_item__sku or "",
            "units": part.units,
            "components": component_amounts(
                [
                    part.goods_minor,
                    part.discount_minor,
                    part.shipping_minor,
                    part.fee_minor,
                    part.interest_minor,
                    part.adjustment_minor,
                ],
                currency,
            ),
            "tax": format_amount(part.tax_minor, currency) if part.tax_minor else "",
        }
        for part in parts
    ]


def component_amounts(minor: Sequence[int], currency: str) -> Amounts:
    """Goods, discount, shipping, fee, interest and adjustment, without those that are zero.

    A discount is subtracted; all others are added.
    """
    return [
        (label, format_amount(-amount if name == "discount" else amount, currency))
        for (name, label), amount in zip(_COMPONENTS.items(), minor, strict=True)
        if amount
    ]
