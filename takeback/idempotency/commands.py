"""Idempotent calls: the effect and its response commit in one transaction, or neither does."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from django.db import connection, transaction

from takeback.core.db.bulk import delete_batch
from takeback.core.encryption import decrypt, encrypt
from takeback.core.errors import Refused
from takeback.idempotency import errors
from takeback.idempotency.models import Reply

RETENTION = timedelta(days=7)
PRUNED_AT_ONCE = 1_000

_FIRST_REFUSAL = 400


@dataclass(frozen=True, slots=True)
class IdempotentCall:
    """A call with a key; `principal` is a digest of the caller, `fingerprint` of the body."""

    principal: str
    route: str
    key: str
    fingerprint: str

    @property
    def name(self) -> str:
        return f"{self.principal} {self.route} {self.key}"


class IdempotentResponse(NamedTuple):
    """A status and a body; `is_replayed` when they come from an earlier call."""

    status: int
    body: bytes
    is_replayed: bool = False


@transaction.atomic
def run_idempotent(
    call: IdempotentCall, act: Callable[[], IdempotentResponse], now: datetime
) -> IdempotentResponse:
    """Run `act`, or return the stored response of the same call.

    `act` runs in the transaction that stores its response, so it may neither use the network nor
    count limits. A refusal, raised or returned, rolls back all effects, stores nothing and leaves
    the key free. Raises Refused for a key that is in use or belongs to another request.

    A repetition that arrives while the first call runs must not occupy a web process: on
    PostgreSQL an advisory lock, which ends with the transaction, refuses it at once. On SQLite the
    write transaction is the lock; the repetition waits and gets the stored response. If both calls
    passed, the unique index would let only one effect commit.
    """
    if not _try_lock(call):
        raise Refused(errors.KEY_IN_USE, retry_after_seconds=1)
    same_call = Reply.objects.filter(principal=call.principal, route=call.route, key=call.key)
    if stored := same_call.first():
        if now - stored.created_at < RETENTION:
            return _replay(stored, call)
        same_call.delete()
    response = act()
    if response.status >= _FIRST_REFUSAL:
        transaction.set_rollback(True)
        return response
    Reply.objects.create(
        principal=call.principal,
        route=call.route,
        key=call.key,
        fingerprint=call.fingerprint,
        status=response.status,
        body_encrypted=encrypt(response.body.decode(), call.name),
        created_at=now,
    )
    return response


def prune(now: datetime) -> int:
    """Delete up to `PRUNED_AT_ONCE` expired responses; returns their number, 0 when done."""
    expired = Reply.objects.filter(created_at__lte=now - RETENTION).order_by("created_at")
    return delete_batch(expired, PRUNED_AT_ONCE)


def _try_lock(call: IdempotentCall) -> bool:
    """Take the call's advisory lock; False when another transaction has it."""
    if connection.vendor != "postgresql":
        return True
    digest = sha256(call.name.encode()).digest()
    with connection.cursor() as cursor:
        number = int.from_bytes(digest[:8], signed=True)
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        (locked,) = cursor.fetchone() or (False,)
    return bool(locked)


def _replay(stored: Reply, call: IdempotentCall) -> IdempotentResponse:
    if stored.fingerprint != call.fingerprint:
        raise Refused(errors.KEY_REUSED)
    body = decrypt(stored.body_encrypted, call.name).encode()
    return IdempotentResponse(stored.status, body, is_replayed=True)
