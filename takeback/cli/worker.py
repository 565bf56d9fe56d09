"""`takeback worker`: outbox delivery and periodic tasks."""

import signal
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from takeback.outbox.worker import Handler
from takeback.cli.setup import boot, check_database


def worker(
    *,
    is_single_round: Annotated[
        bool,
        typer.Option("--once", help="Run each periodic task, deliver due messages, then exit."),
    ] = False,
) -> None:
    """Deliver messages and run periodic tasks until SIGTERM or Ctrl-C; running work finishes."""
    boot(makes_files=True, limits_statements=True)
    check_database()
    from takeback.handlers.all_topics import HANDLERS

    if not work(HANDLERS, is_single_round=is_single_round):
        raise typer.Exit(1)


def work(handlers: "Mapping[str, Handler]", *, is_single_round: bool = False) -> bool:
    """Run the worker with these handlers; False if a periodic task of a single round failed."""
    from takeback.operations import periodic_tasks
    from takeback.outbox.worker import Worker, with_timeout

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    outbox = Worker(with_timeout(handlers))
    if is_single_round:
        if not periodic_tasks.run_once(stop):
            return False
        outbox.deliver_all()
        return True
    # A thread of their own: a long task must not delay a message.
    periodic_thread = threading.Thread(target=periodic_tasks.run, args=(stop,))
    periodic_thread.start()
    outbox.run(stop)
    periodic_thread.join()
    return True
