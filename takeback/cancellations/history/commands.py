"""Changing a case together with its history, so that neither is written without the other."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.core import problems
from takeback.core.actor import Actor
from takeback.core.bulk import insert_objects
from takeback.core.problems import Refused


def change(
    case: CancellationRequest,
    event: str,
    actor: Actor,
    now: datetime,
    *,
    note: str | None = None,
    **changes: Any,
) -> None:
    """Give a case these values, and its history a row; `Refused` if it was changed meanwhile."""
    change_all([(case, changes)], event, actor, now, note=note)


def change_all(
    told: Sequence[tuple[CancellationRequest, Mapping[str, Any]]],
    event: str,
    actor: Actor,
    now: datetime,
    *,
    note: str | None = None,
) -> None:
    """As `change`, for several cases, each with its own values."""
    steps = []
    for case, values in told:
        before = case.status
        same = CancellationRequest.objects.filter(pk=case.pk, status=before, version=case.version)
        changes = {**values, "version": case.version + 1, "modified_date": now}
        if not same.update(**changes):
            raise Refused(problems.CONFLICT)
        for name, value in changes.items():
            setattr(case, name, value)
        steps.append(step_of(case, event, before, actor, now, note=note))
    insert_objects(steps)


def step_of(
    case: CancellationRequest,
    event: str,
    before: str | None,
    actor: Actor,
    now: datetime,
    *,
    note: str | None = None,
    waived: Sequence[str] = (),
) -> CaseHistory:
    """The history row of what a case has become; not yet written."""
    return CaseHistory(
        cancellation_request_id=case.pk,
        seq=case.version,
        event=event,
        before=before,
        after=case.status,
        actor_kind=actor.kind.value,
        actor_number=actor.number,
        note=note,
        waived=list(waived),
        at=now,
    )
