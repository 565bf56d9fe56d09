"""Cases, their history, amounts and bank accounts as the desk's pages show them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.timezone import get_current_timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from takeback.bank_accounts.bank_account import bank_account_of, mask_iban
from takeback.cancellations.amounts import refundable_amounts
from takeback.cancellations.labels import KINDS, PLAN_STATUSES, STATUSES, STEPS, subject_in
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.shipment import is_shipped_meanwhile
from takeback.cancellations.statuses import LIVE, CaseEvent, Kind, Transition
from takeback.core import clock
from takeback.core.actor import ActorKind
from takeback.core.formatting import format_age, format_amount
from takeback.desk.queries import StepRow
from takeback.desk.rule_results import overridden_sentences, recorded_summary
from takeback.orders.labels import STATUSES as ITEM_STATUSES
from takeback.orders.statuses import Status as ItemStatus
from takeback.orders.units import units_left

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
        "age": format_age(case.created_date, clock.now()),
        "kind": KINDS[case.cancellation_type],
        "status": STATUSES[case.status],
        "reason": subject_in(get_language(), case.reason.subject, case.reason.translations),
        "product": product_name(item.product.document, item.sku),
        "customer_name": f"{order.user.first_name} {order.user.last_name}".strip(),
        "item_status": item_status(case),
        "shipment_reported_at": shipment_reported_at(case),
        "units_left": units_left(item, case.quantity if case.status in LIVE else 0),
        "refund_value": format_amount(refundable_amounts(case).goods, currency),
        "total": format_amount(order.amount_minor + order.interest_minor, currency),
        "refunded": format_refunds(order.refund_minor + order.refunded_elsewhere_minor, currency),
        "refunded_elsewhere": format_refunds(order.refunded_elsewhere_minor, currency),
        "plan_status": PLAN_STATUSES[plan.status] if plan else "",
        "plan_amounts": [
            (name, format_amount(minor, currency)) for name, minor in plan_amounts.items() if minor
        ],
    }


def format_refunds(minor: int, currency: str) -> str:
    """An amount that was refunded; empty if nothing was."""
    return format_amount(minor, currency) if minor else ""


def item_status(case: CancellationRequest) -> str | Promise:
    """The status of a case's item. A return waits for the goods, not for a cancellation."""
    item = case.order_item
    if item.status == ItemStatus.CANCELLATION_WAITING and case.cancellation_type == Kind.RETURN:
        return _("Return in progress")
    return ITEM_STATUSES.get(item.status, str(item.status))


def shipment_reported_at(case: CancellationRequest) -> datetime | None:
    """When the item of an undecided cancellation was shipped; None while it can be cancelled.

    Not every system sends the date. The item's last update then stands for it.
    """
    if not is_shipped_meanwhile(case):
        return None
    item = case.order_item
    return item.shipped_date or item.delivered_date or item.modified_date


def actor_name(step: StepRow) -> str | Promise:
    """The name of a member of staff, or what else made a step; keys have numbers."""
    kind = ACTORS.get(step.actor_kind) or step.name or step.actor_kind
    return f"{kind} {step.actor_number}" if step.actor_kind == ActorKind.CHANNEL else kind


def history_context(steps: Iterable[StepRow]) -> list[dict[str, Any]]:
    return [
        {
            "at": step.at,
            "step": STEPS.get(step.event, step.event),
            "after": STATUSES.get(step.after, step.after),
            "actor": actor_name(step),
            "message": step.message,
            "internal_note": step.internal_note,
            "rules_summary": recorded_summary(step.rule_results),
            "overridden": overridden_sentences(step.rule_results, step.overridden),
        }
        for step in steps
    ]


MEANWHILE: dict[str, Promise] = {
    Transition.REVIEW: _("%(who)s escalated this case at %(time)s, while you had it open."),
    Transition.CONFIRM: _("%(who)s accepted this case at %(time)s, while you had it open."),
    Transition.APPROVE: _("%(who)s approved this case at %(time)s, while you had it open."),
    Transition.COMPLETE: _("%(who)s completed this case at %(time)s, while you had it open."),
    Transition.REJECT: _("%(who)s rejected this case at %(time)s, while you had it open."),
    Transition.WITHDRAW: _("%(who)s withdrew this case at %(time)s, while you had it open."),
    CaseEvent.EDIT: _("%(who)s changed this case at %(time)s, while you had it open."),
    CaseEvent.NOTE: _("%(who)s added a note at %(time)s, while you had this case open."),
    CaseEvent.UNDO: _("%(who)s undid a decision at %(time)s, while you had this case open."),
    CaseEvent.CONFIRM_ACCOUNT: _(
        "%(who)s verified the bank account at %(time)s, while you had this case open."
    ),
    CaseEvent.INTO_RETURN: _(
        "%(who)s turned this case into a return at %(time)s, while you had it open."
    ),
}


def time_format(moment: datetime) -> str:
    """The time of day, in the time zone of the shop."""
    return date_format(moment.astimezone(get_current_timezone()), "TIME_FORMAT")


def meanwhile(steps: Iterable[StepRow], version: int | None) -> list[str]:
    """Who has changed a case since the version that the agent saw, and when."""
    return [
        MEANWHILE[step.event] % {"who": actor_name(step), "time": time_format(step.at)}
        for step in steps
        if version is not None and step.seq > version and step.event in MEANWHILE
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
