"""What the rest of the house hears about a case."""

from enum import StrEnum

from takeback.cancellations.states import Event


class Topic(StrEnum):
    """Topics of the outbox; a message's key is the case and the number of its step."""

    OPENED = "cancellation_request.opened"
    WITHDRAWN = "cancellation_request.withdrawn"
    REJECTED = "cancellation_request.rejected"
    CONFIRMED = "cancellation_request.confirmed"


OF_EVENT = {
    Event.WITHDRAW: Topic.WITHDRAWN,
    Event.REJECT: Topic.REJECTED,
    Event.CONFIRM: Topic.CONFIRMED,
}
