"""The room's entry in Django's register."""

from takeback.cancellations.triggers import statements
from takeback.core import triggers


class CancellationsConfig(triggers.GuardedConfig):
    """A room with triggers."""

    name = "takeback.cancellations"
    statements = staticmethod(statements)
