"""Who did something: what a row of history remembers of a person or a program."""

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    """In which role somebody acts."""

    CUSTOMER = "customer"
    GUEST = "guest"
    STAFF = "staff"
    CHANNEL = "channel"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody in a role, by number, never by name.

    `number` is the user's id (customer, staff), the id of the order that was proved (guest), or
    the id of the API key (channel); the system has none.
    """

    kind: ActorKind
    number: int | None

    def __post_init__(self) -> None:
        if (self.number is None) != (self.kind is ActorKind.SYSTEM):
            raise ValueError("everybody but the system has a number")


SYSTEM = Actor(ActorKind.SYSTEM, None)
"""Nobody asked: a timer or a chore."""
