"""What the database itself refuses about cases: steps off the life cycle, and changes of history.

Generated from the table of the life cycle, in the trigger languages of both databases.
"""

from takeback.cancellations.states import LIFE_CYCLE

_CASES, _HISTORY = "cancellations_cancellationrequest", "cancellations_casehistory"


def statements(vendor: str) -> list[str]:
    """What a database of this vendor (`sqlite`, `postgresql`) is told."""
    return _postgresql() if vendor == "postgresql" else _sqlite()


def _no_step() -> str:
    """True for a change of status that the life cycle does not know."""
    steps = ", ".join(f"('{before}', '{after}')" for before, _, after in LIFE_CYCLE.steps())
    return f"NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (VALUES {steps})"


def _postgresql() -> list[str]:
    return [
        f"""
CREATE OR REPLACE FUNCTION takeback_case_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF {_no_step()} THEN
    RAISE EXCEPTION 'no step leads from % to %', OLD.status, NEW.status
      USING ERRCODE = 'check_violation', CONSTRAINT = 'step_of_the_life_cycle';
  END IF;
  RETURN NEW;
END $$""",
        f"""
CREATE OR REPLACE TRIGGER step_of_the_life_cycle BEFORE UPDATE OF status ON {_CASES}
  FOR EACH ROW EXECUTE FUNCTION takeback_case_step()""",
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
    triggers = {
        "step_of_the_life_cycle": f"BEFORE UPDATE OF status ON {_CASES} WHEN {_no_step()}",
        "history_stays_update": f"BEFORE UPDATE ON {_HISTORY}",
        "history_stays_delete": f"BEFORE DELETE ON {_HISTORY}",
    }
    found = []
    for name, event in triggers.items():
        found += [
            f"DROP TRIGGER IF EXISTS {name}",
            f"CREATE TRIGGER {name} {event} BEGIN SELECT RAISE(ABORT, '{name}'); END",
        ]
    return found
