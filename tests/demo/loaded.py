"""The demo shop in the test database."""

from datetime import UTC, datetime

from takeback.accounts.models import Channel
from takeback.demo.database import load_demo

REFERENCE = datetime(2026, 3, 10, tzinfo=UTC)


def load_shop() -> Channel:
    """Load it, as a first start does."""
    return load_demo(REFERENCE)
