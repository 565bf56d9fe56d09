"""What the database itself refuses about cases: steps off a life cycle, and changes of history.

Generated from the tables of the life cycles, in the trigger languages of both databases.
"""

from typing import Any

from takeback.cancellations.statuses import LIFE_CYCLE, PLAN_LIFE_CYCLE
from takeback.core.state_machine import StateMachine

_CASES, _HISTORY = "cancellations_cancellationrequest", "cancellations_casehistory"
_PLANS = "cancellations_cancellationplan"


def statements(vendor: str) -> list[str]:
    """What a database of this vendor (`sqlite`, `postgresql`) is told."""
    return _postgresql() if vendor == "postgresql" else _sqlite()


def _no_step(machine: StateMachine[Any, Any]) -> str:
    """True for a change of status that the life cycle does not know."""
    steps = ", ".join(f"('{before}', '{after}')" for before, _, after in machine.transitions())
    return f"NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (VALUES {steps})"


def _guarded_steps(name: str, table: str, machine: StateMachine[Any, Any]) -> list[str]:
    return [
        f"""
CREATE OR REPLACE FUNCTION takeback_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF {_no_step(machine)} THEN
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
        *_guarded_steps("transition_of_a_case", _CASES, LIFE_CYCLE),
        *_guarded_steps("transition_of_a_plan", _PLANS, PLAN_LIFE_CYCLE),
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
    step, of_plan = _no_step(LIFE_CYCLE), _no_step(PLAN_LIFE_CYCLE)
    # INSERT OR REPLACE removes the row in its way without asking the trigger for removals.
    known = (
        f"EXISTS (SELECT 1 FROM {_HISTORY} WHERE id = NEW.id"  # noqa: S608 - our own name
        " OR (cancellation_request_id = NEW.cancellation_request_id AND seq = NEW.seq))"
    )
    triggers = {
        "transition_of_a_case": f"BEFORE UPDATE OF status ON {_CASES} WHEN {step}",
        "transition_of_a_plan": f"BEFORE UPDATE OF status ON {_PLANS} WHEN {of_plan}",
        "history_stays_update": f"BEFORE UPDATE ON {_HISTORY}",
        "history_stays_delete": f"BEFORE DELETE ON {_HISTORY}",
        "history_stays_replace": f"BEFORE INSERT ON {_HISTORY} WHEN {known}",
    }
    found = []
    for name, event in triggers.items():
        found += [
            f"DROP TRIGGER IF EXISTS {name}",
            f"CREATE TRIGGER {name} {event} BEGIN SELECT RAISE(ABORT, '{name}'); END",
        ]
    return found
