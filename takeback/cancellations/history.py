"""Updates of cases: a case and its history are always written together."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, TypedDict

from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.core.actor import Actor
from takeback.core.db.bulk import insert_objects
from takeback.core.db.change_time import ChangeTime
from takeback.core.errors import CONFLICT, Refused


class RuleOutcome(TypedDict):
    """A rule at a decision, by the name of its check; `code` is that of its problem, if any."""

    rule: str
    code: str | None


class Details(NamedTuple):
    """The texts and rule results of a history row.

    Only the customer reads `message`, and only staff read `internal_note`.
    """

    message: str | None = None
    internal_note: str | None = None
    # The rules as they were at a decision, and the codes of those that staff overrode.
    rule_results: Sequence[RuleOutcome] | None = None
    overridden: Sequence[str] = ()


NO_DETAILS = Details()

# Cases, each with its new values.
Updates = Sequence[tuple[CancellationRequest, Mapping[str, object]]]


def update_case(
    case: CancellationRequest, event: str, actor: Actor, now: datetime, **values: object
) -> None:
    """Update a case and add a row to its history; `Refused` if it changed meanwhile."""
    update_cases([(case, values)], event, actor, now)


def update_cases(
    updates: Updates, event: str, actor: Actor, now: datetime, details: Details = NO_DETAILS
) -> None:
    """Update several cases and their histories; `Refused` if one of them changed meanwhile."""
    rows = []
    for case, values in updates:
        before = case.status
        current = CancellationRequest.objects.filter(
            pk=case.pk, status=before, version=case.version
        )
        changes = {**values, "version": case.version + 1}
        if not current.update(**{"modified_date": ChangeTime(), **changes}):
            raise Refused(CONFLICT)
        for name, value in changes.items():
            setattr(case, name, value)
        rows.append(history_row(case, event, before, actor, now, details))
    insert_objects(rows)


def history_row(
    case: CancellationRequest,
    event: str,
    before: str | None,
    actor: Actor,
    now: datetime,
    details: Details = NO_DETAILS,
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
        message=details.message,
        internal_note=details.internal_note,
        rule_results=None if details.rule_results is None else list(details.rule_results),
        overridden=list(details.overridden),
        at=now,
    )
