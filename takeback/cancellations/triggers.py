"""Triggers that refuse invalid transitions of cases and plans, and changes of the history.

They are generated from the life cycles, in the trigger languages of both databases.
"""

from typing import Any

from takeback.cancellations.statuses import LIFE_CYCLE, PLAN_LIFE_CYCLE
from takeback.core.state_machine import StateMachine

_CASES, _HISTORY = "cancellations_cancellationrequest", "cancellations_casehistory"
_PLANS = "cancellations_cancellationplan"


def statements(vendor: str) -> list[str]:
    """The SQL that creates the triggers in a database of a vendor (`sqlite`, `postgresql`)."""
    return _postgresql() if vendor == "postgresql" else _sqlite()


def _is_invalid(machine: StateMachine[Any, Any]) -> str:
    """The SQL condition of a change of status that the life cycle does not allow."""
    changes = ", ".join(f"('{before}', '{after}')" for before, after in machine.changes())
    return f"NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (VALUES {changes})"


def _transition_trigger(name: str, table: str, machine: StateMachine[Any, Any]) -> list[str]:
    return [
        f"""
CREATE OR REPLACE FUNCTION takeback_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF {_is_invalid(machine)} THEN
    RAISE EXCEPTION 'no step leads from % to %', OLD.status, NEW.status
      USING ERRCODE = 'check_violation', CONSTRAINT = '{name}';
  END IF;
  RETURN NEW;
END $$""",
        f"""
CREATE OR REPLACE TRIGGER {name} BEFORE UPDATE OF status ON {table}
  FOR EACH ROW EXECUTE FUNCTION takeback_{name}()""",
    ]


def _postgresql() -> list[str]:
    return [
        *_transition_trigger("transition_of_a_case", _CASES, LIFE_CYCLE),
        *_transition_trigger("transition_of_a_plan", _PLANS, PLAN_LIFE_CYCLE),
        """
CREATE OR REPLACE FUNCTION takeback_history_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'history is never changed'
    USING ERRCODE = 'check_violation', CONSTRAINT = 'history_stays';
END $$""",
        f"""
CREATE OR REPLACE TRIGGER history_stays BEFORE UPDATE OR DELETE ON {_HISTORY}
  FOR EACH ROW EXECUTE FUNCTION takeback_history_stays()""",
    ]


def _sqlite() -> list[str]:
    # INSERT OR REPLACE deletes the old row without firing its delete trigger.
    is_known = (
        f"EXISTS (SELECT 1 FROM {_HISTORY} WHERE id = NEW.id"  # noqa: S608 - our own name
        " OR (cancellation_request_id = NEW.cancellation_request_id AND seq = NEW.seq))"
    )
    is_invalid, is_invalid_plan = _is_invalid(LIFE_CYCLE), _is_invalid(PLAN_LIFE_CYCLE)
    triggers = {
        "transition_of_a_case": f"BEFORE UPDATE OF status ON {_CASES} WHEN {is_invalid}",
        "transition_of_a_plan": f"BEFORE UPDATE OF status ON {_PLANS} WHEN {is_invalid_plan}",
        "history_stays_update": f"BEFORE UPDATE ON {_HISTORY}",
        "history_stays_delete": f"BEFORE DELETE ON {_HISTORY}",
        "history_stays_replace": f"BEFORE INSERT ON {_HISTORY} WHEN {is_known}",
    }
    return [
        statement
        for name, event in triggers.items()
        for statement in (
            f"DROP TRIGGER IF EXISTS {name}",
            f"CREATE TRIGGER {name} {event} BEGIN SELECT RAISE(ABORT, '{name}'); END",
        )
    ]
