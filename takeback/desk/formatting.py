"""Cases, their history, amounts and bank accounts as the desk's pages show them."""

from collections.abc import Iterable
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from takeback.bank_accounts.bank_account import bank_account_of, mask_iban
from takeback.cancellations.amounts import refundable_amounts
from takeback.cancellations.labels import KINDS, PLAN_STATUSES, STATUSES, STEPS, subject_in
from takeback.cancellations.models import CancellationRequest
from takeback.core.actor import ActorKind
from takeback.core.formatting import format_amount
from takeback.desk.queries import StepRow
from takeback.orders.labels import STATUSES as ITEM_STATUSES

ACTORS: dict[str, Promise] = {
    ActorKind.CUSTOMER: _("Customer"),
    ActorKind.GUEST: _("Guest"),
    ActorKind.CHANNEL: _("API key"),
    ActorKind.SYSTEM: _("System"),
}


def case_context(case: CancellationRequest) -> dict[str, Any]:
    item, plan = case.order_item, case.plan
    order, currency = item.order, item.order.currency
    plan_amounts = (
        {
            _("Goods"): plan.refund_minor,
            _("Discounts (already deducted)"): plan.discount_refund_minor,
            _("Shipping"): plan.shipping_refund_minor,
            _("Amount set manually"): plan.forced_refund_minor,
        }
        if plan
        else {}
    )
    return {
        "kind": KINDS[case.cancellation_type],
        "status": STATUSES[case.status],
        "reason": subject_in(get_language(), case.reason.subject, case.reason.translations),
        "product": product_name(item.product.document, item.sku),
        "item_status": ITEM_STATUSES.get(item.status, item.status),
        "refund_value": format_amount(refundable_amounts(case).goods, currency),
        "total": format_amount(order.amount_minor + order.interest_minor, currency),
        "refunded": format_amount(order.refund_minor, currency) if order.refund_minor else "",
        "plan_status": PLAN_STATUSES[plan.status] if plan else "",
        "plan_amounts": [
            (name, format_amount(minor, currency)) for name, minor in plan_amounts.items() if minor
        ],
    }


def history_context(steps: Iterable[StepRow]) -> list[dict[str, Any]]:
    return [
        {
            "at": step.at,
            "step": STEPS.get(step.event, step.event),
            "after": STATUSES.get(step.after, step.after),
            "actor": ACTORS.get(step.actor_kind) or step.name or step.actor_kind,
            "number": step.actor_number if step.actor_kind == ActorKind.CHANNEL else None,
            "message": step.message,
            "overridden": step.overridden,
        }
        for step in steps
    ]


def product_name(document: Any, sku: str) -> str:
    """The product's name, or its SKU if it has none."""
    name = document.get("name") if isinstance(document, dict) else None
    return str(name or sku)


def format_bank_account(case: CancellationRequest, *, in_full: bool) -> tuple[str, str] | None:
    """IBAN and holder; unless shown in full, the IBAN is masked and the holder left out."""
    account = bank_account_of(case)
    if account is None:
        return None
    if not in_full:
        return mask_iban(account.iban), ""
    return group_by_four(account.iban), account.holder_name


def group_by_four(text: str) -> str:
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))
