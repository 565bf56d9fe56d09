"""Adds internal notes to cases."""

from datetime import datetime

from django.db import transaction

from takeback.cancellations.commands.transition import lock_case
from takeback.cancellations.history import Details, update_cases
from takeback.cancellations.statuses import CaseEvent
from takeback.core.actor import Actor
from takeback.core.ids import CaseId
from takeback.orders.scope import OrderScope


@transaction.atomic
def add_note(
    case_id: CaseId, scope: OrderScope, internal_note: str, *, actor: Actor, now: datetime
) -> None:
    """Add a note that only staff read, in any status; other systems see no change."""
    case = lock_case(case_id, scope)
    unchanged = {"modified_date": case.modified_date}
    details = Details(internal_note=internal_note)
    update_cases([(case, unchanged)], CaseEvent.NOTE, actor, now, details)
