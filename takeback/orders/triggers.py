"""Triggers that keep a finalized order equal to the sum of its parts, and records immutable.

The parts are written before the order's row, or while the order is not finalized; finalizing
compares the sums. Snapshots never change, because documents made of them are cached by id. Each
database has its own trigger language, so each rule appears twice.
"""

SUMS_DIFFER = """
    ({new}.goods_minor, {new}.discount_minor, {new}.shipping_minor, {new}.fee_minor,
     {new}.interest_minor)
      <> (SELECT COALESCE(SUM(goods_minor), -1), SUM(discount_minor), SUM(shipping_minor),
                 SUM(fee_minor), SUM(interest_minor)
            FROM orders_orderitem WHERE order_id = {new}.id)
 OR ({new}.discount_minor, {new}.discount_minor)
      <> (SELECT COALESCE(SUM(amount_minor), 0),
                 COALESCE(SUM((SELECT SUM(amount_minor) FROM orders_benefitapplicant
                                WHERE discount_item_id = orders_discountitem.id)), 0)
            FROM orders_discountitem WHERE order_id = {new}.id)
 OR {new}.amount_minor + {new}.interest_minor
      <> (SELECT COALESCE(SUM(amount_minor), 0) FROM orders_payment WHERE order_id = {new}.id)
"""
"""Whether an order's sums differ from those of its parts; an order without items never adds up."""

# A connection keeps the plan that it made while these tables were small, a full scan. Without
# sequential scans the functions read by index from the start.
_READS = "RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off"
_WATCHED = (
    "is_finalized, goods_minor, discount_minor, shipping_minor, fee_minor, amount_minor,"
    " interest_minor, rounding_minor"
)
_FIXED_COLUMNS = {
    "orders_orderitem": (
        "order_id",
        "quantity",
        "goods_minor",
        "discount_minor",
        "tax_minor",
        "shipping_minor",
        "fee_minor",
        "interest_minor",
    ),
    "orders_discountitem": ("order_id", "amount_minor"),
    "orders_payment": ("order_id", "amount_minor"),
    "orders_benefitapplicant": ("discount_item_id", "order_item_id", "amount_minor"),
}
"""The tables of an order's parts, and the columns that are fixed while it is finalized."""


def _order_of(table: str, row: str) -> str:
    """An SQL expression for the id of the row's order; a share has one through its discount."""
    if table == "orders_benefitapplicant":
        return f"(SELECT order_id FROM orders_discountitem WHERE id = {row}.discount_item_id)"  # noqa: S608 - our own names
    return f"{row}.order_id"


def statements(vendor: str) -> list[str]:
    """The statements that create the triggers on a `sqlite` or `postgresql` database."""
    return _postgresql() if vendor == "postgresql" else _sqlite()


def _postgresql() -> list[str]:
    statements = [
        f"""
CREATE OR REPLACE FUNCTION takeback_order_adds_up() {_READS} AS $$
BEGIN
  IF {SUMS_DIFFER.format(new="NEW")} THEN
    RAISE EXCEPTION 'order % does not add up', NEW.id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'order_adds_up';
  END IF;
  RETURN NULL;
END $$""",
        f"""
CREATE OR REPLACE TRIGGER order_adds_up AFTER INSERT OR UPDATE OF {_WATCHED} ON orders_order
  FOR EACH ROW WHEN (NEW.is_finalized) EXECUTE FUNCTION takeback_order_adds_up()""",
    ]
    for table, columns in _FIXED_COLUMNS.items():
        statements += _postgresql_part(table, columns)
    return [
        *statements,
        """
CREATE OR REPLACE FUNCTION takeback_snapshot_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a snapshot never changes'
    USING ERRCODE = 'check_violation', CONSTRAINT = 'snapshot_never_changes';
END $$""",
        """
CREATE OR REPLACE TRIGGER snapshot_never_changes BEFORE UPDATE ON orders_snapshot
  FOR EACH ROW EXECUTE FUNCTION takeback_snapshot_changed()""",
        """
CREATE OR REPLACE FUNCTION takeback_correction_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a correction is never changed'
    USING ERRCODE = 'check_violation', CONSTRAINT = 'correction_stays';
END $$""",
        """
CREATE OR REPLACE TRIGGER correction_stays BEFORE UPDATE OR DELETE ON orders_datecorrection
  FOR EACH ROW EXECUTE FUNCTION takeback_correction_stays()""",
    ]


def _postgresql_part(table: str, columns: tuple[str, ...]) -> list[str]:
    changed = " OR ".join(f"OLD.{c} IS DISTINCT FROM NEW.{c}" for c in columns)
    refuse = """RAISE EXCEPTION 'the order is finalized'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'order_is_finalized';"""
    return [
        f"""
CREATE OR REPLACE FUNCTION takeback_{table}_added() {_READS} AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM added
              WHERE (SELECT o.is_finalized FROM orders_order o
                      WHERE o.id = {_order_of(table, "added")})) THEN
    {refuse}
  END IF;
  RETURN NULL;
END $$""",  # noqa: S608 - our own names
        f"""
CREATE OR REPLACE FUNCTION takeback_{table}_changed() {_READS} AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM orders_order o
              WHERE o.id = {_order_of(table, "OLD")} AND o.is_finalized) THEN
    {refuse}
  END IF;
  RETURN NULL;
END $$""",  # noqa: S608 - our own names
        f"""
CREATE OR REPLACE TRIGGER parts_added AFTER INSERT ON {table} REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION takeback_{table}_added()""",
        f"""
CREATE OR REPLACE TRIGGER part_changed AFTER UPDATE ON {table}
  FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION takeback_{table}_changed()""",
        f"""
CREATE OR REPLACE TRIGGER part_removed AFTER DELETE ON {table}
  FOR EACH ROW EXECUTE FUNCTION takeback_{table}_changed()""",
    ]


def _sqlite() -> list[str]:
    statements = [
        "DROP TRIGGER IF EXISTS snapshot_never_changes",
        """
CREATE TRIGGER snapshot_never_changes BEFORE UPDATE ON orders_snapshot
BEGIN SELECT RAISE(ABORT, 'snapshot_never_changes'); END""",
    ]
    statements += _sqlite_corrections()
    for event in ("INSERT", f"UPDATE OF {_WATCHED}"):
        name = f"order_adds_up_{event[:6].lower()}"
        statements += [
            f"DROP TRIGGER IF EXISTS {name}",
            f"""
CREATE TRIGGER {name} AFTER {event} ON orders_order
WHEN NEW.is_finalized AND ({SUMS_DIFFER.format(new="NEW")})
BEGIN SELECT RAISE(ABORT, 'order_adds_up'); END""",
        ]
    for table, columns in _FIXED_COLUMNS.items():
        watched = ", ".join(columns)
        for event, row in (("INSERT", "NEW"), (f"UPDATE OF {watched}", "OLD"), ("DELETE", "OLD")):
            name = f"{table}_part_{event[:6].lower()}"
            statements += [
                f"DROP TRIGGER IF EXISTS {name}",
                f"""
CREATE TRIGGER {name} BEFORE {event} ON {table}
WHEN EXISTS (SELECT 1 FROM orders_order o WHERE o.id = {_order_of(table, row)} AND o.is_finalized)
BEGIN SELECT RAISE(ABORT, 'order_is_finalized'); END""",  # noqa: S608 - our own names
            ]
    return statements


def _sqlite_corrections() -> list[str]:
    is_known = "EXISTS (SELECT 1 FROM orders_datecorrection WHERE id = NEW.id)"
    triggers = {
        "correction_stays_update": "BEFORE UPDATE ON orders_datecorrection",
        "correction_stays_delete": "BEFORE DELETE ON orders_datecorrection",
        # INSERT OR REPLACE deletes the old row without firing its delete trigger.
        "correction_stays_replace": f"BEFORE INSERT ON orders_datecorrection WHEN {is_known}",
    }
    return [
        statement
        for name, event in triggers.items()
        for statement in (
            f"DROP TRIGGER IF EXISTS {name}",
            f"CREATE TRIGGER {name} {event} BEGIN SELECT RAISE(ABORT, '{name}'); END",
        )
    ]
