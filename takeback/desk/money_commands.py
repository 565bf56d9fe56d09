"""Calls of the commands on refunds and payment accounts, and of the calculation of refunds.

No other module of the desk knows their signatures.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from django.db import transaction

from takeback.accounts.policy import shop_policy
from takeback.cancellations.commands.apply_refund_news import (
    mark_refund_not_paid,
    mark_refund_paid,
)
from takeback.cancellations.commands.complete_plan import mark_changed
from takeback.cancellations.models import CancellationPlan, CancellationRequest
from takeback.cancellations.plans import cases_of_plan, remaining_by_item
from takeback.cancellations.refund_due import due_items
from takeback.cancellations.refund_legs import Destination, refund_legs
from takeback.cancellations.refund_preview import PreviewedItem, PreviewedRefund, preview_refunds
from takeback.cancellations.statuses import Kind
from takeback.core.actor import Actor
from takeback.core.errors import NOT_FOUND, PRECONDITION_FAILED, Refused
from takeback.core.ids import ItemId, OrderId, PlanId
from takeback.desk.refund_forms import (
    ApproveForm,
    CancelForm,
    MarkNotPaidForm,
    MarkPaidForm,
    OtherMeansForm,
    SendAgainForm,
)
from takeback.orders.locks import lock_orders
from takeback.orders.models import Order, Payment
from takeback.orders.scope import OrderScope
from takeback.refund_providers.registry import ADAPTERS, LOYALTY, MANUAL
from takeback.refunds.allocation import DueItem
from takeback.refunds.commands import accounts
from takeback.refunds.commands.accounts import AccountChange, NewAccount
from takeback.refunds.commands.control import (
    approve_second_person,
    pause_account,
    resume_account,
)
from takeback.refunds.commands.plan import cancel_refunds
from takeback.refunds.commands.retry import retry_by_other_means, send_again
from takeback.refunds.due_dates import latest_day
from takeback.refunds.money_of_order import RefundRow, money_of_order, refunds_total
from takeback.refunds.policy import PlanFacts, needs_second_person
from takeback.refunds.statuses import Means, Status


def version_of(refund: RefundRow) -> str:
    """The state of a refund as its page shows it: a step on another state is refused."""
    approver = refund.approved_by_number or ""
    texts = refund.status, refund.attention, refund.sends, approver, refund.replacement__id or ""
    return ".".join(map(str, texts))


class _Step(NamedTuple):
    """A step on a locked refund; `total_minor` is what its plan pays with all its refunds."""

    refund: RefundRow
    channel_id: int
    total_minor: int
    data: Mapping[str, Any]
    actor: Actor
    now: datetime


@transaction.atomic
def run_step(
    step: str,
    order: Order,
    refund_id: int,
    data: Mapping[str, Any],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Take a step on a refund; `Refused` if it has changed since the agent saw it."""
    lock_orders([OrderId(order.pk)])
    refunds = {refund.id: refund for refund in money_of_order(order.pk).refunds}
    if refund_id not in refunds:
        raise Refused(NOT_FOUND)
    refund = refunds[refund_id]
    if version_of(refund) != data["version"]:
        raise Refused(PRECONDITION_FAILED, refund=refund_id)
    plan = [row for row in refunds.values() if row.plan_id == refund.plan_id]
    total = refunds_total(plan, [status for status in Status if status != Status.CANCELLED])
    _COMMANDS[step](_Step(refund, order.channel_id, total, data, actor, now))
    mark_changed(PlanId(refund.plan_id))


def _approve(step: _Step) -> None:
    approve_second_person(step.refund.id, actor=step.actor, now=step.now)


def _cancel(step: _Step) -> None:
    cancel_refunds(step.refund.plan_id, now=step.now)


def _send_again(step: _Step) -> None:
    send_again(step.refund.id, actor=step.actor, now=step.now)


def _other_means(step: _Step) -> None:
    means = Means(step.data["means"])
    needs_another = needs_second_person(_plan_facts(step, means))
    retry_by_other_means(
        step.refund.id,
        means,
        consent=step.data["consent"],
        actor=step.actor,
        now=step.now,
        needs_second_person=step.refund.needs_second_person or needs_another,
    )


def _mark_paid(step: _Step) -> None:
    mark_refund_paid(
        step.refund.id,
        evidence=step.data["evidence"],
        actor=step.actor,
        now=step.now,
        provider_refund=step.data["provider_refund"] or None,
    )


def _mark_not_paid(step: _Step) -> None:
    evidence = step.data["evidence"]
    mark_refund_not_paid(step.refund.id, evidence=evidence, actor=step.actor, now=step.now)


def _plan_facts(step: _Step, means: Means) -> PlanFacts:
    """What decides whether a second person must agree to other means."""
    cases = CancellationRequest.objects.filter(plan_id=step.refund.plan_id)
    unconfirmed = cases.filter(iban_index__isnull=False, is_bank_account_confirmed=False)
    return PlanFacts(
        shop=shop_policy(step.channel_id),
        currency=step.refund.currency,
        total_minor=step.total_minor,
        due_minor=step.total_minor,
        goes_to_bank_account=means is Means.BANK_TRANSFER,
        is_bank_account_confirmed=not unconfirmed.exists(),
    )


_COMMANDS: Final[dict[str, Callable[[_Step], None]]] = {
    ApproveForm.step: _approve,
    CancelForm.step: _cancel,
    SendAgainForm.step: _send_again,
    OtherMeansForm.step: _other_means,
    MarkPaidForm.step: _mark_paid,
    MarkNotPaidForm.step: _mark_not_paid,
}


class Preview(NamedTuple):
    """What approving a case pays back."""

    items: list[DueItem]
    refunds: list[PreviewedRefund]
    # Other requests that the same refunds pay.
    other_cases: int


def preview_refund(case: CancellationRequest, today: date) -> Preview:
    """What is paid back for a case, by the functions that plan its refunds.

    `Refused` or NotEnoughLeft if the order has less left.
    """
    if case.plan is not None:
        return _preview_of_plan(case.plan, case, today)
    account = case.iban_index if case.is_bank_account_confirmed else None
    item = PreviewedItem(
        ItemId(case.order_item_id),
        Kind(case.cancellation_type),
        case.quantity,
        Destination(as_loyalty=case.fully_refund_as_loyalty_money, account=account),
    )
    [preview] = preview_refunds([item], OrderScope(case.channel_id), today=today)
    return Preview(preview.items, preview.refunds, other_cases=0)


def _preview_of_plan(plan: CancellationPlan, case: CancellationRequest, today: date) -> Preview:
    plan.order = case.order_item.order
    cases = list(remaining_by_item(cases_of_plan(PlanId(plan.pk))).values())
    kinds = dict(Payment.objects.filter(order_id=plan.order_id).values_list("pk", "kind"))
    refunds = [
        PreviewedRefund(kinds[leg.payment], leg.means, leg.amount, latest_day(leg.means, today))
        for leg in refund_legs(plan, cases)
    ]
    return Preview(due_items(plan, cases), refunds, len(cases) - 1)


def add_payment_account(channel_id: int, new: NewAccount, *, now: datetime) -> int:
    """Add a payment account of a channel."""
    return accounts.add_account(channel_id, new, now=now)


def change_payment_account(
    channel_id: int, account_id: int, change: AccountChange, *, now: datetime
) -> None:
    """Change, activate or deactivate a payment account."""
    accounts.change_account(channel_id, account_id, change, now=now)


def provider_names() -> list[str]:
    """The providers that need an account; points and payments by hand need none."""
    return [name for name in ADAPTERS if name not in (LOYALTY, MANUAL)]


def pause_payment_account(channel_id: int, account_id: int, reason: str, *, now: datetime) -> None:
    """Stop sending refunds through an account."""
    pause_account(channel_id, account_id, reason=reason, now=now)


def resume_payment_account(channel_id: int, account_id: int, *, now: datetime) -> None:
    """Send refunds through an account again."""
    resume_account(channel_id, account_id, now=now)
