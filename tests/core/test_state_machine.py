"""A life cycle as a table: what it refuses to be made of, and what it answers."""

from enum import StrEnum

import pytest

from takeback.core.actor import SYSTEM, Actor, ActorKind
from takeback.core.state_machine import InvalidTransition, StateMachine


class Light(StrEnum):
    """Where a lamp is."""

    OFF = "off"
    ON = "on"
    BROKEN = "broken"


class Push(StrEnum):
    """What happens to it."""

    TURN = "turn"
    DROP = "drop"


TABLE = {
    (Light.OFF, Push.TURN): Light.ON,
    (Light.ON, Push.TURN): Light.OFF,
    (Light.ON, Push.DROP): Light.BROKEN,
}
LAMP = StateMachine(Light.OFF, TABLE)


def test_a_step_of_the_table_leads_where_it_says() -> None:
    assert LAMP.next(Light.ON, Push.DROP) is Light.BROKEN
    assert [LAMP.allows(state, Push.DROP) for state in Light] == [False, True, False]
    assert [LAMP.is_final(state) for state in Light] == [False, False, True]
    assert LAMP.transitions() == [(source, event, to) for (source, event), to in TABLE.items()]


def test_any_other_step_is_refused_with_both_its_sides() -> None:
    with pytest.raises(InvalidTransition, match="no drop from off") as refused:
        LAMP.next(Light.OFF, Push.DROP)
    assert (refused.value.state, refused.value.event) == (Light.OFF, Push.DROP)


def test_a_state_that_cannot_be_reached_is_a_mistake() -> None:
    island = {
        (Light.OFF, Push.TURN): Light.ON,
        (Light.ON, Push.DROP): Light.OFF,
        (Light.BROKEN, Push.TURN): Light.BROKEN,
    }
    with pytest.raises(ValueError, match="no way leads to broken"):
        StateMachine(Light.OFF, island)


def test_an_event_that_never_happens_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="nothing happens on drop"):
        StateMachine(
            Light.OFF,
            {(Light.OFF, Push.TURN): Light.ON, (Light.ON, Push.TURN): Light.BROKEN},
        )


def test_the_picture_is_the_table() -> None:
    assert LAMP.mermaid().splitlines() == [
        "stateDiagram-v2",
        "    [*] --> off",
        "    off --> on: turn",
        "    on --> off: turn",
        "    on --> broken: drop",
        "    broken --> [*]",
    ]


def test_everybody_but_the_system_has_a_number() -> None:
    assert Actor(ActorKind.GUEST, 7) == Actor(ActorKind.GUEST, 7)
    assert Actor(ActorKind.SYSTEM, None) == SYSTEM
    for kind, number in ((ActorKind.SYSTEM, 1), (ActorKind.STAFF, None)):
        with pytest.raises(ValueError, match="has a number"):
            Actor(kind, number)
