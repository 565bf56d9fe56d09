"""Actors: the person or program that a history row records."""

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    CUSTOMER = "customer"
    GUEST = "guest"
    STAFF = "staff"
    CHANNEL = "channel"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """An actor by id, never by name.

    `number` is the id of the user (customer, staff), of the order that was looked up (guest), or
    of the API key (channel); the system has none.
    """

    kind: ActorKind
    number: int | None

    def __post_init__(self) -> None:
        if (self.number is None) != (self.kind is ActorKind.SYSTEM):
            raise ValueError("every actor except the system has a number")


# Timers and periodic tasks.
SYSTEM = Actor(ActorKind.SYSTEM, None)
