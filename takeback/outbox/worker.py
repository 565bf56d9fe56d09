"""The worker: it takes one message after the other to its handler."""

import random
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from types import FrameType
from typing import Any, NamedTuple

import structlog
from django.db import Error, connection

from takeback.core import clock
from takeback.outbox import commands
from takeback.outbox.models import Message
from takeback.outbox.queries import waiting

log = structlog.get_logger(__name__)

LIMIT_SECONDS = 30
"""How long a handler may run: less than a lease, so that no live one is run twice."""
_IDLE_SECONDS = 1.0


class Delivery(NamedTuple):
    """A message as its handler sees it; it may come more than once, always under the same key."""

    key: str
    payload: dict[str, Any]


Handler = Callable[[Delivery], None]
"""Reads, talks, writes; no transaction is open when it is called, and none may span the talking."""


class PermanentFailure(Exception):
    """Trying again cannot help; raised by handlers, in subclasses whose name says why."""


class HandlerTimeout(Exception):
    """A handler ran past its limit."""


@dataclass(frozen=True, slots=True)
class Worker:
    """Delivers each topic's messages to its handler, at least once.

    A topic without handler is left alone: during an upgrade the worker of the next version may
    know it. `chance` spreads retries; it is asked for a number in [0, 1).
    """

    handlers: Mapping[str, Handler]
    chance: Callable[[], float] = field(default=random.random)

    def work_one(self, now: datetime) -> bool:
        """Deliver the next message; False when none is due."""
        topics = list(self.handlers)
        # Looked first: an idle worker takes no lock, which on SQLite is everybody's.
        if not waiting(now, topics).exists():
            return False
        message = commands.claim(now, topics)
        if message is None:
            return False
        if not self._deliver(message, now):
            log.warning("lease lost", key=message.key)
        return True

    def _deliver(self, message: Message, now: datetime) -> bool:
        """Run the handler and note what came of it; False when the lease was lost meanwhile."""
        try:
            self.handlers[message.topic](Delivery(message.key, message.payload))
        except PermanentFailure as error:
            log.warning("message parked", key=message.key, error=type(error).__name__)
            return commands.park(message, error, now)
        except Exception as error:  # noqa: BLE001 - whatever one handler raises, the next is served
            name, attempt = type(error).__name__, message.attempts
            log.warning("message failed", key=message.key, attempt=attempt, error=name)
            return commands.postpone(message, error, chance=self.chance(), now=now)
        return commands.finish(message, now)

    def work_all(self) -> int:
        """Deliver until nothing is due; how many."""
        count = 0
        while self.work_one(clock.now()):
            count += 1
        return count

    def run(self, stop: threading.Event) -> None:
        """Deliver until told to stop; the running message is finished first.

        Without a database it waits until there is one.
        """
        while not stop.is_set():
            try:
                busy = self.work_one(clock.now())
            except Error as error:
                log.warning("outbox failed", error=type(error).__name__)
                connection.close()
                busy = False
            if not busy:
                stop.wait(_IDLE_SECONDS)


def limited(
    handlers: Mapping[str, Handler], seconds: float = LIMIT_SECONDS
) -> Mapping[str, Handler]:
    """The same handlers, stopped by `TookTooLong`; for the main thread only, where alarms ring."""
    return {topic: _limited(handler, seconds) for topic, handler in handlers.items()}


def _limited(handler: Handler, seconds: float) -> Handler:
    def run(delivery: Delivery) -> None:
        with _alarm(seconds):
            handler(delivery)

    return run


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def stop(signal_number: int, frame: FrameType | None) -> None:
        raise HandlerTimeout

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except HandlerTimeout:
        # It may have been interrupted in the middle of a statement.
        connection.close()
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
