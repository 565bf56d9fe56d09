"""A message's life: told, claimed, then done, postponed or parked; parked ones told again."""

import re
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from takeback.core import clock
from takeback.core.db.bulk import insert_objects
from takeback.outbox.models import Message
from takeback.outbox.queries import waiting

Reference = int | str | list[int]

LEASE = timedelta(seconds=45)
"""How long a worker has a message to itself; a handler may run for less (`LIMIT_SECONDS`)."""
MOST_ATTEMPTS = 12
KEPT = timedelta(days=30)
PRUNED_AT_ONCE = 1_000

_FIRST_WAIT_SECONDS, _GROWTH, _LONGEST_WAIT_SECONDS = 10, 3, 6 * 3600
_WORD = re.compile(r"[A-Za-z0-9_.:+-]{1,64}", re.ASCII)


Payload = Mapping[str, Reference]


def emit(topic: str, key: str, payload: Payload, due_at: datetime | None = None) -> None:
    """Tell of something, within the transaction that does it: both are kept, or neither.

    `topic` is `thing.what_happened`; `topic:key` names this one event for all time and is what
    handlers pass on as idempotency key. The payload holds ids and codes, never a person's data:
    a handler reads what it needs when it runs. With `due_at` it is delivered no earlier.

    Raises TransactionManagementError outside a transaction, ValueError for a payload of words. The
    same key a second time is a programming error and fails on the unique index, with the whole
    transaction: to look away would lose the second event whenever a key was chosen too coarsely.
    """
    emit_all(topic, {key: payload}, due_at)


def emit_all(topic: str, told: Mapping[str, Payload], due_at: datetime | None = None) -> None:
    """As `emit`, for several events of one topic by their keys, in one statement."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("a message leaves with its transaction")
    if not all(_is_reference(value) for payload in told.values() for value in payload.values()):
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
        for key, payload in told.items()
    ]
    if messages:
        insert_objects(messages)


def _is_reference(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(entry, int) for entry in value)
    return isinstance(value, int) or (isinstance(value, str) and bool(_WORD.fullmatch(value)))


@transaction.atomic(durable=True)
def claim(now: datetime, topics: Collection[str]) -> Message | None:
    """Take the next message of these topics for `LEASE`; None when there is none.

    The attempt is counted before it is made, so that one which kills its worker counts too. What
    has used up its attempts that way is parked here, and the next message taken.
    """
    while message := waiting(now, topics).select_for_update(skip_locked=True).first():
        if message.attempts < MOST_ATTEMPTS:
            message.attempts += 1
            message.leased_until = now + LEASE
            message.save(update_fields=["attempts", "leased_until"])
            return message
        message.leased_until, message.parked_at = None, now
        message.last_error = "WorkerDied"
        message.save(update_fields=["leased_until", "parked_at", "last_error"])
    return None


def finish(message: Message, now: datetime) -> bool:
    """Done; False when the lease was lost and another worker has it."""
    return _settle(message, done_at=now, last_error="")


def postpone(message: Message, error: Exception, *, chance: float, now: datetime) -> bool:
    """Failed: try again later, or park it after its last attempt; False when the lease was lost."""
    if message.attempts >= MOST_ATTEMPTS:
        return park(message, error, now)
    later = now + wait(message.attempts, chance)
    return _settle(message, due_at=later, last_error=_name(error))


def park(message: Message, error: Exception, now: datetime) -> bool:
    """Set it aside until somebody replays it; False when the lease was lost."""
    return _settle(message, parked_at=now, last_error=_name(error))


def wait(attempts: int, chance: float) -> timedelta:
    """How long to wait after so many attempts; `chance` in [0, 1) takes up to a quarter off.

    10 s, then three times as long each time, at most 6 h: twelve attempts span 27 hours.
    """
    seconds = min(_FIRST_WAIT_SECONDS * _GROWTH ** (attempts - 1), _LONGEST_WAIT_SECONDS)
    return timedelta(seconds=seconds * (1 - chance / 4))


def replay(*, ids: Collection[int] = (), topic: str = "", now: datetime) -> int:
    """Give parked messages a new start, by number or by topic; how many there were."""
    parked = Message.objects.filter(Q(id__in=ids) | Q(topic=topic), parked_at__isnull=False)
    return parked.update(parked_at=None, attempts=0, due_at=now)


def prune(now: datetime) -> int:
    """Forget up to `PRUNED_AT_ONCE` messages done long ago; how many. Repeat until it is 0."""
    over = Message.objects.filter(done_at__lte=now - KEPT).order_by("done_at")
    batch = list(over.values_list("pk", flat=True)[:PRUNED_AT_ONCE])
    deleted, _ = Message.objects.filter(pk__in=batch).delete()
    return deleted


def _settle(message: Message, **result: object) -> bool:
    """Write the end of an attempt, if it is still ours: a later claim has another lease."""
    ours = Message.objects.filter(pk=message.pk, leased_until=message.leased_until)
    return bool(ours.update(leased_until=None, **result))


def _name(error: Exception) -> str:
    """The type only: an error's text may quote what somebody typed."""
    return type(error).__name__[:100]
