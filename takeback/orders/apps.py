"""The room's entry in Django's register."""

from takeback.core import triggers
from takeback.orders.triggers import statements


class OrdersConfig(triggers.GuardedConfig):
    """A room with triggers."""

    name = "takeback.orders"
    statements = staticmethod(statements)
