"""Outbox messages about cases."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from takeback.cancellations.models import CancellationRequest
from takeback.outbox.commands import emit_all


class Topic(StrEnum):
    """Topics of the outbox. A message's key consists of the case and its version."""

    OPENED = "cancellation_request.opened"
    APPROVED = "cancellation_request.approved"
    REJECTED = "cancellation_request.rejected"
    COMPLETED = "cancellation_request.completed"
    ACCOUNT_CHANGED = "cancellation_request.account_changed"


def publish(
    topic: Topic, cases: Sequence[CancellationRequest], due_at: datetime | None = None
) -> None:
    """Write a message for each case, in the transaction that changes the cases."""
    emit_all(
        topic,
        {
            f"{case.pk}.{case.version}": {"cancellation_request": case.pk, "version": case.version}
            for case in cases
        },
        due_at,
    )
