"""Triggers that keep a balance equal to the sum of its entries, and entries immutable.

A new entry moves the balance itself: no statement can change one without the other. A balance can
only be set to the sum of the entries, and a new account starts with 0.
"""

_ACCOUNTS, _ENTRIES = "loyalty_loyaltyaccount", "loyalty_loyaltyentry"

_CONTINUES = f"""NEW.balance_minor
  = NEW.amount_minor + (SELECT balance_minor FROM {_ACCOUNTS} WHERE id = NEW.account_id)"""  # noqa: S608 - our own names
_MOVE_BALANCE = f"""UPDATE {_ACCOUNTS}
   SET balance_minor = NEW.balance_minor, modified_date = NEW.at WHERE id = NEW.account_id"""  # noqa: S608 - our own names
_SUM = f"(SELECT COALESCE(SUM(amount_minor), 0) FROM {_ENTRIES} WHERE account_id = NEW.id)"  # noqa: S608 - our own names
_FIXED = ("channel_id", "number", "currency")


def statements(vendor: str) -> list[str]:
    """The SQL that creates the triggers in a database of a vendor (`sqlite`, `postgresql`)."""
    return _postgresql() if vendor == "postgresql" else _sqlite()


def _postgresql() -> list[str]:
    return [
        f"""
CREATE OR REPLACE FUNCTION takeback_entry_moves_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM {_ACCOUNTS} WHERE id = NEW.account_id FOR UPDATE;
  IF NOT ({_CONTINUES}) THEN
    RAISE EXCEPTION 'the entry does not continue the balance'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'entry_moves_balance';
  END IF;
  {_MOVE_BALANCE};
  RETURN NULL;
END $$""",
        f"""
CREATE OR REPLACE TRIGGER entry_moves_balance AFTER INSERT ON {_ENTRIES}
  FOR EACH ROW EXECUTE FUNCTION takeback_entry_moves_balance()""",
        # As in the room of the orders, the function reads by index from the start.
        f"""
CREATE OR REPLACE FUNCTION takeback_balance_is_the_sum() RETURNS trigger LANGUAGE plpgsql
  SET enable_seqscan = off AS $$
BEGIN
  IF NEW.balance_minor <> {_SUM} THEN
    RAISE EXCEPTION 'the balance is not the sum of the entries'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'balance_is_the_sum';
  END IF;
  RETURN NEW;
END $$""",
        f"""
CREATE OR REPLACE TRIGGER balance_is_the_sum BEFORE INSERT OR UPDATE OF balance_minor
  ON {_ACCOUNTS} FOR EACH ROW EXECUTE FUNCTION takeback_balance_is_the_sum()""",
        """
CREATE OR REPLACE FUNCTION takeback_loyalty_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'loyalty rows stay'
    USING ERRCODE = 'check_violation', CONSTRAINT = 'loyalty_stays';
END $$""",
        f"""
CREATE OR REPLACE TRIGGER loyalty_entry_stays BEFORE UPDATE OR DELETE ON {_ENTRIES}
  FOR EACH ROW EXECUTE FUNCTION takeback_loyalty_stays()""",
        f"""
CREATE OR REPLACE TRIGGER loyalty_account_stays BEFORE UPDATE OF {", ".join(_FIXED)} ON {_ACCOUNTS}
  FOR EACH ROW WHEN ({_is_changed("IS DISTINCT FROM")})
  EXECUTE FUNCTION takeback_loyalty_stays()""",
    ]


def _is_changed(differs: str) -> str:
    return " OR ".join(f"OLD.{column} {differs} NEW.{column}" for column in _FIXED)


def _sqlite() -> list[str]:
    # INSERT OR REPLACE deletes the old row without firing its delete trigger.
    is_known = (
        f"EXISTS (SELECT 1 FROM {_ENTRIES}"  # noqa: S608 - our own name
        " WHERE id = NEW.id OR uuid = NEW.uuid OR key = NEW.key)"
    )
    refusals = {
        "balance_is_the_sum_update": f"BEFORE UPDATE OF balance_minor ON {_ACCOUNTS}"
        f" WHEN NEW.balance_minor <> {_SUM}",
        "balance_is_the_sum_insert": f"BEFORE INSERT ON {_ACCOUNTS} WHEN NEW.balance_minor <> 0",
        "loyalty_entry_stays_update": f"BEFORE UPDATE ON {_ENTRIES}",
        "loyalty_entry_stays_delete": f"BEFORE DELETE ON {_ENTRIES}",
        "loyalty_entry_stays_replace": f"BEFORE INSERT ON {_ENTRIES} WHEN {is_known}",
        "loyalty_account_stays": f"BEFORE UPDATE OF {', '.join(_FIXED)} ON {_ACCOUNTS}"
        f" WHEN {_is_changed('IS NOT')}",
        "entry_continues_balance": f"BEFORE INSERT ON {_ENTRIES} WHEN NOT ({_CONTINUES})",
    }
    triggers = {
        **{
            name: f"{event} BEGIN SELECT RAISE(ABORT, '{name}');"
            for name, event in refusals.items()
        },
        "entry_moves_balance": f"AFTER INSERT ON {_ENTRIES} BEGIN {_MOVE_BALANCE};",
    }
    return [
        statement
        for name, definition in triggers.items()
        for statement in (
            f"DROP TRIGGER IF EXISTS {name}",
            f"CREATE TRIGGER {name} {definition} END",
        )
    ]
