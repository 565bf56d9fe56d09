"""`takeback worker`: what happens behind everybody's back."""

import signal
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from takeback.cli.boot import boot

if TYPE_CHECKING:
    from takeback.outbox.worker import Handler


def worker(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Do every chore and what is due, then leave.")
    ] = False,
) -> None:
    """Deliver messages and do chores until SIGTERM or Ctrl-C; what runs is finished first."""
    boot()
    from takeback.wiring import HANDLERS

    if not work(HANDLERS, once=once):
        raise typer.Exit(1)


def work(handlers: "Mapping[str, Handler]", *, once: bool = False) -> bool:
    """The worker with these handlers; False when a chore of a single round failed."""
    from takeback.operations import chores
    from takeback.outbox.worker import Worker, limited

    stop = threading.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: stop.set())
    outbox = Worker(limited(handlers))
    if once:
        if not chores.run_once(stop):
            return False
        outbox.work_all()
        return True
    # Chores have a thread of their own: a long one must not keep a mail waiting.
    beside = threading.Thread(target=chores.run, args=(stop,))
    beside.start()
    outbox.run(stop)
    beside.join()
    return True
