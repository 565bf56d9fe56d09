"""Updates of cases: a case and its history are always written together."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.core.actor import Actor
from takeback.core.db.bulk import insert_objects
from takeback.core.errors import CONFLICT, Refused

# Cases, each with its new values.
Updates = Sequence[tuple[CancellationRequest, Mapping[str, object]]]


def update_case(
    case: CancellationRequest, event: str, actor: Actor, now: datetime, **values: object
) -> None:
    """Update a case and add a row to its history; `Refused` if it changed meanwhile."""
    update_cases([(case, values)], event, actor, now)


def update_cases(
    updates: Updates, event: str, actor: Actor, now: datetime, message: str | None = None
) -> None:
    """Update several cases and their histories; `Refused` if one of them changed meanwhile."""
    rows = []
    for case, values in updates:
        before = case.status
        current = CancellationRequest.objects.filter(
            pk=case.pk, status=before, version=case.version
        )
        changes = {**values, "version": case.version + 1, "modified_date": now}
        if not current.update(**changes):
            raise Refused(CONFLICT)
        for name, value in changes.items():
            setattr(case, name, value)
        rows.append(history_row(case, event, before, actor, now, message=message))
    insert_objects(rows)


def history_row(
    case: CancellationRequest,
    event: str,
    before: str | None,
    actor: Actor,
    now: datetime,
    *,
    message: str | None = None,
    overridden: Sequence[str] = (),
) -> CaseHistory:
    """The unsaved history row of a case that has just changed."""
    return CaseHistory(
        cancellation_request_id=case.pk,
        seq=case.version,
        event=event,
        before=before,
        after=case.status,
        actor_kind=actor.kind.value,
        actor_number=actor.number,
        message=message,
        overridden=list(overridden),
        at=now,
    )
