"""Acting once per key: the effect and its answer are kept by one transaction, or neither is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from django.db import connection, transaction

from takeback.core.encryption import decrypt, encrypt
from takeback.core.errors import Refused
from takeback.idempotency import errors
from takeback.idempotency.models import Reply

KEPT = timedelta(days=7)
PRUNED_AT_ONCE = 1_000

_FIRST_REFUSAL = 400


@dataclass(frozen=True, slots=True)
class Call:
    """A call under a key; `principal` and `fingerprint` are digests of who called with what."""

    principal: str
    route: str
    key: str
    fingerprint: str

    @property
    def name(self) -> str:
        """What a repetition has in common with the first call."""
        return f"{self.principal} {self.route} {self.key}"


class Answer(NamedTuple):
    """A status and a body; `is_replayed` when it was given before."""

    status: int
    body: bytes
    is_replayed: bool = False


@transaction.atomic
def run_idempotent(call: Call, act: Callable[[], Answer], now: datetime) -> Answer:
    """Act, or give the answer that the same call was given before.

    `act` runs inside the transaction that keeps its answer, so it may neither talk to the network
    nor count limits: a refusal, raised or answered, undoes all that it did, keeps nothing, and
    leaves the key free. Raises Refused for a key that is in use or was used for something else.

    While the first call runs its twin is not made to wait, for it would hold a web process: on
    PostgreSQL it is refused at once by an advisory lock that ends with the transaction. On SQLite
    the transaction itself is the lock; the twin gets its turn, and the answer. Should both get
    through all the same, the unique index lets one of the two effects stand.
    """
    if not _is_ours(call):
        raise Refused(errors.KEY_IN_USE, retry_after_seconds=1)
    same = Reply.objects.filter(principal=call.principal, route=call.route, key=call.key)
    if kept := same.first():
        if now - kept.created_at < KEPT:
            return _replayed(kept, call)
        same.delete()
    answer = act()
    if answer.status >= _FIRST_REFUSAL:
        transaction.set_rollback(True)
        return answer
    Reply.objects.create(
        principal=call.principal,
        route=call.route,
        key=call.key,
        fingerprint=call.fingerprint,
        status=answer.status,
        body_encrypted=encrypt(answer.body.decode(), call.name),
        created_at=now,
    )
    return answer


def prune(now: datetime) -> int:
    """Forget up to `PRUNED_AT_ONCE` answers of long ago; how many. Repeat until it is 0."""
    over = Reply.objects.filter(created_at__lte=now - KEPT).order_by("created_at")
    batch = list(over.values_list("pk", flat=True)[:PRUNED_AT_ONCE])
    deleted, _ = Reply.objects.filter(pk__in=batch).delete()
    return deleted


def _is_ours(call: Call) -> bool:
    """Whether nobody else is working on this call."""
    if connection.vendor != "postgresql":
        return True
    digest = sha256(call.name.encode()).digest()
    with connection.cursor() as cursor:
        number = int.from_bytes(digest[:8], signed=True)
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        (locked,) = cursor.fetchone() or (False,)
    return bool(locked)


def _replayed(kept: Reply, call: Call) -> Answer:
    if kept.fingerprint != call.fingerprint:
        raise Refused(errors.KEY_REUSED)
    body = decrypt(kept.body_encrypted, call.name).encode()
    return Answer(kept.status, body, is_replayed=True)
