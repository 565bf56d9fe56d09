"""State machines: the tables they refuse, and the transitions they allow."""

from enum import StrEnum

import pytest

from takeback.core.actor import SYSTEM, Actor, ActorKind
from takeback.core.state_machine import InvalidTransition, StateMachine


class Light(StrEnum):
    """Statuses of a lamp."""

    OFF = "off"
    ON = "on"
    BROKEN = "broken"


class Push(StrEnum):
    """Events of a lamp."""

    TURN = "turn"
    DROP = "drop"


TABLE = {
    (Light.OFF, Push.TURN): Light.ON,
    (Light.ON, Push.TURN): Light.OFF,
    (Light.ON, Push.DROP): Light.BROKEN,
}
LAMP = StateMachine(Light.OFF, TABLE)


def test_transitions_of_the_table_are_allowed() -> None:
    assert LAMP.next(Light.ON, Push.DROP) is Light.BROKEN
    assert [LAMP.allows(status, Push.DROP) for status in Light] == [False, True, False]
    assert [LAMP.is_final(status) for status in Light] == [False, False, True]
    assert LAMP.transitions() == [(source, event, to) for (source, event), to in TABLE.items()]


def test_other_transition_raises_with_its_status_and_event() -> None:
    with pytest.raises(InvalidTransition, match="no drop from off") as refused:
        LAMP.next(Light.OFF, Push.DROP)
    assert (refused.value.status, refused.value.event) == (Light.OFF, Push.DROP)


def test_unreachable_status_is_refused() -> None:
    table = {
        (Light.OFF, Push.TURN): Light.ON,
        (Light.ON, Push.DROP): Light.OFF,
        (Light.BROKEN, Push.TURN): Light.BROKEN,
    }
    with pytest.raises(ValueError, match="unreachable: broken"):
        StateMachine(Light.OFF, table)


def test_unused_event_is_refused() -> None:
    with pytest.raises(ValueError, match="unused events: drop"):
        StateMachine(
            Light.OFF,
            {(Light.OFF, Push.TURN): Light.ON, (Light.ON, Push.TURN): Light.BROKEN},
        )


def test_diagram_shows_the_table() -> None:
    assert LAMP.mermaid().splitlines() == [
        "stateDiagram-v2",
        "    [*] --> off",
        "    off --> on: turn",
        "    on --> off: turn",
        "    on --> broken: drop",
        "    broken --> [*]",
    ]


def test_every_actor_except_the_system_has_a_number() -> None:
    assert Actor(ActorKind.GUEST, 7) == Actor(ActorKind.GUEST, 7)
    assert Actor(ActorKind.SYSTEM, None) == SYSTEM
    for kind, number in ((ActorKind.SYSTEM, 1), (ActorKind.STAFF, None)):
        with pytest.raises(ValueError, match="has a number"):
            Actor(kind, number)
