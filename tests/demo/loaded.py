"""The demo shop in the test database."""

from datetime import UTC, datetime

from takeback.accounts.models import Channel
from takeback.demo import shop

REFERENCE = datetime(2026, 3, 10, tzinfo=UTC)


def load_shop() -> Channel:
    """Load it, as a first start does."""
    return shop.load(REFERENCE, "http://127.0.0.1:8000", lambda count: None)
