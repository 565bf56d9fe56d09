"""The life of a message: emitted, claimed, then done, postponed or parked; parked ones replayed."""

import re
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from takeback.core import clock
from takeback.core.db.bulk import delete_batch, insert_objects
from takeback.outbox.models import Message, WorkerRun
from takeback.outbox.queries import due_messages

Reference = int | str | list[int]
Payload = Mapping[str, Reference]

# How long a claimed message belongs to one worker; longer than `HANDLER_SECONDS`.
LEASE = timedelta(seconds=45)
MAX_ATTEMPTS = 12
RETENTION = timedelta(days=30)
PRUNED_AT_ONCE = 1_000

_FIRST_DELAY_SECONDS, _GROWTH, _MAX_DELAY_SECONDS = 10, 3, 6 * 3600
_CODE = re.compile(r"[A-Za-z0-9_.:+-]{1,64}", re.ASCII)


def emit(topic: str, key: str, payload: Payload, due_at: datetime | None = None) -> None:
    """Add a message to the transaction of the change that it reports: both commit, or neither.

    `topic` is `subject.event`. `topic:key` identifies the event for good; handlers pass it on as
    idempotency key. The payload holds ids and codes, no personal data: a handler reads what it
    needs when it runs. The message is delivered at `due_at` or later.

    Raises TransactionManagementError outside a transaction, and ValueError for free text in the
    payload. A repeated key violates the unique index and rolls the transaction back: ignoring it
    would lose the second event whenever a key is too coarse.
    """
    emit_all(topic, {key: payload}, due_at)


def emit_all(topic: str, events: Mapping[str, Payload], due_at: datetime | None = None) -> None:
    """As `emit`, for several events of one topic: their payloads by key, in one statement."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("emit needs an open transaction")
    if not all(_is_reference(value) for payload in events.values() for value in payload.values()):
        raise ValueError(f"the payload of {topic} may hold ids and codes only")
    now = clock.now()
    messages = [
        Message(
            topic=str(topic),
            key=f"{topic}:{key}",
            payload=dict(payload),
            created_at=now,
            due_at=due_at or now,
        )
        for key, payload in events.items()
    ]
    if messages:
        insert_objects(messages)


def _is_reference(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(entry, int) for entry in value)
    return isinstance(value, int) or (isinstance(value, str) and bool(_CODE.fullmatch(value)))


@transaction.atomic(durable=True)
def claim(
    now: datetime, topics: Collection[str], *, full_lanes: Collection[int] = ()
) -> Message | None:
    """Lease the next due message of these topics in a lane that is not full; None: there is none.

    The attempt counts before the handler runs, so that one that kills its worker counts, too. A
    message whose attempts are used up is parked here.
    """
    due = due_messages(now, topics, full_lanes=full_lanes)
    while message := due.select_for_update(skip_locked=True).first():
        if message.attempts < MAX_ATTEMPTS:
            message.attempts += 1
            message.leased_until = now + LEASE
            message.save(update_fields=["attempts", "leased_until"])
            return message
        message.leased_until, message.parked_at = None, now
        message.last_error = "WorkerDied"
        message.save(update_fields=["leased_until", "parked_at", "last_error"])
    return None


def finish(message: Message, now: datetime) -> bool:
    """Mark a message as done; False when this worker has lost the lease."""
    return _end_attempt(message, done_at=now, last_error="")


def postpone(message: Message, error: Exception, *, jitter: float, now: datetime) -> bool:
    """Schedule a retry, or park the message after its last attempt; False as for `finish`."""
    if message.attempts >= MAX_ATTEMPTS:
        return park(message, error, now)
    due_at = now + retry_delay(message.attempts, jitter)
    return _end_attempt(message, due_at=due_at, last_error=_error_name(error))


def park(message: Message, error: Exception, now: datetime) -> bool:
    """Stop delivery until an operator replays the message; False as for `finish`."""
    return _end_attempt(message, parked_at=now, last_error=_error_name(error))


def retry_delay(attempts: int, jitter: float) -> timedelta:
    """The delay after a number of attempts; `jitter` in [0, 1) shortens it by up to a quarter.

    10 s, tripled each time, at most 6 h: twelve attempts span 27 hours.
    """
    seconds = min(_FIRST_DELAY_SECONDS * _GROWTH ** (attempts - 1), _MAX_DELAY_SECONDS)
    return timedelta(seconds=seconds * (1 - jitter / 4))


def replay(*, ids: Collection[int] = (), topic: str = "", now: datetime) -> int:
    """Make parked messages due again, by id or by topic; returns their number."""
    parked = Message.objects.filter(Q(id__in=ids) | Q(topic=topic), parked_at__isnull=False)
    return parked.update(parked_at=None, attempts=0, due_at=now)


def record_run(now: datetime) -> None:
    """Record that a worker runs: `takeback doctor` reports when none does."""
    WorkerRun.objects.bulk_create(
        [WorkerRun(pk=1, ran_at=now)],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["ran_at"],
    )


def prune(now: datetime) -> int:
    """Delete up to `PRUNED_AT_ONCE` messages that are done since `RETENTION`; returns their number.

    Repeat until it is 0.
    """
    expired = Message.objects.filter(done_at__lte=now - RETENTION).order_by("done_at")
    return delete_batch(expired, PRUNED_AT_ONCE)


def _end_attempt(message: Message, **result: object) -> bool:
    """Save the result unless another worker has claimed the message meanwhile."""
    leased = Message.objects.filter(pk=message.pk, leased_until=message.leased_until)
    return bool(leased.update(leased_until=None, **result))


def _error_name(error: Exception) -> str:
    """Only the type: the text of an error may quote personal data."""
    return type(error).__name__[:100]
