"""The demo shop in the test database."""

from datetime import UTC, datetime

from django.db import connection

from takeback.accounts.models import Channel
from takeback.demo import shop

REFERENCE = datetime(2026, 3, 10, tzinfo=UTC)


def load_shop() -> Channel:
    """Load it, as a server does that has just been started.

    On a connection on which hundreds of tests have had three lines each, PostgreSQL would check
    every order of this shop by walking through all lines.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("DISCARD PLANS")
    return shop.load(REFERENCE, "http://127.0.0.1:8000", lambda count: None)
