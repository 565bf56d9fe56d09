"""Makes a loaded shop larger by copying it inside PostgreSQL: a million cases in minutes."""

from django.apps import apps
from django.db import connection
from django.db.models import Field, Model

from benchmarks import finding

STEP = 1_000_000
"""Copy number n of a row has its number and n times this."""
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
_OTHERS = {
    "uuid": "gen_random_uuid()",
    "username": "gen_random_uuid()::text",
    "placed_at": "placed_at + n * interval '9 days'",
}
_NAMED_ANEW = {"number", "email", "email_key", "user_email", "code", "last_name_key"}


def make(copies: int) -> None:
    """So many copies of everything but what is looked for."""
    with connection.cursor() as cursor:
        # Every row has been checked once, as it came; a copy is as sound.
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
        f" FROM {table}, generate_series(1, %(copies)s) n WHERE id > {_last_sought(model)}"
        f" ORDER BY 1"
    )


def _value(field: "Field[object, object]") -> str:
    copied = field.related_model and field.related_model._meta.label in COPIED
    if field.primary_key or copied:
        return f'"{field.column}" + n * {STEP}'
    if field.name in _NAMED_ANEW:
        return f"\"{field.column}\" || '.' || n"
    return _OTHERS.get(field.name, f'"{field.column}"')


def _last_sought(model: type[Model]) -> str:
    """The number of the last row that `sought` has loaded."""
    of_order = "SELECT max({}) FROM orders_order WHERE number LIKE '" + finding.NUMBERS + "%%'"
    by_table = {
        "accounts_user": of_order.format("user_id"),
        "addresses_address": of_order.format("greatest(shipping_address_id, billing_address_id)"),
        "orders_order": of_order.format("id"),
    }
    cases = (finding.SOUGHT + 1) * finding.FOUND
    by_count = {
        "orders_orderitem": cases,
        "cancellations_cancellationrequest": cases,
        "logistics_easyreturn": finding.SOUGHT + 1,
        "cancellations_cancellationplan": 1,
    }
    table = model._meta.db_table
    return f"({by_table[table]})" if table in by_table else str(by_count.get(table, 0))
