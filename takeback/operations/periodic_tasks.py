"""What has to be done now and then, and the loop that does it."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

import structlog
from django.db import Error, close_old_connections

from takeback.accounts.api_keys import prune_keys
from takeback.accounts.sessions import prune_sessions
from takeback.cancellations.images import sweep_images
from takeback.channel_sync.commands import prune as prune_exchange
from takeback.core import clock
from takeback.core.db.planner import analyze_tables
from takeback.idempotency.commands import prune as prune_replies
from takeback.limits.commands import prune as prune_limits
from takeback.outbox.commands import prune as prune_outbox

log = structlog.get_logger(__name__)


class PeriodicTask(NamedTuple):
    """Work in small steps: `step(now)` says how much it did and is repeated until that is 0."""

    name: str
    every_seconds: int
    step: Callable[[datetime], int]


PERIODIC_TASKS = (
    PeriodicTask("prune_limits", 600, prune_limits),
    PeriodicTask("prune_sessions", 3600, prune_sessions),
    PeriodicTask("prune_keys", 3600, prune_keys),
    PeriodicTask("prune_outbox", 3600, prune_outbox),
    PeriodicTask("prune_replies", 3600, prune_replies),
    PeriodicTask("prune_exchange", 3600, prune_exchange),
    PeriodicTask("look_at_tables", 3600, analyze_tables),
    PeriodicTask("sweep_pictures", 24 * 3600, sweep_images),
)


def run_once(stop: threading.Event, chores: Sequence[PeriodicTask] = PERIODIC_TASKS) -> bool:
    """Do each chore now; whether all went well."""
    done = [_do(chore, stop) for chore in chores]
    return all(done)


def run(stop: threading.Event, chores: Sequence[PeriodicTask] = PERIODIC_TASKS) -> None:
    """Do each chore when its time comes, until told to stop; a step that runs is finished."""
    due = {chore: time.monotonic() for chore in chores}
    while not stop.is_set():
        for chore in chores:
            if due[chore] <= time.monotonic():
                _do(chore, stop)
                due[chore] = time.monotonic() + chore.every_seconds
        stop.wait(max(0.0, min(due.values()) - time.monotonic()))


def _do(chore: PeriodicTask, stop: threading.Event) -> bool:
    """False when database or disk failed; the next turn tries again on a new connection."""
    started = time.perf_counter()
    done = 0
    try:
        while not stop.is_set() and (count := chore.step(clock.now())):
            done += count
    except (Error, OSError) as error:
        log.warning("chore failed", chore=chore.name, error=type(error).__name__)
        close_old_connections()
        return False
    log.info("chore", chore=chore.name, done=done, ms=int((time.perf_counter() - started) * 1000))
    return True
