"""App configuration: installs the database triggers after each migration."""

from takeback.core import triggers
from takeback.refunds.triggers import statements


class RefundsConfig(triggers.GuardedConfig):
    name = "takeback.refunds"
    statements = staticmethod(statements)
