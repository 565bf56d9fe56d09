"""`takeback serve`: one server with several workers, each running one request at a time."""

import os
import resource
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from takeback.cli.migrate import apply_migrations
from takeback.cli.ports import unusable_reason
from takeback.cli.setup import boot, check_database, fail

DRAIN_SECONDS = 30


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

    if workers > 1:
        share_metrics(port)
    allow_connections()
    structlog.get_logger(__name__).info("serving", host=host, port=port, workers=workers)
    command = server_command(host=host, port=port, workers=workers)
    os.execv(command[0], command)  # noqa: S606 - our own program; no idle parent stays behind


def server_command(
    *, host: str, port: int, workers: int, drain_seconds: int = DRAIN_SECONDS
) -> list[str]:
    """The command of `takeback.cli.server`."""
    return [
        *(sys.executable, "-P", "-m", "takeback.cli.server"),
        *("--host", host, "--port", str(port), "--workers", str(workers)),
        *("--drain-seconds", str(drain_seconds)),
    ]


def share_metrics(port: int) -> None:
    """Give the workers an empty folder for their metrics, so that each can show the sum.

    It is in memory, or among the temporary files: neither a full data folder nor another host that
    shares it matters. Without such a folder each worker shows its own metrics.
    """
    for parent in ("/dev/shm", tempfile.gettempdir()):  # noqa: S108 - the folder is new and private
        folder = Path(parent) / f"takeback-metrics-{os.getuid()}-{port}"
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            folder.mkdir(mode=0o700)
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
            return


def allow_connections() -> None:
    """Raise the limit of open files: every connection is one, and the usual limit is 1024."""
    from takeback.cli.server import MAX_CONNECTIONS

    needed = MAX_CONNECTIONS + 1_024
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        limit = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
