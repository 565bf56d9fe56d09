"""Changing a case together with its history, so that neither is written without the other."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.core import errors
from takeback.core.actor import Actor
from takeback.core.db.bulk import insert_objects
from takeback.core.errors import Refused


def update_case(
    case: CancellationRequest,
    event: str,
    actor: Actor,
    now: datetime,
    *,
    note: str | None = None,
    **changes: Any,
) -> None:
    """Give a case these values, and its history a row; `Refused` if it was changed meanwhile."""
    update_cases([(case, changes)], event, actor, now, note=note)


def update_cases(
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
            raise Refused(errors.CONFLICT)
        for name, value in changes.items():
            setattr(case, name, value)
        steps.append(history_row(case, event, before, actor, now, note=note))
    insert_objects(steps)


def history_row(
    case: CancellationRequest,
    event: str,
    before: str | None,
    actor: Actor,
    now: datetime,
    *,
    note: str | None = None,
    overridden: Sequence[str] = (),
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
        overridden=list(overridden),
        at=now,
    )
