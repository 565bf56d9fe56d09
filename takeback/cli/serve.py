"""`takeback serve`: one server with several workers, each running one request at a time."""

import os
import resource
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from takeback.cli.migrate import apply_migrations
from takeback.cli.ports import unusable_reason
from takeback.cli.setup import boot, check_database, fail

# A worker counts open connections, not running requests; a thousand slow clients must not fill it.
_MAX_CONNECTIONS = 4_096
DRAIN_SECONDS = 30
_LIVE = Path(__file__).parents[1] / "operations" / "live"


def serve(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes; about one per core.")] = 2,
    migrate_first: Annotated[
        bool, typer.Option("--migrate", help="Migrate the database first.")
    ] = False,
) -> None:
    """Serve requests until SIGTERM or Ctrl-C; running requests finish."""
    boot(makes_files=True, limits_statements=True)
    if reason := unusable_reason(host, port):
        fail(reason)
    if migrate_first:
        apply_migrations()
    check_database()
    import structlog
    from django.conf import settings

    if workers > 1:
        share_metrics(settings.DATA_DIR / f"metrics-{port}")
    allow_connections()
    structlog.get_logger(__name__).info("serving", host=host, port=port, workers=workers)
    command = server_command(host=host, port=port, workers=workers)
    os.execv(command[0], command)  # noqa: S606 - our own program; no idle parent stays behind


def server_command(*, host: str, port: int, workers: int) -> list[str]:
    return [
        *(sys.executable, "-P", "-m", "granian", "takeback.wsgi:application"),
        *("--interface", "wsgi", "--http", "1", "--no-ws", "--log-level", "warning"),
        *("--host", host, "--port", str(port)),
        *("--workers", str(workers), "--blocking-threads", "1", "--respawn-failed-workers"),
        *("--backlog", str(_MAX_CONNECTIONS), "--backpressure", str(_MAX_CONNECTIONS)),
        # The memory of a connection, in bytes, before its request is parsed.
        *("--http1-buffer-size", "32768"),
        *("--http1-header-read-timeout", "10000"),
        *("--workers-kill-timeout", str(DRAIN_SECONDS)),
        # A thread of the server answers: the worker's only other one may wait for the database.
        *("--static-path-route", "/health/live", "--static-path-mount", str(_LIVE)),
        *("--static-path-dir-to-file", "live.json", "--static-path-expires", "0"),
    ]


def share_metrics(folder: Path) -> None:
    """Give the workers an empty folder for their metrics, so that each can show the sum."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def allow_connections() -> None:
    """Raise the limit of open files: every connection is one, and the usual limit is 1024."""
    needed = _MAX_CONNECTIONS + 1_024
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        limit = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
