"""The periodic tasks of the worker, and the loop that runs them."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import structlog
from django.db import Error, close_old_connections

from takeback.accounts.api_keys import prune_keys
from takeback.accounts.customers import prune_pending
from takeback.accounts.one_time_secrets import prune as prune_one_time_secrets
from takeback.accounts.own_account import prune_email_changes
from takeback.accounts.sessions import prune_sessions
from takeback.cancellations.commands.forget_bank_accounts import forget_bank_accounts
from takeback.cancellations.images import sweep_images
from takeback.channel_sync.commands import prune as prune_channel_sync
from takeback.core import clock
from takeback.core.db.planner import analyze_tables
from takeback.idempotency.commands import prune as prune_replies
from takeback.limits.commands import prune as prune_limits
from takeback.outbox.commands import prune as prune_outbox
from takeback.refunds.commands.anchor import anchor_day
from takeback.refunds.commands.epoch import guard_database
from takeback.refunds.commands.look import look_at_payments

log = structlog.get_logger(__name__)

FREQUENT_SECONDS: Final = 60
"""More frequent tasks are logged only when they have done something."""


class PeriodicTask(NamedTuple):
    """Work in small steps: `step(now)` returns its number of rows, and is repeated until 0."""

    name: str
    every_seconds: int
    step: Callable[[datetime], int]


PERIODIC_TASKS = (
    PeriodicTask("look_at_payments", 10, look_at_payments),
    PeriodicTask("guard_database", 60, guard_database),
    PeriodicTask("prune_limits", 600, prune_limits),
    PeriodicTask("prune_sessions", 3600, prune_sessions),
    PeriodicTask("prune_keys", 3600, prune_keys),
    PeriodicTask("prune_one_time_secrets", 3600, prune_one_time_secrets),
    PeriodicTask("prune_email_changes", 3600, prune_email_changes),
    PeriodicTask("prune_pending_customers", 3600, prune_pending),
    PeriodicTask("prune_outbox", 3600, prune_outbox),
    PeriodicTask("prune_replies", 3600, prune_replies),
    PeriodicTask("prune_exchange", 3600, prune_channel_sync),
    PeriodicTask("look_at_tables", 3600, analyze_tables),
    PeriodicTask("sweep_pictures", 24 * 3600, sweep_images),
    PeriodicTask("anchor_ledger", 3600, anchor_day),
    PeriodicTask("forget_bank_accounts", 24 * 3600, forget_bank_accounts),
)
"""The names are part of the log."""


def run_once(stop: threading.Event, tasks: Sequence[PeriodicTask] = PERIODIC_TASKS) -> bool:
    """Run every task now; False if one of them failed."""
    results = [_run_task(task, stop) for task in tasks]
    return all(results)


def run(stop: threading.Event, tasks: Sequence[PeriodicTask] = PERIODIC_TASKS) -> None:
    """Run each task when it is due, until `stop` is set; a running step finishes first."""
    due = {task: time.monotonic() for task in tasks}
    while not stop.is_set():
        for task in tasks:
            if due[task] <= time.monotonic():
                _run_task(task, stop)
                due[task] = time.monotonic() + task.every_seconds
        stop.wait(max(0.0, min(due.values()) - time.monotonic()))


def _run_task(task: PeriodicTask, stop: threading.Event) -> bool:
    """False when database or disk failed; the next run uses a new connection."""
    started, done = time.perf_counter(), 0
    try:
        while not stop.is_set() and (count := task.step(clock.now())):
            done += count
    except (Error, OSError) as error:
        log.warning("chore failed", chore=task.name, error=type(error).__name__)
        close_old_connections()
        return False
    if done or task.every_seconds >= FREQUENT_SECONDS:
        ms = int((time.perf_counter() - started) * 1000)
        log.info("chore", chore=task.name, done=done, ms=ms)
    return True
