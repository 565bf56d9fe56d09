"""What was decided about the demo's requests: a plan for those of one order that go together."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import NAMESPACE_URL, uuid5

from takeback.cancellations.amounts import refundable_amounts
from takeback.cancellations.models import CancellationPlan, CancellationRequest
from takeback.cancellations.statuses import PlanStatus, Status
from takeback.core.actor import Actor

_LEADS = {
    Status.CONFIRMED.value: PlanStatus.WAITING.value,
    Status.APPROVED.value: PlanStatus.APPROVED.value,
    Status.COMPLETED.value: PlanStatus.COMPLETED.value,
}
"""Which plan a request is in; one that still waits holds the approved ones beside it, too."""


def add_plans(requests: Iterable[CancellationRequest], staff: Actor) -> None:
    """Give each decided request its plan; the requests themselves are written by the caller."""
    together: dict[tuple[int, str, bool], list[CancellationRequest]] = defaultdict(list)
    for request in requests:
        if request.status in _LEADS:
            is_over = request.status == Status.COMPLETED
            order_id = request.order_item.order_id
            together[order_id, request.cancellation_type, is_over].append(request)
    plans = [_plan(group, staff) for group in together.values()]
    CancellationPlan.objects.bulk_create(plans)
    for plan, group in zip(plans, together.values(), strict=True):
        for request in group:
            request.plan = plan


def _plan(group: list[CancellationRequest], staff: Actor) -> CancellationPlan:
    first, worth = group[0], [refundable_amounts(request) for request in group]
    statuses = {_LEADS[request.status] for request in group}
    waits = PlanStatus.WAITING.value
    changed = max(request.modified_date for request in group)
    return CancellationPlan(
        uuid=uuid5(NAMESPACE_URL, f"plan-{first.uuid}"),
        order_id=first.order_item.order_id,
        plan_type=first.cancellation_type,
        status=waits if waits in statuses else statuses.pop(),
        refund_minor=sum(part.goods for part in worth),
        discount_refund_minor=sum(part.discount for part in worth),
        created_by_kind=staff.kind.value,
        created_by_number=staff.number,
        modified_by_kind=staff.kind.value,
        modified_by_number=staff.number,
        created_date=changed,
        modified_date=changed,
    )
