"""Django's PostgreSQL backend with a faster path for the statements of every request."""

import select
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from django.db.backends.postgresql import base
from psycopg import Connection, Cursor, IsolationLevel
from psycopg.errors import DuplicatePreparedStatement, InvalidSqlStatementName
from psycopg.types.datetime import TimestamptzLoader

from takeback.core.db.postgresql.connection import LimitedConnection, RepeatingCursor


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection with compiled timestamp loading, a reused cursor and a cheap health check."""

    health_check_done: bool  # the stubs leave it out

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._fetch_cursor: Any = None
        self._response_seconds: float | None = self.settings_dict["OPTIONS"].get("response_seconds")

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        params.pop("response_seconds", None)
        params["cursor_factory"] = RepeatingCursor
        return params

    def get_new_connection(self, conn_params: Any) -> "Connection[Any]":
        """A connection with time limits that loads timestamps with psycopg's compiled loader.

        Django's loader is Python: five µs for each of the 150 timestamps of a page of orders. In
        UTC both loaders return equal values.
        """
        self.isolation_level = IsolationLevel.READ_COMMITTED
        if self._response_seconds is not None:
            limit = max(1, int(self._response_seconds))
            conn_params["connect_timeout"] = min(conn_params.get("connect_timeout") or limit, limit)
        connection = LimitedConnection.connect(**conn_params)
        connection.response_seconds = self._response_seconds
        if self.timezone is UTC:
            connection.adapters.register_loader("timestamptz", TimestamptzLoader)
        return connection

    def limit_response(self, seconds: float | None) -> float | None:
        """Limit the wait for each response from now on; returns the limit until now."""
        before, self._response_seconds = self._response_seconds, seconds
        if self.connection is not None:
            self.connection.response_seconds = seconds
        return before

    def keeps_prepared_statements(self) -> bool:
        """Whether a statement is still prepared after another client has used the session.

        With few clients a pooler usually returns the same session, so that repeating a statement
        would prove nothing: a second client takes the session meanwhile.
        """
        other = self.get_new_connection(self.get_connection_params())
        # Not our own cursor, which would repeat the statement.
        cursor = Cursor(self.connection)
        try:
            cursor.execute("SELECT 'prepared'", prepare=True)
            other.execute("BEGIN")
            other.execute("SELECT 1")
            cursor.execute("SELECT 'prepared'", prepare=True)
        except (InvalidSqlStatementName, DuplicatePreparedStatement):
            self.connection.forget_statements()
            return False
        finally:
            other.close()
        return True

    def create_cursor(self, name: str | None = None) -> Any:
        """Django's cursor, but Django would register its own timestamp loader on it."""
        if self.timezone is not UTC:
            return super().create_cursor(name)
        if name is None:
            return self.connection.cursor()
        return self.connection.cursor(name, scrollable=False, withhold=self.connection.autocommit)

    def fetch_rows(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """All rows of a statement.

        The cursor is reused: Django's layers around a new one cost more than the statement.
        """
        with self.wrap_database_errors:
            cursor = self._reused_cursor()
            cursor.execute(sql, parameters)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def _reused_cursor(self) -> Any:
        """A cursor of the present connection, after the checks that Django makes for a new one."""
        if self.connection is None or not self.health_check_done:
            self.close_if_health_check_failed()
            self.ensure_connection()
        self.validate_no_broken_transaction()
        if self._fetch_cursor is None or self._fetch_cursor.connection is not self.connection:
            self._fetch_cursor = self.create_cursor()
        return self._fetch_cursor

    def is_usable(self) -> bool:
        """Whether the connection works, without a query in the usual case.

        Django runs `SELECT 1` at the start of each request. A server that closes the connection
        makes its socket readable; only then is the query needed.
        """
        if self.connection is None or self.connection.closed:
            return False
        socket = select.poll()
        socket.register(self.connection.fileno(), select.POLLIN)
        return not socket.poll(0) or bool(super().is_usable())
