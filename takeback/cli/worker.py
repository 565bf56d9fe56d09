"""`takeback worker`: what happens behind everybody's back."""

import signal
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from takeback.outbox.worker import Handler
from takeback.cli.setup import boot


def worker(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Do every chore and what is due, then leave.")
    ] = False,
) -> None:
    """Deliver messages and do chores until SIGTERM or Ctrl-C; what runs is finished first."""
    boot()
    from takeback.handlers.mails import HANDLERS

    if not work(HANDLERS, once=once):
        raise typer.Exit(1)


def work(handlers: "Mapping[str, Handler]", *, once: bool = False) -> bool:
    """The worker with these handlers; False when a chore of a single round failed."""
    from takeback.operations import periodic_tasks
    from takeback.outbox.worker import Worker, with_timeout

    stop = threading.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: stop.set())
    outbox = Worker(with_timeout(handlers))
    if once:
        if not periodic_tasks.run_once(stop):
            return False
        outbox.deliver_all()
        return True
    # Chores have a thread of their own: a long one must not keep a mail waiting.
    beside = threading.Thread(target=periodic_tasks.run, args=(stop,))
    beside.start()
    outbox.run(stop)
    beside.join()
    return True
