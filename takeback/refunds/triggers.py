"""Triggers that keep the ledger append-only and balanced, and refunds true to their life cycle.

The entries of a booking are written first, then the head of the order's chain. The head checks
that the entries add up to zero, and a booking that the head has passed accepts no further entry.
PostgreSQL checks at the commit, too, that no entry is left without its head; on SQLite such
entries block the order's next booking.
"""

from collections.abc import Iterator
from typing import NamedTuple

from takeback.refunds.statuses import LIFE_CYCLE, Status

_ENTRIES, _HEADS, _ANCHORS = "refunds_ledgerentry", "refunds_ledgerhead", "refunds_ledgeranchor"
_REFUNDS, _PARTS, _ACCOUNTS = "refunds_refund", "refunds_refundpart", "refunds_paymentaccount"

_NEXT_SEQ = f"COALESCE((SELECT seq FROM {_HEADS} WHERE order_id = NEW.order_id), 0) + 1"  # noqa: S608 - our own names
_BOOKING = f"FROM {_ENTRIES} WHERE order_id = NEW.order_id AND seq = NEW.seq"
_UNBALANCED = f"EXISTS (SELECT 1 {_BOOKING} GROUP BY currency HAVING SUM(amount_minor) <> 0)"
# Sides are counted from 1, and a booking has two at least.
_NO_BOOKING = f"""
    (SELECT COALESCE(MAX(side), 0) <> COUNT(*) OR COUNT(*) < 2 {_BOOKING})
 OR NEW.hash <> COALESCE((SELECT hash {_BOOKING} ORDER BY side DESC LIMIT 1), '')
 OR {_UNBALANCED}"""
_IS_CANCELLED = f"(SELECT status FROM {_REFUNDS} WHERE id = OLD.refund_id) = '{Status.CANCELLED}'"  # noqa: S608 - our own names

_FIXED_IN_REFUND = (
    *("uuid", "order_id", "plan_id", "payment_id", "means", "account_id"),
    *("amount_minor", "currency", "replaces_id"),
)
# Items are split and merged, so the item of a part may change.
_FIXED_IN_PART = (
    *("refund_id", "units", "goods_minor", "discount_minor", "shipping_minor", "fee_minor"),
    *("interest_minor", "adjustment_minor", "tax_minor", "tax_rate"),
)
# Payments and the ledger refer to an account by its code.
_FIXED_IN_ACCOUNT = ("uuid", "channel_id", "code")

_ALWAYS = "1 = 1"


class _Rule(NamedTuple):
    """What a table refuses: its name is the error, and the condition sees NEW and OLD."""

    name: str
    event: str
    table: str
    condition: str = _ALWAYS


def statements(vendor: str) -> list[str]:
    """The SQL that creates the triggers in a database of a vendor (`sqlite`, `postgresql`)."""
    return list(_postgresql() if vendor == "postgresql" else _sqlite())


_LEDGER_RULES = (
    _Rule("ledger_entry_follows_head", "INSERT", _ENTRIES, f"NEW.seq <> {_NEXT_SEQ}"),
    _Rule("ledger_entry_stays", "UPDATE", _ENTRIES),
    _Rule("ledger_entry_remains", "DELETE", _ENTRIES),
    _Rule("ledger_head_starts", "INSERT", _HEADS, f"NEW.seq <> 1 OR {_NO_BOOKING}"),
    _Rule(
        "ledger_head_moves_forward",
        "UPDATE",
        _HEADS,
        f"NEW.order_id <> OLD.order_id OR NEW.seq <> OLD.seq + 1 OR {_NO_BOOKING}",
    ),
    _Rule("ledger_head_remains", "DELETE", _HEADS),
    _Rule(
        "ledger_anchor_is_newest",
        "INSERT",
        _ANCHORS,
        f"EXISTS (SELECT 1 FROM {_ANCHORS} WHERE day >= NEW.day OR last_entry > NEW.last_entry)",  # noqa: S608 - our own names
    ),
    _Rule("ledger_anchor_stays", "UPDATE", _ANCHORS),
    _Rule("ledger_anchor_remains", "DELETE", _ANCHORS),
)


def _refund_rules(differs: str) -> list[_Rule]:
    """The rules of refunds; `differs` is the operator of this database that compares NULLs."""
    changes = ", ".join(f"('{before}', '{after}')" for before, after in LIFE_CYCLE.changes())
    is_other_transition = (
        f"NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (VALUES {changes})"
    )
    # A request that was sent is never forgotten: its key may still be in use.
    is_other_refund = (
        f"{_any_differs(_FIXED_IN_REFUND, differs)} OR NEW.sends < OLD.sends"
        f" OR (OLD.first_sent_at IS NOT NULL AND NEW.first_sent_at {differs} OLD.first_sent_at)"
    )
    is_other_part = f"({_any_differs(_FIXED_IN_PART, differs)}) AND NOT {_IS_CANCELLED}"
    is_other_account = _any_differs(_FIXED_IN_ACCOUNT, differs)
    return [
        _Rule("transition_of_a_refund", "UPDATE OF status", _REFUNDS, is_other_transition),
        _Rule("refund_stays", "UPDATE", _REFUNDS, is_other_refund),
        _Rule("refund_part_stays", "UPDATE", _PARTS, is_other_part),
        _Rule("refund_part_remains", "DELETE", _PARTS, f"NOT {_IS_CANCELLED}"),
        _Rule("payment_account_stays", "UPDATE", _ACCOUNTS, is_other_account),
    ]


def _any_differs(columns: tuple[str, ...], operator: str) -> str:
    return " OR ".join(f"NEW.{column} {operator} OLD.{column}" for column in columns)


def _postgresql() -> Iterator[str]:
    yield from _complete_at_commit()
    for rule in (*_LEDGER_RULES, *_refund_rules("IS DISTINCT FROM")):
        row = "OLD" if rule.event == "DELETE" else "NEW"
        yield _function(rule.name, rule.condition, row)
        yield f"""
CREATE OR REPLACE TRIGGER {rule.name} BEFORE {rule.event} ON {rule.table}
  FOR EACH ROW EXECUTE FUNCTION takeback_{rule.name}()"""
    # TRUNCATE fires no trigger of a row. An empty table may be truncated: tests do so.
    for table in (_ENTRIES, _HEADS, _ANCHORS):
        name = f"{table}_is_not_truncated"
        yield _function(name, f"EXISTS (SELECT 1 FROM {table})", "NULL")  # noqa: S608 - our own names
        yield f"""
CREATE OR REPLACE TRIGGER {name} BEFORE TRUNCATE ON {table}
  FOR EACH STATEMENT EXECUTE FUNCTION takeback_{name}()"""


def _complete_at_commit() -> Iterator[str]:
    name = "ledger_booking_is_complete"
    yield _function(name, f"NEW.seq >= {_NEXT_SEQ} OR {_UNBALANCED}", "NULL")
    # PostgreSQL replaces no constraint trigger.
    yield f"DROP TRIGGER IF EXISTS {name} ON {_ENTRIES}"
    yield f"""
CREATE CONSTRAINT TRIGGER {name} AFTER INSERT ON {_ENTRIES}
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION takeback_{name}()"""


def _function(name: str, condition: str, row: str) -> str:
    # As in the room of the orders, the function reads by index from the start.
    return f"""
CREATE OR REPLACE FUNCTION takeback_{name}() RETURNS trigger LANGUAGE plpgsql
  SET enable_seqscan = off AS $$
BEGIN
  IF {condition} THEN
    RAISE EXCEPTION '{name}' USING ERRCODE = 'check_violation', CONSTRAINT = '{name}';
  END IF;
  RETURN {row};
END $$"""


def _sqlite() -> Iterator[str]:
    for rule in (*_LEDGER_RULES, *_refund_rules("IS NOT"), *_replacing_rules()):
        yield f"DROP TRIGGER IF EXISTS {rule.name}"
        yield (
            f"CREATE TRIGGER {rule.name} BEFORE {rule.event} ON {rule.table}"
            f" WHEN {rule.condition} BEGIN SELECT RAISE(ABORT, '{rule.name}'); END"
        )


def _replacing_rules() -> Iterator[_Rule]:
    """INSERT OR REPLACE deletes the old row without firing its delete trigger."""
    keys = {
        _ENTRIES: "id = NEW.id OR (order_id = NEW.order_id AND seq = NEW.seq AND side = NEW.side)",
        _HEADS: "order_id = NEW.order_id",
        _ANCHORS: "id = NEW.id OR day = NEW.day",
        _PARTS: "id = NEW.id OR (refund_id = NEW.refund_id AND order_item_id = NEW.order_item_id)",
        _REFUNDS: "id = NEW.id OR uuid = NEW.uuid OR replaces_id = NEW.replaces_id",
    }
    for table, key in keys.items():
        condition = f"EXISTS (SELECT 1 FROM {table} WHERE {key})"  # noqa: S608 - our own names
        yield _Rule(f"{table}_is_not_replaced", "INSERT", table, condition)
