"""A connection that survives changes of the schema and does not wait for ever."""

from typing import Any, Self, TypeVar, cast

from django.db.backends.postgresql.base import ServerBindingCursor
from psycopg import Connection, Cursor, OperationalError
from psycopg.abc import PQGen
from psycopg.errors import FeatureNotSupported, InvalidSqlStatementName, _WaitTimeout
from psycopg.pq import TransactionStatus

T = TypeVar("T")

_CHECK_SECONDS = 0.1  # psycopg's own interval, in which it looks for Ctrl-C


class NoResponse(OperationalError):
    """The server did not respond in time; the connection is closed."""


class StaleStatement(OperationalError):
    """A prepared statement became invalid within a transaction, which must be repeated."""


class LimitedConnection(Connection[Any]):
    """A connection with a limit on the response to each statement.

    The server's `statement_timeout` ends a slow statement, but not the wait for a server that is
    stopped: its kernel still acknowledges packets, so that TCP's limits never apply.
    """

    response_seconds: float | None = None
    """None: no limit."""

    def wait(
        self, gen: PQGen[T], interval: float = _CHECK_SECONDS, timeout: float | None = None
    ) -> T:
        limit = self.response_seconds if timeout is None else timeout
        try:
            return super().wait(gen, interval, limit)
        except _WaitTimeout:
            # A late response would be taken for that of the next statement.
            self.pgconn.finish()
            raise NoResponse("no response within the time limit") from None

    def forget_statements(self) -> None:
        """Prepare each statement again; the server's are deallocated after the next one."""
        self._prepared.clear()


class RepeatingCursor(ServerBindingCursor, Cursor[Any]):
    """A cursor that prepares a statement again, and repeats it once, if it became invalid.

    A statement becomes invalid when a migration changes the type of a column that it returns, or
    when a pooler or an administrator deallocates it.
    """

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        connection = cast("LimitedConnection", self.connection)
        is_in_transaction = connection.pgconn.transaction_status != TransactionStatus.IDLE
        try:
            return super().execute(query, params, **options)
        except (FeatureNotSupported, InvalidSqlStatementName) as error:
            if not _is_stale(error):
                raise
            connection.forget_statements()
            if is_in_transaction:
                # PostgreSQL has aborted it. The client repeats the request.
                raise StaleStatement(str(error)) from error
            if not connection.autocommit:
                connection.rollback()  # this statement was the first of its transaction
        return super().execute(query, params, **options)


def _is_stale(error: FeatureNotSupported | InvalidSqlStatementName) -> bool:
    # The message "cached plan must not change result type" may be translated.
    return (
        isinstance(error, InvalidSqlStatementName)
        or error.diag.source_function == "RevalidateCachedQuery"
    )
