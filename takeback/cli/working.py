"""`takeback worker`: the chores that nobody waits for."""

import signal
import threading
from typing import Annotated

import typer

from takeback.cli.boot import boot


def worker(
    *, once: Annotated[bool, typer.Option("--once", help="Do every chore now and leave.")] = False
) -> None:
    """Do the periodic chores until SIGTERM or Ctrl-C; what runs is finished first."""
    boot()
    from takeback.operations import chores

    stop = threading.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: stop.set())
    if not once:
        chores.run(stop)
    elif not chores.run_once(stop):
        raise typer.Exit(1)
