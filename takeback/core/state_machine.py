"""A life cycle as a transition table: validated at import, used by commands, drawn in the docs."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Generic, TypeVar

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


class InvalidTransition(Exception):
    def __init__(self, status: StrEnum, event: StrEnum) -> None:
        super().__init__(f"no {event} from {status}")
        self.status = status
        self.event = event


class StateMachine(Generic[S, E]):
    """Statuses and the events that lead from one to the next.

    `undo` holds the earlier statuses to which a status may be taken back. They are no transitions:
    a status that can only be undone is final.

    Raises ValueError when the table does not reach a status of the enumeration from `start`, or
    does not use an event of the enumeration.
    """

    def __init__(
        self,
        start: S,
        table: Mapping[tuple[S, E], S],
        undo: Mapping[S, Collection[S]] | None = None,
    ) -> None:
        self.start = start
        self._table = dict(table)
        self._undo = dict(undo or {})
        if lost := set(type(start)) - self._reachable():
            raise ValueError(f"unreachable: {', '.join(sorted(lost))}")
        used = {event for _, event in table}
        events = {member for event in used for member in type(event)}
        if unused := events - used:
            raise ValueError(f"unused events: {', '.join(sorted(unused))}")

    def next(self, status: S, event: E) -> S:
        """The status after the event; InvalidTransition if the event is not allowed."""
        if not self.allows(status, event):
            raise InvalidTransition(status, event)
        return self._table[status, event]

    def allows(self, status: S, event: E) -> bool:
        return (status, event) in self._table

    def is_final(self, status: S) -> bool:
        return all(source != status for source, _ in self._table)

    def transitions(self) -> list[tuple[S, E, S]]:
        return [(source, event, target) for (source, event), target in self._table.items()]

    def reversals(self) -> list[tuple[S, S]]:
        """The pairs of a status and an earlier one to which it may be taken back."""
        return [(status, target) for status, targets in self._undo.items() for target in targets]

    def changes(self) -> list[tuple[S, S]]:
        """All pairs of a status and the one that may follow it, undone statuses included."""
        return [(source, target) for source, _, target in self.transitions()] + self.reversals()

    def mermaid(self) -> str:
        arrows = [
            f"    {source} --> {target}: {event}" for source, event, target in self.transitions()
        ]
        arrows += [f"    {status} --> {earlier}: undo" for status, earlier in self.reversals()]
        ends = [f"    {status} --> [*]" for status in type(self.start) if self.is_final(status)]
        return "\n".join(["stateDiagram-v2", f"    [*] --> {self.start}", *arrows, *ends])

    def _reachable(self) -> set[S]:
        reached: set[S] = set()
        new = {self.start}
        while new:
            reached |= new
            new = {target for (source, _), target in self._table.items() if source in new} - reached
        return reached
