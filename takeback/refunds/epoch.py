"""Whether this is still the database of before: after a restore it knows less than the provider.

Three witnesses are compared with the database (decision 0048):

- The *identity* of a PostgreSQL database. Its timeline changes with a failover and a restore to a
  point in time, the ids of database and table with the restore of a dump.
- The *marker*, a file in the data folder of each host. It holds the newest generation of the
  database, which the workers raise every minute. A restored database has an older one.
- The *journal*, a file in the same folder. Each request to a provider is added to it before the
  request is sent. A restored database does not know the refund, or knows fewer requests.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from takeback.refunds.models import DatabaseEpoch, Refund

ROW: Final = 1
MARKER, JOURNAL, PENDING = "database_generation", "refund_requests", "refund_requests.restored"
CHECKED_REQUESTS: Final = 200
"""How many of the newest requests of the journal are looked up."""
_JOURNAL_BYTES: Final = 1_000_000

_PARTS: Final = (
    "SELECT system_identifier FROM pg_control_system()",
    # The control file of a promoted server has the old timeline until its first checkpoint.
    "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)",
    "SELECT oid FROM pg_database WHERE datname = current_database()",
    "SELECT 'refunds_refund'::regclass::oid",
)
"""What identifies a PostgreSQL database: server, timeline, database, table."""
# No right, no such function, not supported, not in this state. A lost connection is none of them.
_NOT_OFFERED: Final = ("42501", "42883", "0A000", "55000")


class Difference(StrEnum):
    """A witness that disagrees with the database."""

    IDENTITY = "identity"
    MARKER = "marker"
    JOURNAL = "journal"


class SentRequest(NamedTuple):
    """A request in the journal: a refund's key, its number and time, the account and the payment.

    Account and payment are named as the provider knows them, because ids may be used again.
    """

    key: str
    sends: int
    at: str
    account: str
    payment: str

    @property
    def sent_at(self) -> datetime:
        return datetime.fromisoformat(self.at)


_decoder = msgspec.json.Decoder(SentRequest)


def identity() -> str:
    """The identity of the connected database; empty on SQLite, whose file has none.

    Some hosted servers do not offer all parts of it; `-` stands for a missing part.
    """
    if connection.vendor != "postgresql":
        return ""
    together = f"SELECT concat_ws('.', {', '.join(f'({part})' for part in _PARTS)})"
    return _value(together) or ".".join(_value(part) or "-" for part in _PARTS)


def _value(sql: str) -> str | None:
    """The value of a query; None if the server refuses it."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
            row = cursor.fetchone()
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) not in _NOT_OFFERED:
            raise
        return None
    return str(row[0]) if row else None


def is_same_database() -> bool:
    """Whether the connected database has the identity that the workers know.

    Each request to a provider checks it: a failover may happen while a worker runs.
    """
    if connection.vendor != "postgresql":
        return True
    known = DatabaseEpoch.objects.filter(pk=ROW).values_list("identity", flat=True).first()
    return known is None or known == identity()


def differences(row: DatabaseEpoch) -> list[Difference]:
    """The witnesses that disagree with the database; this reads the files of this host only."""
    witnesses = {
        Difference.IDENTITY: row.identity != identity(),
        Difference.MARKER: row.generation < marked_generation(),
        Difference.JOURNAL: bool(unknown_requests(journal()[-CHECKED_REQUESTS:])),
    }
    return [difference for difference, disagrees in witnesses.items() if disagrees]


def marked_generation() -> int:
    """The newest generation that a worker of this host has seen; 0 without a readable marker."""
    with suppress(OSError, ValueError):
        return int(_file(MARKER).read_text())
    return 0


def mark_generation(generation: int) -> None:
    """Write the marker atomically."""
    _replace(MARKER, f"{generation}\n".encode())


def record_request(key: str, sends: int, *, account: UUID, payment: str, at: datetime) -> None:
    """Add a request to the journal durably: `payment` is the provider's id of the payment.

    Call it after the transaction that counts the request, and before the request is sent. Raises
    OSError when it cannot be written: then nothing may be sent.
    """
    request = SentRequest(key, sends, at.isoformat(), account.hex, payment)
    file = _file(JOURNAL)
    with suppress(FileNotFoundError):
        if file.stat().st_size > _JOURNAL_BYTES:
            file.replace(_file(f"{JOURNAL}.old"))
    # It begins a line of its own, also after a line that a crash has cut. One write at the end of
    # the file: processes and threads do not mix their lines.
    line = b"\n%b\n" % msgspec.json.encode(request)
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def journal() -> list[SentRequest]:
    """The requests that this host has sent, oldest first."""
    return [*_requests(f"{JOURNAL}.old"), *_requests(JOURNAL)]


def pending_requests() -> list[SentRequest]:
    """The requests of before a restore whose payments are still to be looked at."""
    return list(_requests(PENDING))


def defer_journal() -> None:
    """Keep the requests of before a restore for the reconciliation, and begin a new journal."""
    requests = [*pending_requests(), *journal()]
    if requests:
        _replace(PENDING, b"\n".join(map(msgspec.json.encode, requests)))
    for name in (f"{JOURNAL}.old", JOURNAL):
        _file(name).unlink(missing_ok=True)


def forget_pending_requests() -> None:
    """Delete the requests of before a restore: all their payments have been looked at."""
    _file(PENDING).unlink(missing_ok=True)


def unknown_requests(requests: Sequence[SentRequest]) -> list[SentRequest]:
    """The requests that the database does not know."""
    sends = {request.key: 0 for request in requests}
    uuids = [UUID(key) for key in sends]
    for uuid, count in Refund.objects.filter(uuid__in=uuids).values_list("uuid", "sends"):
        sends[uuid.hex] = count
    return [request for request in requests if sends[request.key] < request.sends]


def _requests(name: str) -> Iterator[SentRequest]:
    """The requests in a file; a line that a crash has cut is left out."""
    try:
        lines = _file(name).read_bytes().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        with suppress(msgspec.DecodeError, ValueError):
            request = _decoder.decode(line)
            UUID(request.key)
            datetime.fromisoformat(request.at)
            yield request


def _replace(name: str, content: bytes) -> None:
    """Write a file atomically and durably, for the service's user only."""
    temporary = _file(f".{name}.{os.getpid()}")
    temporary.touch(mode=0o600)
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(_file(name))


def _file(name: str) -> Path:
    return Path(settings.DATA_DIR) / name
