"""`takeback serve`: one server, N workers, one request at a time in each."""

import os
import resource
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from takeback.cli.migrate import migrate
from takeback.cli.setup import boot

# A worker counts open connections, not running requests: it must outlast a thousand slow clients.
_CONNECTIONS = 4_096
# Whoever calls gets no more memory than this before a request is known to be one.
_HEAD_BYTES = 32_768
_HEADER_MILLISECONDS = 10_000
_DRAIN_SECONDS = 30


def serve(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes; about one per core.")] = 2,
    migrate_first: Annotated[
        bool, typer.Option("--migrate", help="Bring the database up to date first.")
    ] = False,
) -> None:
    """Serve requests until SIGTERM or Ctrl-C, then finish the running ones."""
    if migrate_first:
        migrate()
    else:
        boot()
    import structlog
    from django.conf import settings

    if workers > 1:
        share_figures(settings.DATA_DIR / f"metrics-{port}")
    allow_connections()
    structlog.get_logger(__name__).info("serving", host=host, port=port, workers=workers)
    command = server_command(host=host, port=port, workers=workers)
    os.execv(command[0], command)  # noqa: S606 - our own program; no idle parent stays behind


def server_command(*, host: str, port: int, workers: int) -> list[str]:
    """The program that serves, with its arguments."""
    options = {
        "interface": "wsgi",
        "http": "1",
        "host": host,
        "port": port,
        "workers": workers,
        "blocking-threads": 1,
        "backlog": _CONNECTIONS,
        "backpressure": _CONNECTIONS,
        "http1-header-read-timeout": _HEADER_MILLISECONDS,
        "workers-kill-timeout": _DRAIN_SECONDS,
        "log-level": "warning",
        "http1-buffer-size": _HEAD_BYTES,
    }
    given = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    flags = ["--no-ws", "--respawn-failed-workers"]
    program = [sys.executable, "-P", "-m", "granian", "takeback.wsgi:application"]
    return [*program, *given, *flags]


def share_figures(folder: Path) -> None:
    """An empty folder in which the workers keep their figures, so that each can show all."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def allow_connections() -> None:
    """Every connection is an open file; the usual 1024 are fewer than we accept."""
    wanted = _CONNECTIONS + 1_024
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
