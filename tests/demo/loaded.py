"""The demo shop in the test database."""

from datetime import UTC, datetime, timedelta

import time_machine

from takeback.accounts.models import Channel
from takeback.demo.database import load_demo
from tests.rigs.sandbox import running_sandbox

REFERENCE = datetime(2026, 3, 10, tzinfo=UTC)
TODAY = REFERENCE + timedelta(hours=15)


def load_shop() -> Channel:
    """Load it, as a first start does; its sandbox ends with the load."""
    with running_sandbox() as sandbox, time_machine.travel(TODAY):
        return load_demo(TODAY, sandbox.admin)
