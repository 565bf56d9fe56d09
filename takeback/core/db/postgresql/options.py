"""The options of a connection to PostgreSQL: our limits, and what DATABASE_URL adds."""

from collections.abc import Mapping
from typing import Any

RESPONSE_MARGIN_SECONDS = 1
"""The client gives up this long after the server should have cancelled the statement."""

CONNECT_SECONDS = 2

# A host that is lost sends no FIN. The kernel gives up when its probes, or sent data, stay
# unacknowledged; a server process that is stopped acknowledges, which the limit on the response
# covers.
_SOCKET = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 8_000,
}


def connection_options(
    url_options: Mapping[str, Any], *, statement_seconds: int, is_prepared: bool
) -> dict[str, Any]:
    """Django's `OPTIONS`; an option of the URL replaces ours."""
    own = {
        **_SOCKET,
        "server_side_binding": True,
        "prepare_threshold": 2 if is_prepared else None,
        "response_seconds": statement_seconds + RESPONSE_MARGIN_SECONDS,
    }
    # Of two equal parameters PostgreSQL takes the last one: ours are defaults.
    parameters = [_server_parameters(statement_seconds), url_options.get("options", "")]
    return {**own, **url_options, "options": " ".join(filter(None, parameters))}


def _server_parameters(statement_seconds: int) -> str:
    values = {
        "statement_timeout": statement_seconds * 1_000,
        "lock_timeout": 5_000,
        "idle_in_transaction_session_timeout": 15_000,
        # Every request reads by index. Starting a worker costs twenty times such a read.
        "max_parallel_workers_per_gather": 0,
    }
    return " ".join(f"-c {name}={value}" for name, value in values.items())
