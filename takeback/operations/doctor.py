"""The check-up: what an operator should know before customers do, one finding per question."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.db import Error, connection
from django.http.request import validate_host

from takeback.accounts.models import Channel
from takeback.core import clock, triggers
from takeback.core.encryption import newest_key_id
from takeback.operations import readiness
from takeback.operations.data_keys import texts_by_key
from takeback.orders import audit
from takeback.outbox.queries import backlog

SAMPLE = 1_000
OVERDUE = timedelta(minutes=5)
_SECRET_LENGTH = 40
_SHOWN = 5
# Whoever owns a table can switch its triggers off, and none is asked before a TRUNCATE.
_BEYOND_ROWS = """
SELECT relname FROM pg_class
 WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
   AND (pg_has_role(relowner, 'USAGE') OR has_table_privilege(oid, 'TRUNCATE'))
 ORDER BY relname
"""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_NETWORK_FILE_SYSTEMS = (
    *("nfs", "nfs4", "cifs", "smb", "smb3", "smbfs", "9p", "ceph"),
    *("glusterfs", "lustre", "afs", "fuse.sshfs", "fuse.glusterfs"),
)


class Severity(StrEnum):
    """How bad it is; only a failure makes the check-up fail."""

    FINE = "fine"
    WARNING = "warning"
    FAILURE = "failure"


class Finding(NamedTuple):
    """An answer to one question."""

    subject: str
    verdict: Severity
    sentence: str


Told = tuple[Severity, str]
Progress = Callable[[int, int], None]


def examine(*, every_order: bool, progress: Progress) -> Iterator[Finding]:
    """Every question in order; those that need the database are left out when there is none.

    `progress(done, of)` is called while orders are added up.
    """
    reachable = _database()
    yield Finding("database", *reachable)
    if reachable[0] is Severity.FINE:
        yield Finding("migrations", *_migrations())
        if not readiness.unapplied_migrations():
            yield Finding("triggers", *_triggers())
            yield Finding("rights", *_rights())
            yield Finding("storefront channel", *_storefront_channel())
            yield Finding("sums", *_sums(every_order=every_order, progress=progress))
            yield Finding("outbox", *_outbox())
            yield Finding("data keys", *_data_keys())
        yield Finding("clock", *_clock())
    yield Finding("data folder", *data_folder(settings.DATA_DIR, Path("/proc/self/mounts")))
    yield Finding("secret key", *_secret_key())
    yield Finding("debug", *_debug())
    yield Finding("hosts", *_hosts())
    yield Finding("tls", *_tls())


def _database() -> Told:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as error:
        return Severity.FAILURE, f"{connection.vendor} does not answer: {type(error).__name__}."
    return Severity.FINE, f"{connection.display_name} answers."


def _migrations() -> Told:
    missing = readiness.unapplied_migrations()
    if missing:
        return Severity.FAILURE, f"Not applied: {_some(missing)}. Run `takeback migrate`."
    return Severity.FINE, "All applied."


def _triggers() -> Told:
    missing = triggers.missing()
    if missing:
        return Severity.FAILURE, f"Missing or off: {_some(missing)}. Run `takeback migrate`."
    return Severity.FINE, "The database guards orders and cases."


def _rights() -> Told:
    if connection.vendor == "sqlite":
        return Severity.FINE, "SQLite has no roles: who may write its file may do everything."
    with connection.cursor() as cursor:
        cursor.execute(_BEYOND_ROWS)
        tables = [str(name) for (name,) in cursor.fetchall()]
    if tables:
        return Severity.WARNING, f"This role may also empty or alter {_some(tables)}."
    return Severity.FINE, "This role works with rows only."


def _storefront_channel() -> Told:
    wanted = {settings.STOREFRONT_CHANNEL, *map(int, settings.STOREFRONT_HOSTS.values())}
    found = Channel.objects.filter(id__in=wanted, is_active=True).values_list("id", flat=True)
    missing = sorted(wanted - set(found))
    if missing:
        names = _some([str(channel_id) for channel_id in missing])
        return Severity.FAILURE, f"No active channel {names}: the storefront would be empty."
    return Severity.FINE, "Every shop that the storefront shows exists."


def _sums(*, every_order: bool, progress: Progress) -> Told:
    unequal: list[str] = []
    ranges = list(audit.id_ranges(None if every_order else SAMPLE))
    for done, (first, last) in enumerate(ranges, start=1):
        unequal += audit.unbalanced_orders(first, last)
        progress(done, len(ranges))
    which = "every order" if every_order else f"the newest {SAMPLE} orders"
    if unequal:
        return Severity.FAILURE, f"Of {which}, {len(unequal)} do not add up: {_some(unequal)}."
    return Severity.FINE, f"Looked at {which}: the parts equal the whole."


def _outbox() -> Told:
    found, now = backlog(), clock.now()
    if found.oldest_due_at and now - found.oldest_due_at > OVERDUE:
        since = f"{found.oldest_due_at:%Y-%m-%d %H:%M}"
        return Severity.FAILURE, f"A message is due since {since}: is `takeback worker` running?"
    if found.parked:
        return Severity.WARNING, f"{found.parked} parked; see `takeback outbox list`."
    return Severity.FINE, f"{found.waiting} messages wait, none is parked."


def _data_keys() -> Told:
    found, newest = texts_by_key(), newest_key_id()
    if missing := sorted(found.keys() - settings.DATA_KEYS.keys()):
        count = sum(found[key_id] for key_id in missing)
        return (
            Severity.FAILURE,
            f"DATA_KEYS lacks {_some(missing)}: {count} texts cannot be opened.",
        )
    if count := found.total() - found[newest]:
        return (
            Severity.WARNING,
            f"{count} texts are sealed with older keys: run `takeback rotate-data-key`.",
        )
    return Severity.FINE, f"All that is sealed is sealed with key {newest}."


def _clock() -> Told:
    skew = readiness.clock_skew_seconds()
    sentence = f"The database's clock differs by {abs(skew):.1f} s."
    allowed = abs(skew) <= readiness.SKEW_ALLOWED_SECONDS
    return (Severity.FINE if allowed else Severity.FAILURE), sentence


def data_folder(folder: Path, mounts: Path) -> Told:
    """Whether the folder can be written to, and whether SQLite is safe on its file system."""
    probe = folder / ".doctor"
    try:
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        return Severity.FAILURE, f"{folder} cannot be written to: {error.strerror}."
    kind = file_system(folder, mounts)
    if connection.vendor == "sqlite" and kind in _NETWORK_FILE_SYSTEMS:
        return Severity.FAILURE, f"{folder} lies on {kind}; SQLite needs a local disk."
    return Severity.FINE, f"{folder} can be written to ({kind})."


def file_system(folder: Path, mounts: Path) -> str:
    """The kind of file system that holds the folder, from a table in the form of /proc/mounts."""
    if not mounts.exists():
        return "unknown file system"
    kinds = {}
    for line in mounts.read_text().splitlines():
        _, point, kind, *_ = line.split(" ")
        kinds[Path(point.replace("\\040", " "))] = kind
    parents = (folder, *folder.parents)
    return next((kinds[parent] for parent in parents if parent in kinds), "unknown file system")


def _secret_key() -> Told:
    if len(settings.SECRET_KEY) < _SECRET_LENGTH:
        return Severity.FAILURE, f"SECRET_KEY is shorter than {_SECRET_LENGTH} characters."
    return Severity.FINE, "Present and long enough."


def _debug() -> Told:
    if settings.DEBUG:
        return Severity.FAILURE, "DEBUG is on: faults would show our insides."
    return Severity.FINE, "Off."


def _hosts() -> Told:
    host = urlsplit(settings.SITE_URL).hostname or ""
    if "*" in settings.ALLOWED_HOSTS:
        return Severity.FAILURE, "ALLOWED_HOSTS lets every name in."
    if not validate_host(f"[{host}]" if ":" in host else host, settings.ALLOWED_HOSTS):
        return Severity.FAILURE, f"ALLOWED_HOSTS lacks {host or 'the host'} of SITE_URL."
    return Severity.FINE, f"SITE_URL's {host} is allowed."


def _tls() -> Told:
    if settings.TLS:
        return Severity.FINE, "On: cookies are secure, HSTS is sent."
    if urlsplit(settings.SITE_URL).hostname in _LOOPBACK:
        return Severity.WARNING, "Off; fine on this machine only."
    return Severity.FAILURE, "Off, but SITE_URL is not this machine."


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
