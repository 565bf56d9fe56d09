"""Delivers messages in threads: a handler that waits for another system delays no other."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from typing import Final

import structlog
from django.db import Error, connection

from takeback.core import clock
from takeback.outbox.models import Message
from takeback.outbox.queries import LANE
from takeback.outbox.worker import Handler, Worker

log = structlog.get_logger(__name__)

MAX_THREADS: Final = 64
_IDLE_SECONDS: Final = 0.5


class Pool:
    """Claims messages one by one and runs their handlers side by side.

    At most `per_lane` messages of a lane (`payload["lane"]`) run at the same time: a provider that
    hangs occupies the threads of its own lane only. Threads start when they are needed, and each
    has its own database connection. Handlers must end by themselves: SIGALRM does not reach
    threads.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        per_lane: int,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._worker = Worker(handlers, jitter)
        self._per_lane = per_lane
        self._running: Counter[int] = Counter()
        self._threads: list[threading.Thread] = []
        self._messages: SimpleQueue[Message | None] = SimpleQueue()
        self._lock = threading.Lock()
        # Set when a handler has ended, so that its place is filled at once.
        self._has_ended = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Deliver until `stop` is set; running handlers finish first.

        While the database is unavailable, the pool waits and tries again.
        """
        try:
            while not stop.is_set():
                has_ended = self._has_ended.is_set()
                self._has_ended.clear()
                if not self._start_next(is_idle=not has_ended):
                    self._has_ended.wait(_IDLE_SECONDS)
        except BaseException:
            # Without its pool a worker must not go on: the service is started again.
            stop.set()
            raise
        finally:
            for _ in self._threads:
                self._messages.put(None)
            for thread in self._threads:
                thread.join()
            connection.close()

    def _start_next(self, *, is_idle: bool) -> bool:
        """Hand the next message to a thread; False when none is due or every place is taken.

        `is_idle` as for `Worker.claim_next`.
        """
        with self._lock:
            busy = sum(self._running.values())
            full = [lane for lane, count in self._running.items() if count >= self._per_lane]
        if busy >= MAX_THREADS:
            return False
        try:
            message = self._worker.claim_next(clock.now(), full, is_idle=is_idle)
        except Error as error:
            log.warning("outbox failed", error=type(error).__name__)
            connection.close()
            return False
        if message is None:
            return False
        with self._lock:
            self._running[_lane_of(message)] += 1
            is_thread_needed = sum(self._running.values()) > len(self._threads)
        if is_thread_needed:
            thread = threading.Thread(target=self._serve, name=f"pool-{len(self._threads)}")
            self._threads.append(thread)
            thread.start()
        self._messages.put(message)
        return True

    def _serve(self) -> None:
        """The life of a thread: it handles messages until it receives None."""
        try:
            while message := self._messages.get():
                self._handle(message)
        finally:
            connection.close()

    def _handle(self, message: Message) -> None:
        try:
            self._worker.deliver(message, clock.now())
        except Error as error:
            # The message's lease ends, and it is delivered again.
            log.warning("outbox failed", error=type(error).__name__)
            connection.close()
        finally:
            with self._lock:
                lane = _lane_of(message)
                self._running[lane] -= 1
                if not self._running[lane]:
                    del self._running[lane]
            self._has_ended.set()


def _lane_of(message: Message) -> int:
    return int(message.payload.get(LANE, 0))
