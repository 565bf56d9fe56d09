"""App configuration: installs the database triggers after each migration."""

from takeback.core import triggers
from takeback.loyalty.triggers import statements


class LoyaltyConfig(triggers.GuardedConfig):
    name = "takeback.loyalty"
    statements = staticmethod(statements)
