"""The database backend: Django's own, but for reading the time and for asking if it is there."""

import select
from datetime import UTC, datetime
from typing import Any

from django.db.backends.postgresql import base
from psycopg import Connection
from psycopg.types.datetime import TimestamptzLoader


class UtcLoader(TimestamptzLoader):
    """Moments as PostgreSQL writes them to a session in UTC.

    Django's own loader reads each with a regular expression: five microseconds, and a page of
    orders has a hundred and fifty. `timezone` is what Django looks for in a loader.
    """

    timezone = UTC

    def load(self, data: Any) -> datetime:
        try:
            return datetime.fromisoformat(str(data, "ascii"))
        except ValueError:  # infinity, or long before our time
            return super().load(data)


class DatabaseWrapper(base.DatabaseWrapper):
    """Connections that load moments quickly, and are not asked every time if they live."""

    def get_new_connection(self, conn_params: Any) -> "Connection[Any]":
        fresh: Connection[Any] = super().get_new_connection(conn_params)
        if self.timezone is UTC:
            fresh.adapters.register_loader("timestamptz", UtcLoader)
        return fresh

    def is_usable(self) -> bool:
        """A server that goes away says so on the socket: only then is a statement needed."""
        if self.connection is None or self.connection.closed:
            return False
        said = select.poll()
        said.register(self.connection.fileno(), select.POLLIN)
        return not said.poll(0) or bool(super().is_usable())
