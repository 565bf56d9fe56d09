"""What a decision in favour of a case pays back, before an agent approves it."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from takeback.cancellations.models import CancellationRequest
from takeback.core.errors import Refused
from takeback.core.formatting import format_amount
from takeback.desk.money_commands import preview_refund
from takeback.desk.money_context import component_amounts, payment_kind
from takeback.desk.refund_labels import MEANS
from takeback.refunds.allocation import DueItem, NotEnoughLeft
from takeback.refunds.statuses import Means


def preview_context(case: CancellationRequest, today: date) -> dict[str, Any]:
    """The refunds of a case per means and component, with the latest day."""
    currency = case.order_item.order.currency
    try:
        preview = preview_refund(case, today)
    except NotEnoughLeft as error:
        return {"missing": format_amount(error.missing, currency)}
    except Refused as refused:
        return {"problem": refused.problem.message}
    total = sum(refund.amount for refund in preview.refunds)
    return {
        "total": format_amount(total, currency),
        "refunds": [
            {
                "amount": format_amount(refund.amount, currency),
                "means": MEANS[refund.means],
                "payment_kind": payment_kind(refund.payment_kind)
                if refund.means == Means.ORIGINAL
                else "",
                "latest_day": refund.latest_day,
            }
            for refund in preview.refunds
        ],
        "components": component_amounts(_component_sums(preview.items), currency),
        "other_cases": preview.other_cases,
    }


def _component_sums(items: Iterable[DueItem]) -> list[int]:
    """Goods, discount, shipping, fee, interest and adjustment of all items together."""
    rows = [
        (item.goods, item.discount, item.shipping, item.fee, item.interest, item.adjustment)
        for item in items
    ]
    return [sum(column) for column in zip(*rows, strict=True)] if rows else [0] * 6
