"""Triggers that refuse invalid transitions of cases and plans, and changes of the history.

They are generated from the life cycles, in the trigger languages of both databases. One more
trigger gives orders and items the time of a change of their cases: their `cancel_status` is
derived from the cases, and systems that follow orders read it. A new case changes no order's time
(decision 0040).
"""

from typing import Any

from takeback.cancellations.statuses import LIFE_CYCLE, PLAN_LIFE_CYCLE
from takeback.core.state_machine import StateMachine

_CASES, _HISTORY = "cancellations_cancellationrequest", "cancellations_casehistory"
_PLANS = "cancellations_cancellationplan"

# The columns of a case from which the `cancel_status` of its item and order is derived.
_SHOWN = ("status", "is_hidden", "order_item_id")
# The time of the case is a time of change already (`core.db.change_time`), so the order and the
# item take it over. The time of an order never goes back.
_TAKE_TIME_OVER = """BEGIN
  UPDATE orders_orderitem SET modified_date = NEW.modified_date
   WHERE id = NEW.order_item_id AND modified_date < NEW.modified_date;
  UPDATE orders_order SET modified_date = NEW.modified_date
   WHERE id = (SELECT order_id FROM orders_orderitem WHERE id = NEW.order_item_id)
     AND modified_date < NEW.modified_date;"""


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
        # As in the room of the orders, the function reads by index from the start.
        f"""
CREATE OR REPLACE FUNCTION takeback_case_changes_its_order() RETURNS trigger LANGUAGE plpgsql
  SET enable_seqscan = off AS $$
{_TAKE_TIME_OVER}
  RETURN NULL;
END $$""",
        f"""
CREATE OR REPLACE TRIGGER case_changes_its_order AFTER UPDATE OF {", ".join(_SHOWN)} ON {_CASES}
  FOR EACH ROW WHEN ({_is_shown_change()}) EXECUTE FUNCTION takeback_case_changes_its_order()""",
    ]


def _is_shown_change() -> str:
    return " OR ".join(f"NEW.{column} <> OLD.{column}" for column in _SHOWN)


def _sqlite() -> list[str]:
    # INSERT OR REPLACE deletes the old row without firing its delete trigger.
    is_known = (
        f"EXISTS (SELECT 1 FROM {_HISTORY} WHERE id = NEW.id"  # noqa: S608 - our own name
        " OR (cancellation_request_id = NEW.cancellation_request_id AND seq = NEW.seq))"
    )
    is_invalid, is_invalid_plan = _is_invalid(LIFE_CYCLE), _is_invalid(PLAN_LIFE_CYCLE)
    refusals = {
        "transition_of_a_case": f"BEFORE UPDATE OF status ON {_CASES} WHEN {is_invalid}",
        "transition_of_a_plan": f"BEFORE UPDATE OF status ON {_PLANS} WHEN {is_invalid_plan}",
        "history_stays_update": f"BEFORE UPDATE ON {_HISTORY}",
        "history_stays_delete": f"BEFORE DELETE ON {_HISTORY}",
        "history_stays_replace": f"BEFORE INSERT ON {_HISTORY} WHEN {is_known}",
    }
    update = f"AFTER UPDATE OF {', '.join(_SHOWN)} ON {_CASES} WHEN {_is_shown_change()}"
    triggers = {
        **{
            name: f"{event} BEGIN SELECT RAISE(ABORT, '{name}');"
            for name, event in refusals.items()
        },
        "case_changes_its_order": f"{update} {_TAKE_TIME_OVER}",
    }
    return [
        statement
        for name, definition in triggers.items()
        for statement in (
            f"DROP TRIGGER IF EXISTS {name}",
            f"CREATE TRIGGER {name} {definition} END",
        )
    ]
