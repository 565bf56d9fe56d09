"""`takeback demo`."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from takeback.cli.demo_process import start_sandbox, start_worker
from takeback.cli.ports import unusable_reason
from takeback.cli.serve import allow_connections, server_command, share_metrics
from takeback.cli.setup import boot
from takeback.demo import announce
from takeback.demo.folder import Folder, Unusable

_HOST = "127.0.0.1"
_WORKERS = 2
_KILL_TIMEOUT_SECONDS = 2


def demo(
    *,
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port to listen on.")] = 8000,
    data: Annotated[Path, typer.Option(help="Data folder of the demo.")] = Path("var/demo"),
    reset: Annotated[bool, typer.Option("--reset", help="Start over with a new shop.")] = False,
) -> None:
    """Serve a made-up shop with sample orders on this machine until Ctrl-C."""
    folder, console = Folder(data), Console(highlight=False)
    try:
        _check_port(port)
        folder.claim()
        if reset:
            folder.wipe()
        previous = folder.unpublish()
        sandbox_url = _start_sandbox(folder)
        log_level = _set_environment(folder.path, port)
        boot(makes_files=True)
        from takeback.demo.banner import banner
        from takeback.demo.database import open_demo
        from takeback.refund_providers.sandbox_server.client import SandboxAdmin

        content = open_demo(console, previous, SandboxAdmin(sandbox_url), reset=reset)
        folder.prepare(msgspec.json.format(msgspec.json.encode(content)) + b"\n")
    except Unusable as error:
        Console(stderr=True).print(str(error), markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    _start_announcer(folder, port, banner(content, folder, colour=console.is_terminal))
    os.environ["LOG_LEVEL"] = log_level
    start_worker()
    share_metrics(port)
    allow_connections()
    # The demo has no requests to finish: a worker that is still starting may be killed.
    command = server_command(
        host=_HOST, port=port, workers=_WORKERS, drain_seconds=_KILL_TIMEOUT_SECONDS
    )
    os.execv(command[0], command)  # noqa: S606 - our own program; no idle parent stays behind


def _start_sandbox(folder: Folder) -> str:
    if url := start_sandbox(folder.sandbox):
        return url
    raise Unusable(f"The sandbox provider cannot use {folder.sandbox}.")


def _check_port(port: int) -> None:
    if reason := unusable_reason(_HOST, port):
        raise Unusable(reason)


def _set_environment(path: Path, port: int) -> str:
    """Set what the settings read, for this process, the worker and the server.

    Returns the log level of worker and server. This process logs no errors: refunds in trouble are
    among the samples.
    """
    os.environ["DATA_DIR"] = str(path)
    os.environ["SITE_URL"] = f"http://{_HOST}:{port}"
    if not os.environ.get("DATABASE_URL"):
        os.environ.pop("DATABASE_URL", None)
    # Another shop on this machine may have set a mail server: the demo sends no mail.
    os.environ.pop("MAIL_URL_FILE", None)
    os.environ["MAIL_URL"] = ""
    # A storefront on this machine sends the requests of all its shoppers.
    os.environ.setdefault("STOREFRONT_SERVERS", "127.0.0.0/8,::1")
    # Each look at a sample whose provider cannot be asked would log a warning.
    log_level = os.environ.get("LOG_LEVEL", "ERROR")
    os.environ["LOG_LEVEL"] = "CRITICAL"
    return log_level


def _start_announcer(folder: Folder, port: int, banner: str) -> None:
    """Print the banner once the server responds; the server will have this process's id."""
    arguments = (str(port), str(os.getpid()), str(folder.prepared), str(folder.published))
    command = [sys.executable, "-I", "-S", announce.__file__, *arguments]
    subprocess.run(command, input=banner, text=True, check=True)  # noqa: S603 - our own program
