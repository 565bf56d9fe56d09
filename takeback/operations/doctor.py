"""The checks of an installation: findings name the command or setting that fixes them."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connection
from django.http.request import validate_host

from takeback.cancellations.models import CancellationRequestImage
from takeback.core import clock, triggers
from takeback.core.encryption import newest_key_id
from takeback.limits.commands import alarms_of
from takeback.operations import database, host_keys, payment_checks, readiness, shop_checks
from takeback.operations.data_keys import count_texts_by_key, unreadable_keys
from takeback.operations.database import names
from takeback.operations.findings import Finding, Result, Severity, result_of
from takeback.orders import audit
from takeback.outbox.queries import backlog, last_worker_run

SAMPLE_SIZE = 1_000
MAX_DELAY = timedelta(minutes=5)
_MIN_SECRET_LENGTH = 40
_IMAGE_SAMPLE_SIZE = 100
SMTP = "django.core.mail.backends.smtp.EmailBackend"
# The owner of a table can disable its triggers, and TRUNCATE fires none.
_TABLES_BEYOND_ROWS = """
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


Check = Callable[[], Result]
Progress = Callable[[int, int], None]


def examine(*, every_order: bool, progress: Progress) -> Iterator[Finding]:
    """Run all checks; checks that need a migrated database are left out without one.

    `progress(done, total)` is called while the orders are added up.
    """
    connecting = Finding("database", *_database())
    yield connecting
    if connecting.severity is Severity.FINE:
        migrations = Finding("migrations", *_result(_migrations))
        yield migrations
        if migrations.severity is Severity.FINE:
            yield from _run(
                {
                    "triggers": _triggers,
                    "database role": _database_role,
                    **shop_checks.CHECKS,
                    **payment_checks.CHECKS,
                    "order totals": partial(_order_totals, every_order, progress),
                    "worker": _worker,
                    "outbox": _outbox,
                    "limits": _limits,
                    "data keys": _data_keys,
                    "shared keys": _shared_keys,
                    "images": _images,
                }
            )
        yield Finding("clock", *_result(_clock))
    yield from _run(
        {
            "data folder": partial(data_folder, settings.DATA_DIR, Path("/proc/self/mounts")),
            "file modes": partial(file_modes, settings.DATA_DIR),
            "secret key": _secret_key,
            "debug": _debug,
            "hosts": _hosts,
            "tls": _tls,
            "mail": _mail,
        }
    )


def _run(checks: Mapping[str, Check]) -> Iterator[Finding]:
    return (Finding(subject, *_result(check)) for subject, check in checks.items())


def _result(check: Check) -> Result:
    """The result of the check, also if the database fails during it."""
    try:
        return check()
    except Error as error:
        if sentence := database.explain(error):
            return Severity.FAILURE, sentence
        raise


def _database() -> Result:
    if problem := database.connection_problem() or database.write_problem():
        return Severity.FAILURE, problem
    return Severity.FINE, f"{connection.display_name} responds."


def _migrations() -> Result:
    if problem := database.newer_version_problem():
        return Severity.FAILURE, problem
    missing = readiness.unapplied_migrations()
    return result_of(
        not missing,
        fine="All migrations are applied.",
        failure=f"Not applied: {names(missing)}. Run `takeback migrate`.",
    )


def _triggers() -> Result:
    missing = triggers.missing()
    return result_of(
        not missing,
        fine="The triggers on orders and cases are installed.",
        failure=f"Missing or disabled: {names(missing)}. Run `takeback migrate`.",
    )


def _database_role() -> Result:
    if connection.vendor == "sqlite":
        return Severity.FINE, "SQLite has no roles: write access to its file is full access."
    with connection.cursor() as cursor:
        cursor.execute(_TABLES_BEYOND_ROWS)
        tables = [str(name) for (name,) in cursor.fetchall()]
    if tables:
        return (
            Severity.WARNING,
            (
                f"This role can also empty or alter {names(tables)}. Use one that cannot: correct "
                "DATABASE_URL."
            ),
        )
    return Severity.FINE, "This role can only read and write rows."


def _order_totals(every_order: bool, progress: Progress) -> Result:  # noqa: FBT001 - see `partial`
    numbers: list[str] = []
    ranges = list(audit.id_ranges(None if every_order else SAMPLE_SIZE))
    for done, (first, last) in enumerate(ranges, start=1):
        numbers += audit.unbalanced_orders(first, last)
        progress(done, len(ranges))
    orders = "all orders" if every_order else f"the newest {SAMPLE_SIZE} orders"
    return result_of(
        not numbers,
        fine=f"The totals of {orders} equal the sums of their parts.",
        failure=f"{len(numbers)} of {orders} differ from their parts: {names(numbers)}. "
        "Restore a backup and run `takeback doctor --all`.",
    )


def _worker() -> Result:
    ran_at, now = last_worker_run(), clock.now()
    if ran_at is None:
        return Severity.FAILURE, "No worker has run: nobody gets a mail. Start `takeback worker`."
    return result_of(
        now - ran_at <= MAX_DELAY,
        fine="A worker is running.",
        failure=f"No worker has run since {ran_at:%Y-%m-%d %H:%M}. Start `takeback worker`.",
    )


def _outbox() -> Result:
    outbox, now = backlog(), clock.now()
    if outbox.oldest_due_at and now - outbox.oldest_due_at > MAX_DELAY:
        since = f"{outbox.oldest_due_at:%Y-%m-%d %H:%M}"
        return Severity.FAILURE, f"A message is due since {since}. Start `takeback worker`."
    if outbox.parked:
        return Severity.WARNING, f"Parked messages: {outbox.parked}. Run `takeback outbox list`."
    return Severity.FINE, f"Waiting messages: {outbox.waiting}. None is parked."


def _limits() -> Result:
    kinds = alarms_of(clock.now())
    if kinds:
        return Severity.WARNING, f"Half of these limits is used up: {names(kinds)}. See the log."
    return Severity.FINE, "No rate limit is half used up."


def _data_keys() -> Result:
    if not settings.DATA_KEYS:
        return Severity.FAILURE, "There are no DATA_KEYS yet. Run `takeback init`, or set them."
    if wrong := unreadable_keys():
        return (
            Severity.FAILURE,
            (
                f"Key {names(wrong)} of DATA_KEYS does not decrypt the newest texts. Copy "
                "DATA_KEYS, or the file data_key in DATA_DIR, from the host that encrypted them."
            ),
        )
    counts, newest = count_texts_by_key(), newest_key_id()
    if missing := sorted(counts.keys() - settings.DATA_KEYS.keys()):
        count = sum(counts[key_id] for key_id in missing)
        return (
            Severity.FAILURE,
            f"Add key {names(missing)} to DATA_KEYS: {count} texts cannot be decrypted.",
        )
    if count := counts.total() - counts[newest]:
        return (
            Severity.WARNING,
            f"Older keys encrypt {count} texts. Run `takeback rotate-data-key`.",
        )
    return Severity.FINE, f"Key {newest} encrypts all texts."


def _shared_keys() -> Result:
    """Whether this host has the keys of the database; the check of each key names missing ones."""
    if not settings.DATA_KEYS or not _has_secret_key():
        return Severity.WARNING, "This host has no keys yet. Run `takeback init`, or set them."
    problems = host_keys.wrong_keys()
    return result_of(
        not problems,
        fine="SECRET_KEY and DATA_KEYS are those of the database.",
        failure=" ".join(problems),
    )


def _images() -> Result:
    """Whether the newest images are in the media folder, which all hosts share."""
    images = CancellationRequestImage.objects.order_by("-pk").values_list("image", flat=True)
    newest = list(images[:_IMAGE_SAMPLE_SIZE])
    missing = [name for name in newest if not (settings.MEDIA_ROOT / name).exists()]
    return result_of(
        not missing,
        fine=f"The newest {len(newest)} images are in {settings.MEDIA_ROOT}.",
        failure=f"{len(missing)} of the newest {len(newest)} images are not in "
        f"{settings.MEDIA_ROOT}. Share this folder between all hosts, or restore its backup.",
    )


def _clock() -> Result:
    skew, limit = abs(readiness.clock_skew_seconds()), readiness.MAX_SKEW_SECONDS
    return result_of(
        skew <= limit,
        fine=f"The database's clock differs by {skew:.1f} s.",
        failure=f"The database's clock differs by {skew:.1f} s (limit: {limit} s). "
        "Run `timedatectl set-ntp true` on both machines.",
    )


def data_folder(folder: Path, mounts: Path) -> Result:
    """Whether the folder is writable, and on a file system that SQLite supports."""
    probe = folder / ".doctor"
    try:
        probe.write_bytes(b"")
        probe.unlink()
    except FileNotFoundError:
        return (
            Severity.FAILURE,
            f"There is no {folder} yet. Run `takeback init`, or correct DATA_DIR.",
        )
    except OSError as error:
        return Severity.FAILURE, f"{folder} is not writable ({error.strerror}). Correct DATA_DIR."
    kind = file_system(folder, mounts)
    if connection.vendor == "sqlite" and kind in _NETWORK_FILE_SYSTEMS:
        return Severity.FAILURE, f"{folder} is on {kind}. SQLite needs a local disk: move DATA_DIR."
    return Severity.FINE, f"{folder} is writable ({kind})."


def file_modes(folder: Path) -> Result:
    """Whether other users of this machine can read the data folder or the database file."""
    files = {folder: 0o700}
    if connection.vendor == "sqlite":
        files[Path(connection.settings_dict["NAME"])] = 0o600
    for file, mode in files.items():
        if file.exists() and file.stat().st_mode & 0o077:
            return Severity.WARNING, f"Others can read {file}. Run `chmod {mode:o} {file}`."
    return Severity.FINE, "Only the user of the service can read its files."


def file_system(folder: Path, mounts: Path) -> str:
    """The type of the folder's file system, by a table in the format of /proc/mounts."""
    if not mounts.exists():
        return "unknown file system"
    kinds = {}
    for line in mounts.read_text().splitlines():
        _, point, kind, *_ = line.split(" ")
        kinds[Path(point.replace("\\040", " "))] = kind
    parents = (folder, *folder.parents)
    return next((kinds[parent] for parent in parents if parent in kinds), "unknown file system")


def _secret_key() -> Result:
    if not _has_secret_key():
        return Severity.FAILURE, "There is no SECRET_KEY yet. Run `takeback init`, or set it."
    return result_of(
        len(settings.SECRET_KEY) >= _MIN_SECRET_LENGTH,
        fine="SECRET_KEY is long enough.",
        failure=f"SECRET_KEY is shorter than {_MIN_SECRET_LENGTH} characters. Set a longer one.",
    )


def _has_secret_key() -> bool:
    try:
        return bool(settings.SECRET_KEY)
    except ImproperlyConfigured:
        return False


def _debug() -> Result:
    return result_of(
        not settings.DEBUG,
        fine="DEBUG is off.",
        failure="DEBUG is on: error pages show source code and data. Set DEBUG=off.",
    )


def _hosts() -> Result:
    host = urlsplit(settings.SITE_URL).hostname or ""
    if "*" in settings.ALLOWED_HOSTS:
        return Severity.FAILURE, "ALLOWED_HOSTS accepts every name. List the site's names."
    if not validate_host(f"[{host}]" if ":" in host else host, settings.ALLOWED_HOSTS):
        return (
            Severity.FAILURE,
            f"Add SITE_URL's host {host} to ALLOWED_HOSTS.",
        )
    return Severity.FINE, f"ALLOWED_HOSTS contains SITE_URL's host {host}."


def _tls() -> Result:
    if settings.TLS:
        return Severity.FINE, "TLS is on: cookies are secure and HSTS is sent."
    if urlsplit(settings.SITE_URL).hostname in _LOOPBACK:
        return Severity.WARNING, "TLS is off. That is safe on this machine only."
    return Severity.FAILURE, "TLS is off, but SITE_URL is another machine. Set an https SITE_URL."


def _mail() -> Result:
    if settings.EMAIL_BACKEND == SMTP:
        return Severity.FINE, f"Mails are sent through {settings.EMAIL_HOST}."
    return (
        Severity.WARNING,
        f"Mails are written to {settings.EMAIL_FILE_PATH} and reach nobody. Set MAIL_URL.",
    )
