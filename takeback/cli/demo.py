"""`takeback demo`: a shop full of sample orders, to click through."""

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from takeback.cli.demo_worker import start_worker
from takeback.cli.serve import allow_connections, server_command, share_figures
from takeback.cli.setup import boot
from takeback.demo import announce
from takeback.demo.folder import Folder, Unusable

_HOST = "127.0.0.1"
_WORKERS = 2
_PATIENCE_SECONDS = 2


def demo(
    *,
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port to listen on.")] = 8000,
    data: Annotated[Path, typer.Option(help="Folder of everything it keeps.")] = Path("var/demo"),
    reset: Annotated[bool, typer.Option("--reset", help="Start over with a fresh shop.")] = False,
) -> None:
    """Open a made-up shop on this machine, fill it the first time, and serve until Ctrl-C."""
    folder, console = Folder(data), Console(highlight=False)
    try:
        _check_port(port)
        folder.claim()
        if reset:
            folder.wipe()
        previous = folder.unpublish()
        _settle_environment(folder.path, port)
        boot()
        from takeback.demo.banner import banner
        from takeback.demo.database import open_demo

        content = open_demo(console, previous, reset=reset)
        folder.prepare(msgspec.json.format(msgspec.json.encode(content)) + b"\n")
    except Unusable as error:
        Console(stderr=True).print(str(error), markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    _announce(folder, port, banner(content, folder, colour=console.is_terminal))
    start_worker()
    share_figures(folder.path / f"metrics-{port}")
    allow_connections()
    command = server_command(host=_HOST, port=port, workers=_WORKERS)
    # Nobody waits for an answer of the demo: a worker that is still starting may be killed.
    command += ["--workers-kill-timeout", str(_PATIENCE_SECONDS)]
    os.execv(command[0], command)  # noqa: S606 - our own program; no idle parent stays behind


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            busy = error.errno == errno.EADDRINUSE
            why = "is busy" if busy else f"cannot be used ({error.strerror})"
            raise Unusable(f"Port {port} {why}; choose another with --port.") from None


def _settle_environment(path: Path, port: int) -> None:
    """What the settings read, for us, the worker and the server that follows."""
    os.environ["DATA_DIR"] = str(path)
    os.environ["SITE_URL"] = f"http://{_HOST}:{port}"
    if not os.environ.get("DATABASE_URL"):
        os.environ.pop("DATABASE_URL", None)
    # Whatever shop this machine serves besides: nothing made up is mailed to anybody.
    os.environ.pop("MAIL_URL_FILE", None)
    os.environ["MAIL_URL"] = ""
    # A storefront on this machine calls for all its shoppers.
    os.environ.setdefault("STOREFRONT_SERVERS", "127.0.0.0/8,::1")
    os.environ.setdefault("LOG_LEVEL", "WARNING")


def _announce(folder: Folder, port: int, banner: str) -> None:
    """Have the rest said when the server answers; it will have this process's number."""
    names = (str(port), str(os.getpid()), str(folder.prepared), str(folder.published))
    command = [sys.executable, "-I", "-S", announce.__file__, *names]
    subprocess.run(command, input=banner, text=True, check=True)  # noqa: S603 - our own program
