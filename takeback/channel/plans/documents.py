"""Plans as other systems read them."""

from itertools import groupby

from takeback.channel.orders.documents import amount
from takeback.channel.plans import shapes
from takeback.channel.plans.queries import Found, PaidItem, PlanRow
from takeback.core.actor import ActorKind


def plans(found: Found) -> list[shapes.ChannelCancellationPlan]:
    """Every plan that was found, whole."""
    return [_plan(row, found) for row in found.plans]


def _plan(row: PlanRow, found: Found) -> shapes.ChannelCancellationPlan:
    code, forced, cases = row.order.currency, row.forced_refund_minor, found.cases[row.id]
    return {
        "pk": row.id,
        "id": row.id,
        "uuid": row.uuid,
        "order": row.order.id,
        "order_number": row.order.number,
        "channel": row.order.channel_id,
        "plan_type": row.plan_type,
        "status": row.status,
        "currency": code,
        "refund_amount": amount(row.refund_minor, code),
        "discount_refund_amount": amount(row.discount_refund_minor, code),
        "shipping_refund_amount": amount(row.shipping_refund_minor, code),
        "forced_refund_amount": None if forced is None else amount(forced, code),
        "is_cargo_refund": row.is_cargo_refund,
        "refund_invoice_number": row.refund_invoice_number,
        "refund_invoice_date": row.refund_invoice_date,
        "cancellation_requests": [case.id for case in cases],
        "order_items": sorted({case.order_item_id for case in cases}),
        "payment_plan": _payments(found.payments[row.id], code),
        "created_by": _staff(row.created_by_kind, row.created_by_number),
        "modified_by": _staff(row.modified_by_kind, row.modified_by_number),
        "staff_remote_id": None,
        "retail_store_remote_id": None,
        "created_date": row.created_date,
        "modified_date": row.modified_date,
    }


def _payments(rows: list[PaidItem], currency: str) -> list[shapes.ChannelPayment]:
    found: list[shapes.ChannelPayment] = []
    for _, same in groupby(rows, key=lambda row: row.id):
        items = list(same)
        found.append(
            {
                "transaction_type": items[0].transaction_type,
                "order_items": [row.item_id for row in items],
                "refund_amount": amount(items[0].refund_minor, currency),
            }
        )
    return found


def _staff(kind: str, number: int | None) -> int | None:
    return number if kind == ActorKind.STAFF else None
