"""Lets plans follow their cases; an approved plan is paid back in the same transaction."""

from collections.abc import Iterable
from datetime import datetime

import structlog
from django.db import transaction

from takeback.cancellations.commands.record_collected import record_collected
from takeback.cancellations.commands.start_refunds import start_refunds
from takeback.cancellations.models import CancellationPlan, CancellationRequest
from takeback.cancellations.plans import recalculate_plan
from takeback.cancellations.statuses import PlanStatus
from takeback.core.actor import Actor
from takeback.core.errors import Refused
from takeback.core.ids import OrderId, PlanId

log = structlog.get_logger(__name__)


def update_plans(
    cases: Iterable[CancellationRequest], actor: Actor, now: datetime, *, is_promise: bool = True
) -> None:
    """As `update_plan`, for the plans of cases."""
    for plan_id in sorted({case.plan_id for case in cases if case.plan_id}):
        update_plan(PlanId(plan_id), actor, now, is_promise=is_promise)


def update_plan(
    plan_id: PlanId,
    actor: Actor,
    now: datetime,
    *,
    is_promise: bool,
    has_lost_case: bool = False,
) -> None:
    """Recalculate a plan that has no refunds, and start its refunds if it is approved.

    `Refused` if `is_promise` and less money is left than the plan gives back. Otherwise a case of
    the plan was closed or left it, which nothing may prevent: without money left, the plan stays
    approved without refunds until a system plans its payments.
    """
    plan = CancellationPlan.objects.select_related("order").get(pk=plan_id)
    record_collected(OrderId(plan.order_id))
    cases = recalculate_plan(plan, actor, is_promise=is_promise, has_lost_case=has_lost_case)
    if plan.status != PlanStatus.APPROVED:
        return
    if is_promise:
        start_refunds(plan, cases, actor, now)
        return
    try:
        with transaction.atomic():
            start_refunds(plan, cases, actor, now)
    except Refused as refused:
        # The traceback says nothing more.
        log.error("refunds not planned", plan=plan_id, code=refused.problem.code)  # noqa: TRY400
