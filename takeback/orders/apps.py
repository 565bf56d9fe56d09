"""Django's configuration of the room, with its triggers."""

from takeback.core import triggers
from takeback.orders.triggers import statements


class OrdersConfig(triggers.GuardedConfig):
    name = "takeback.orders"
    statements = staticmethod(statements)
