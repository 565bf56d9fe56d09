"""App configuration: installs the database triggers after each migration."""

from takeback.core import triggers
from takeback.orders.triggers import statements


class OrdersConfig(triggers.GuardedConfig):
    name = "takeback.orders"
    statements = staticmethod(statements)
