"""Enlarges a loaded shop by copying it inside PostgreSQL: a million cases in minutes."""

from django.apps import apps
from django.db import connection
from django.db.models import Field, Model

from benchmarks import case_filters

STEP = 1_000_000
"""The id of copy n of a row is the row's id plus n times this."""
COPIED = (
    "accounts.User",
    "addresses.Address",
    "orders.Order",
    "orders.DiscountItem",
    "orders.OrderItem",
    "orders.BenefitApplicant",
    "orders.LoyaltyTransaction",
    "logistics.EasyReturn",
    "cancellations.CancellationPlan",
    "cancellations.CancellationRequest",
)
_EXPRESSIONS = {
    "uuid": "gen_random_uuid()",
    "username": "gen_random_uuid()::text",
    "placed_at": "placed_at + n * interval '9 days'",
}
_WITH_SUFFIX = {"number", "number_key", "email", "email_key", "user_email", "code", "last_name_key"}


def add(copies: int) -> None:
    """Add copies of all rows except those that the filters of `case_filters` find."""
    with connection.cursor() as cursor:
        # Constraints and triggers have checked each original row: its copies are valid, too.
        cursor.execute("SET session_replication_role = replica; SET statement_timeout = 0")
        for label in COPIED:
            cursor.execute(_copying(apps.get_model(label)), {"copies": copies})
        cursor.execute("RESET session_replication_role; RESET statement_timeout")


def _copying(model: type[Model]) -> str:
    fields = model._meta.concrete_fields
    columns = ", ".join(f'"{field.column}"' for field in fields)
    values = ", ".join(_value(field) for field in fields)
    table = model._meta.db_table
    return (
        f'INSERT INTO "{table}" ({columns}) SELECT {values}'
        f" FROM {table}, generate_series(1, %(copies)s) n WHERE id > {_last_filter_row(model)}"
        f" ORDER BY 1"
    )


def _value(field: "Field[object, object]") -> str:
    copied = field.related_model and field.related_model._meta.label in COPIED
    if field.primary_key or copied:
        return f'"{field.column}" + n * {STEP}'
    if field.name in _WITH_SUFFIX:
        return f"\"{field.column}\" || '.' || n"
    return _EXPRESSIONS.get(field.name, f'"{field.column}"')


def _last_filter_row(model: type[Model]) -> str:
    """The id of the last row that `filter_rows` has loaded."""
    of_order = "SELECT max({}) FROM orders_order WHERE number LIKE '" + case_filters.NUMBERS + "%%'"
    by_table = {
        "accounts_user": of_order.format("user_id"),
        "addresses_address": of_order.format("greatest(shipping_address_id, billing_address_id)"),
        "orders_order": of_order.format("id"),
    }
    cases = (case_filters.VALUES + 1) * case_filters.MATCHES
    by_count = {
        "orders_orderitem": cases,
        "cancellations_cancellationrequest": cases,
        "logistics_easyreturn": case_filters.VALUES + 1,
        "cancellations_cancellationplan": 1,
    }
    table = model._meta.db_table
    return f"({by_table[table]})" if table in by_table else str(by_count.get(table, 0))
