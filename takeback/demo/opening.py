"""Opening the demo: an up-to-date database with the shop in it, and who may come in."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from takeback.accounts.models import Channel
from takeback.core import clock
from takeback.demo import shop
from takeback.demo.entrance import Entrance, entrance
from takeback.demo.folder import Unusable

_STALE = timedelta(days=9)
"""After this long the youngest deliveries are close to the end of their return window."""


def opened(console: Console, kept: dict[str, Any], *, reset: bool) -> Entrance:
    """Migrate, load the shop if it is not there yet, and say how to come in.

    Raises Unusable when the database belongs to something else.
    """
    call_command("migrate", interactive=False, verbosity=0)
    channel = Channel.objects.order_by("pk").first()
    reference = shop.reference_of(channel)
    if channel and reference is None:
        raise Unusable("The database holds a shop that is not a demo; set another DATABASE_URL.")
    if channel and reset:
        # The folder's own file was deleted before; this is a database from elsewhere.
        _empty()
        channel = reference = None
    if channel and reference:
        _greet(console, reference)
    else:
        channel = _load(console)
    return entrance(channel, settings.SITE_URL, kept)


def _empty() -> None:
    if connection.vendor == "sqlite":
        raise Unusable(f"To start over, delete {settings.DATABASES['default']['NAME']} yourself.")
    call_command("flush", interactive=False, verbosity=0)


def _load(console: Console) -> Channel:
    today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task("Filling the demo shop", total=shop.ORDERS)
        return shop.load(today, settings.SITE_URL, lambda count: bar.advance(task, count))


def _greet(console: Console, reference: datetime) -> None:
    day = f"{reference:%d %B %Y}"
    console.print(f"The shop of {day} is as you left it; --reset starts over.")
    if clock.now() - reference > _STALE:
        console.print("Its return windows are closing: use --reset for fresh orders.")
