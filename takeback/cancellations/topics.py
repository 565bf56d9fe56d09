"""What the rest of the house hears about a case."""

from collections.abc import Sequence
from enum import StrEnum

from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import Transition
from takeback.outbox.commands import emit_all


class Topic(StrEnum):
    """Topics of the outbox; a message's key is the case and the number of its step."""

    OPENED = "cancellation_request.opened"
    WITHDRAWN = "cancellation_request.withdrawn"
    REJECTED = "cancellation_request.rejected"
    REVIEWED = "cancellation_request.reviewed"
    CONFIRMED = "cancellation_request.confirmed"
    APPROVED = "cancellation_request.approved"
    REMOVED = "cancellation_request.removed"
    EDITED = "cancellation_request.edited"
    ACCOUNT_CHANGED = "cancellation_request.account_changed"


TOPIC_OF_TRANSITION = {
    Transition.WITHDRAW: Topic.WITHDRAWN,
    Transition.REJECT: Topic.REJECTED,
    Transition.REVIEW: Topic.REVIEWED,
    Transition.CONFIRM: Topic.CONFIRMED,
    Transition.APPROVE: Topic.APPROVED,
}


def publish(topic: Topic, cases: Sequence[CancellationRequest]) -> None:
    """Tell whoever listens, in the transaction that changed the cases."""
    emit_all(
        topic, {f"{case.pk}.{case.version}": {"cancellation_request": case.pk} for case in cases}
    )
