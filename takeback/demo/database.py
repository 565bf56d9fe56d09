"""The demo's database: migrated, filled once, and never that of another shop or version."""

from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from rich.console import Console

import takeback
from takeback.accounts.models import Channel
from takeback.core import clock, data_folder
from takeback.demo import shop
from takeback.demo.demo_file import demo_accounts
from takeback.demo.folder import Folder, Unusable
from takeback.demo.payments import set_address
from takeback.home.demo_accounts import DemoAccounts, parse_demo_accounts
from takeback.refund_providers.sandbox_server.client import SandboxAdmin

# Keys of the channel's `conf`: the day of the load, the version of the tables, and whether the
# refunds were sent, too.
_REFERENCE, _SCHEMA, _IS_COMPLETE = "demo_reference", "demo_schema", "demo_is_complete"
_TRUNCATION_TRIGGERS = (
    "SELECT tgrelid::regclass::text, tgname FROM pg_trigger"
    " WHERE NOT tgisinternal AND tgname LIKE '%_is_not_truncated'"
)
# After this time the latest deliveries are close to the end of their return window.
_STALE = timedelta(days=9)


def open_demo(
    console: Console, previous: bytes, sandbox: SandboxAdmin, *, reset: bool
) -> DemoAccounts:
    """Migrate the database, load the shop if there is none, and collect the content of demo.json.

    A shop whose load was interrupted is loaded again. `Unusable` if the database holds another
    shop, or the demo of another version.
    """
    _refuse_other_migrations()
    call_command("migrate", interactive=False, verbosity=0)
    channel = Channel.objects.order_by("pk").first()
    if channel and _REFERENCE not in channel.conf:
        raise Unusable("The database holds a shop that is not a demo; set another DATABASE_URL.")
    if channel and channel.conf.get(_SCHEMA) != _schema_version():
        raise _other_version()
    if channel and (reset or _IS_COMPLETE not in channel.conf):
        _empty_database()
        channel = None
    if channel:
        set_address(channel.pk, sandbox.url, clock.now())
        _print_age(console, datetime.fromisoformat(channel.conf[_REFERENCE]))
    else:
        with console.status("Filling the demo shop: about 15 seconds"):
            channel = load_demo(clock.now(), sandbox)
    return demo_accounts(
        channel, settings.SITE_URL, parse_demo_accounts(previous), sandbox_url=sandbox.url
    )


def _empty_database() -> None:
    """Delete everything, in the folder's own file or in a database of a server."""
    if connection.vendor != "sqlite":
        _allow_truncation()
        # It also installs the triggers again, as a migration does.
        call_command("flush", interactive=False, verbosity=0)
        return
    name, folder = settings.DATABASES["default"]["NAME"], Folder(settings.DATA_DIR)
    if Path(name) != folder.database:
        raise Unusable(f"To start over, delete {name} yourself.")
    connection.close()
    folder.wipe()
    data_folder.make_database_file(folder.database)
    call_command("migrate", interactive=False, verbosity=0)


def _allow_truncation() -> None:
    """Drop the triggers that keep the ledger from being emptied; for a demo's database only."""
    with connection.cursor() as cursor:
        cursor.execute(_TRUNCATION_TRIGGERS)
        for table, name in cursor.fetchall():
            cursor.execute(f"DROP TRIGGER {connection.ops.quote_name(name)} ON {table}")


def _schema_version() -> str:
    """A digest of all migrations. Those of another version can have the same names."""
    files = sorted(Path(takeback.__path__[0]).glob("*/migrations/*.py"))
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def _refuse_other_migrations() -> None:
    loader = MigrationLoader(connection)
    applied = set(loader.applied_migrations)
    if applied and applied != set(loader.disk_migrations):
        raise _other_version()


def _other_version() -> Unusable:
    name = settings.DATABASES["default"]["NAME"]
    subject, remedy = f"database {name}", "set another DATABASE_URL"
    if Path(name) == Folder(settings.DATA_DIR).database:
        subject = f"demo in {settings.DATA_DIR}"
        remedy = "start over with --reset, or choose another --data"
    return Unusable(f"The {subject} was made by another version of Takeback: {remedy}.")


def load_demo(now: datetime, sandbox: SandboxAdmin) -> Channel:
    """Fill the empty database and the sandbox's ledger with the shop of today."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    sandbox.clear()
    with transaction.atomic():
        shop.load(today, settings.SITE_URL, sandbox.url)
        channel = Channel.objects.get(pk=shop.CHANNEL)
        channel.conf = {_REFERENCE: today.isoformat(), _SCHEMA: _schema_version()}
        channel.save(update_fields=["conf"])
    shop.send_refunds(sandbox, today)
    channel.conf[_IS_COMPLETE] = True
    channel.save(update_fields=["conf"])
    return channel


def _print_age(console: Console, reference: datetime) -> None:
    console.print(f"The shop of {reference:%d %B %Y} is as you left it; --reset starts over.")
    if clock.now() - reference > _STALE:
        console.print("Its return windows are closing: use --reset for fresh orders.")
