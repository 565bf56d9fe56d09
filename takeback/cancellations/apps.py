"""App configuration: installs the database triggers after each migration."""

from takeback.cancellations.triggers import statements
from takeback.core import triggers


class CancellationsConfig(triggers.GuardedConfig):
    name = "takeback.cancellations"
    statements = staticmethod(statements)
