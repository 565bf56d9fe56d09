"""App configuration: loads the strategy, and installs the database triggers after migrations."""

from takeback.cancellations.triggers import statements
from takeback.core import triggers


class CancellationsConfig(triggers.GuardedConfig):
    name = "takeback.cancellations"
    statements = staticmethod(statements)

    def ready(self) -> None:
        super().ready()
        # It refers to models, which are loaded before.
        from takeback.cancellations.strategy import strategy

        # A wrong setting ends the start, not the first refund.
        strategy()
