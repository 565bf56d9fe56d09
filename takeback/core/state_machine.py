"""A life cycle as a table: checked when it is made, asked by commands, drawn in the docs."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


class InvalidTransition(Exception):
    """The event means nothing in this state; a command turns it into a refusal."""

    def __init__(self, state: StrEnum, event: StrEnum) -> None:
        super().__init__(f"no {event} from {state}")
        self.state = state
        self.event = event


class StateMachine(Generic[S, E]):
    """States, and the events that lead from one to the next.

    Raises ValueError when a state of the enumeration cannot be reached from `start`, or an event of
    the enumeration occurs nowhere: the words and the table are then no longer about the same thing.
    """

    def __init__(self, start: S, table: Mapping[tuple[S, E], S]) -> None:
        self.start = start
        self._table = dict(table)
        if lost := set(type(start)) - self._reachable():
            raise ValueError(f"no way leads to {', '.join(sorted(lost))}")
        used = {event for _, event in table}
        events = {member for event in used for member in type(event)}
        if idle := events - used:
            raise ValueError(f"nothing happens on {', '.join(sorted(idle))}")

    def next(self, state: S, event: E) -> S:
        """Where the event leads; NoSuchStep when it leads nowhere."""
        if not self.allows(state, event):
            raise InvalidTransition(state, event)
        return self._table[state, event]

    def allows(self, state: S, event: E) -> bool:
        """Whether the event may happen now."""
        return (state, event) in self._table

    def is_final(self, state: S) -> bool:
        """Whether nothing can happen any more."""
        return all(source != state for source, _ in self._table)

    def transitions(self) -> list[tuple[S, E, S]]:
        """Every step (from, event, to), in the order of the table."""
        return [(source, event, target) for (source, event), target in self._table.items()]

    def mermaid(self) -> str:
        """The picture as a Mermaid state diagram."""
        arrows = [
            f"    {source} --> {target}: {event}" for source, event, target in self.transitions()
        ]
        ends = [f"    {state} --> [*]" for state in type(self.start) if self.is_final(state)]
        return "\n".join(["stateDiagram-v2", f"    [*] --> {self.start}", *arrows, *ends])

    def _reachable(self) -> set[S]:
        found: set[S] = set()
        ahead = {self.start}
        while ahead:
            found |= ahead
            ahead = {target for source, _, target in self.transitions() if source in ahead} - found
        return found
