"""Plans the refunds of an approved plan, and cancels them while none has left."""

from collections.abc import Sequence
from datetime import datetime

from takeback.accounts.policy import shop_policy
from takeback.cancellations.commands.complete_plan import complete_plan
from takeback.cancellations.models import (
    CancellationPlan,
    CancellationRequest,
    CaseHistory,
    PlanPayment,
)
from takeback.cancellations.plans import (
    PaidItem,
    delete_payments,
    more_than_paid,
    order_money,
)
from takeback.cancellations.refund_legs import payments_of_plan, refund_legs
from takeback.cancellations.statuses import MAIL_DELAY, Transition
from takeback.core.actor import SYSTEM, Actor, ActorKind
from takeback.core.ids import OrderId, PlanId
from takeback.refunds.allocation import NotEnoughLeft, RefundLeg
from takeback.refunds.commands.plan import cancel_refunds, plan_refunds
from takeback.refunds.policy import PlanFacts, needs_second_person
from takeback.refunds.statuses import Means


def start_refunds(
    plan: CancellationPlan,
    cases: Sequence[CancellationRequest],
    actor: Actor,
    now: datetime,
) -> None:
    """Plan the refunds of an approved plan without refunds; one worth nothing is completed.

    The caller holds the order's lock. Refunds leave after the time in which an agent may undo a
    decision: that of this actor, or one of the approvals. `Refused` if the payments of the order
    have less left.
    """
    payments = payments_of_plan(plan)
    try:
        legs = refund_legs(plan, cases, payments)
    except NotEnoughLeft as error:
        raise more_than_paid(plan, order_money(plan).left) from error
    total = sum(leg.amount for leg in legs)
    if not total:
        complete_plan(PlanId(plan.pk), actor=SYSTEM, now=now)
        return
    if not payments:
        _record_payment(plan, cases, total, now)
    approvals = _approvals(cases)
    plan_refunds(
        OrderId(plan.order_id),
        plan.pk,
        legs,
        actor=_actor_of(approvals[-1]),
        now=now,
        due_at=_due_at(approvals, actor, now),
        refund_invoice_number=plan.refund_invoice_number,
        needs_second_person=needs_second_person(_facts(plan, cases, legs)),
    )


def stop_refunds(plan: CancellationPlan, now: datetime) -> None:
    """Cancel the refunds of a plan; `Refused` if one of them has left.

    Payments that a system has planned remain, for the next approval.
    """
    cancel_refunds(plan.pk, now=now)
    automatic = PlanPayment.objects.filter(plan=plan, created_by_kind=ActorKind.SYSTEM.value)
    if automatic.exists():
        delete_payments(plan)


def _record_payment(
    plan: CancellationPlan, cases: Sequence[CancellationRequest], total: int, now: datetime
) -> None:
    """Plan one payment for all items, as no system has planned the payments."""
    payment = PlanPayment.objects.create(
        plan=plan,
        transaction_type=plan.plan_type,
        refund_minor=total,
        created_by_kind=ActorKind.SYSTEM.value,
        created_date=now,
    )
    PaidItem.objects.bulk_create(
        PaidItem(planpayment_id=payment.pk, orderitem_id=case.order_item_id) for case in cases
    )


def _approvals(cases: Sequence[CancellationRequest]) -> list[CaseHistory]:
    """The approvals of the cases, the last one at the end."""
    steps = CaseHistory.objects.filter(
        cancellation_request__in=cases, event=Transition.APPROVE.value
    )
    return list(steps.order_by("at", "pk"))


def _actor_of(step: CaseHistory) -> Actor:
    return Actor(ActorKind(step.actor_kind), step.actor_number)


def _due_at(approvals: Sequence[CaseHistory], actor: Actor, now: datetime) -> datetime | None:
    """When no agent can undo a decision any more; None if that is now."""
    decided = [step.at for step in approvals if step.actor_kind == ActorKind.STAFF]
    if actor.kind is ActorKind.STAFF:
        decided.append(now)
    due_at = max(decided, default=now - MAIL_DELAY) + MAIL_DELAY
    return due_at if due_at > now else None


def _facts(
    plan: CancellationPlan, cases: Sequence[CancellationRequest], legs: Sequence[RefundLeg]
) -> PlanFacts:
    """What decides whether a second person must approve the refunds."""
    accounts = [case for case in cases if case.iban_index is not None]
    by_hand = any(leg.means in (Means.BANK_TRANSFER, Means.MANUAL) for leg in legs)
    return PlanFacts(
        shop=shop_policy(plan.order.channel_id),
        currency=plan.order.currency,
        total_minor=sum(leg.amount for leg in legs),
        due_minor=plan.refund_minor + plan.shipping_refund_minor,
        forced_minor=plan.forced_refund_minor,
        goes_to_bank_account=by_hand and bool(accounts),
        is_bank_account_confirmed=all(case.is_bank_account_confirmed for case in accounts),
        is_bank_account_changed=any(case.is_bank_account_changed for case in accounts),
    )
