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
    from django.conf import settings

    from takeback.handlers.all_topics import IN_THREADS
    from takeback.operations import periodic_tasks
    from takeback.outbox.pool import Pool
    from takeback.outbox.worker import Worker, with_timeout

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: set_in_thread(stop))
    if not guard_refunds(stop, is_single_round=is_single_round):
        return not is_single_round
    pooled = {topic: handlers[topic] for topic in IN_THREADS & handlers.keys()}
    others = with_timeout({topic: handlers[topic] for topic in handlers.keys() - pooled.keys()})
    if is_single_round:
        if not periodic_tasks.run_once(stop):
            return False
        Worker({**others, **pooled}).deliver_all()
        return True
    # Threads of their own: a long task, or a provider that hangs, must not delay a mail.
    pool = Pool(pooled, settings.REFUND_SENDERS)
    threads = [
        threading.Thread(target=periodic_tasks.run, args=(stop,)),
        threading.Thread(target=pool.run, args=(stop,)),
    ]
    for thread in threads:
        thread.start()
    Worker(others).run(stop)
    for thread in threads:
        thread.join()
    return True


def guard_refunds(stop: threading.Event, *, is_single_round: bool) -> bool:
    """Pause refunds after a restore, before the first message; False if that was not possible.

    Without a database there is nothing to deliver: unless it is a single round, it waits until
    the database responds or `stop` is set.
    """
    import structlog
    from django.db import Error, connection

    from takeback.core import clock
    from takeback.refunds.commands.epoch import check_database

    while not stop.is_set():
        try:
            check_database(clock.now())
        except Error as error:
            name = type(error).__name__
            structlog.get_logger(__name__).warning("database not checked", error=name)
            connection.close()
            if is_single_round:
                return False
            stop.wait(1)
        else:
            return True
    return False


def set_in_thread(event: threading.Event) -> None:
    """Set an event in a signal handler.

    `set` takes the event's lock, which the interrupted thread may hold: it would wait for ever.
    """
    threading.Thread(target=event.set, daemon=True).start()
