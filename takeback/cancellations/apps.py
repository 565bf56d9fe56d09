"""The Django application, with its triggers."""

from takeback.cancellations.triggers import statements
from takeback.core import triggers


class CancellationsConfig(triggers.GuardedConfig):
    name = "takeback.cancellations"
    statements = staticmethod(statements)
