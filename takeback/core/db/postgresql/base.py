"""The database backend: Django's own, but for reading the time and for asking quickly."""

import select
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from django.db.backends.postgresql import base
from psycopg import Connection
from psycopg.types.datetime import TimestamptzLoader

from takeback.core.db.connection import Statement


class DatabaseWrapper(base.DatabaseWrapper):
    """Connections that load moments quickly, and are not asked every time if they live.

    Django reads each moment in Python: five microseconds, and a page of orders has a hundred and
    fifty. In UTC psycopg's own loader, which is compiled, says the same.
    """

    health_check_done: bool  # the stubs leave it out

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._asking: list[Any] = []

    def get_new_connection(self, conn_params: Any) -> "Connection[Any]":
        fresh: Connection[Any] = super().get_new_connection(conn_params)
        if self.timezone is UTC:
            fresh.adapters.register_loader("timestamptz", TimestamptzLoader)
        return fresh

    def create_cursor(self, name: str | None = None) -> Any:
        """As Django's, without putting its loader back."""
        if self.timezone is not UTC:
            return super().create_cursor(name)
        if name is None:
            return self.connection.cursor()
        return self.connection.cursor(name, scrollable=False, withhold=self.connection.autocommit)

    def rows(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """All that a statement finds, asked on a cursor that is kept.

        Django makes one for each statement, in layers; that costs more than sending it.
        """
        with self.wrap_database_errors:
            (cursor,) = self._cursors(1)
            cursor.execute(sql, parameters)
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found

    def rows_of_all(self, asked: Sequence[Statement]) -> list[list[tuple[Any, ...]]]:
        """All that each statement finds; they are sent one after the other, and waited for once."""
        with self.wrap_database_errors:
            cursors = self._cursors(len(asked))
            with self.connection.pipeline():
                for cursor, (sql, parameters) in zip(cursors, asked, strict=True):
                    cursor.execute(sql, parameters)
            return [cursor.fetchall() for cursor in cursors]

    def _cursors(self, count: int) -> list[Any]:
        """So many cursors of the connection as it is now, which lives."""
        if self.connection is None or not self.health_check_done:
            self.close_if_health_check_failed()
            self.ensure_connection()
        self.validate_no_broken_transaction()
        if self._asking and self._asking[0].connection is not self.connection:
            self._asking = []
        while len(self._asking) < count:
            self._asking.append(self.create_cursor())
        return self._asking[:count]

    def is_usable(self) -> bool:
        """A server that goes away says so on the socket: only then is a statement needed."""
        if self.connection is None or self.connection.closed:
            return False
        said = select.poll()
        said.register(self.connection.fileno(), select.POLLIN)
        return not said.poll(0) or bool(super().is_usable())
