"""The worker: it delivers one message after the other to its handler."""

import random
import signal
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import FrameType
from typing import Any, NamedTuple

import structlog
from django.db import Error, connection

from takeback.core import clock
from takeback.outbox import commands
from takeback.outbox.models import Message
from takeback.outbox.queries import due_messages

log = structlog.get_logger(__name__)

# The time limit of a handler: shorter than a lease, so that no handler runs twice at once.
HANDLER_SECONDS = 30
_IDLE_SECONDS = 1.0
_RUN_RECORDED_EVERY = timedelta(minutes=1)


class Delivery(NamedTuple):
    """A message for its handler; repeated deliveries carry the same key."""

    key: str
    payload: dict[str, Any]


# Reads, calls another system, writes. No transaction is open, and none may span the call.
Handler = Callable[[Delivery], None]


class PermanentFailure(Exception):
    """A retry cannot succeed. Handlers raise subclasses; the class name is the recorded reason."""


class HandlerTimeout(Exception):
    """A handler exceeded its time limit."""


@dataclass(frozen=True, slots=True)
class Worker:
    """Delivers the messages of each topic to its handler, at least once.

    Topics without a handler wait: during an upgrade the next version's worker may handle them.
    `jitter` returns a number in [0, 1) that spreads retries.
    """

    handlers: Mapping[str, Handler]
    jitter: Callable[[], float] = field(default=random.random)

    def deliver_next(self, now: datetime, *, is_idle: bool = True) -> bool:
        """Deliver the next message; False when none is due. `is_idle` as for `claim_next`."""
        message = self.claim_next(now, is_idle=is_idle)
        if message is None:
            return False
        self.deliver(message, now)
        return True

    def claim_next(
        self, now: datetime, full_lanes: Collection[int] = (), *, is_idle: bool = True
    ) -> Message | None:
        """Lease the next message in a lane that is not full; None when there is none.

        An idle worker looks first: to claim takes SQLite's only write lock. After a message the
        next one is expected, so looking would only cost time.
        """
        topics = list(self.handlers)
        if is_idle and not due_messages(now, topics, full_lanes=full_lanes).exists():
            return None
        return commands.claim(now, topics, full_lanes=full_lanes)

    def deliver(self, message: Message, now: datetime) -> None:
        """Run the handler of a leased message and save the result."""
        if not self._deliver(message, now):
            log.warning("lease lost", key=message.key)

    def _deliver(self, message: Message, now: datetime) -> bool:
        """Run the handler and save the result; False when the lease was lost meanwhile."""
        try:
            self.handlers[message.topic](Delivery(message.key, message.payload))
        except PermanentFailure as error:
            log.warning("message parked", key=message.key, error=type(error).__name__)
            return commands.park(message, error, now)
        except Exception as error:  # noqa: BLE001 - one handler's error must not stop the worker
            name, attempt = type(error).__name__, message.attempts
            log.warning("message failed", key=message.key, attempt=attempt, error=name)
            return commands.postpone(message, error, jitter=self.jitter(), now=now)
        return commands.finish(message, now)

    def deliver_all(self) -> int:
        commands.record_run(clock.now())
        count = 0
        while self.deliver_next(clock.now()):
            count += 1
        return count

    def run(self, stop: threading.Event) -> None:
        """Deliver until `stop` is set, and finish the current message first.

        While the database is unavailable, the worker waits and tries again.
        """
        recorded_at: datetime | None = None
        busy = False
        while not stop.is_set():
            now = clock.now()
            try:
                if recorded_at is None or now - recorded_at >= _RUN_RECORDED_EVERY:
                    commands.record_run(now)
                    recorded_at = now
                busy = self.deliver_next(now, is_idle=not busy)
            except Error as error:
                log.warning("outbox failed", error=type(error).__name__)
                connection.close()
                busy = False
            if not busy:
                stop.wait(_IDLE_SECONDS)


def with_timeout(
    handlers: Mapping[str, Handler], seconds: float = HANDLER_SECONDS
) -> Mapping[str, Handler]:
    """The handlers with a time limit (HandlerTimeout); SIGALRM works in the main thread only."""
    return {topic: _timeout(seconds)(handler) for topic, handler in handlers.items()}


@contextmanager
def _timeout(seconds: float) -> Iterator[None]:
    def stop(signal_number: int, frame: FrameType | None) -> None:
        raise HandlerTimeout

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except HandlerTimeout:
        # The signal may have interrupted a statement, so the connection is not reusable.
        connection.close()
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
