"""`takeback list-channels`, `list-keys`, `list-staff`, `list-reasons` and `list-carriers`."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime

import typer
from rich.console import Console
from rich.table import Table

from takeback.cli.setup import open_database

_WIDTH_OF_A_FILE = 200


def list_channels() -> None:
    """List the channels."""
    open_database()
    from takeback.accounts.models import Channel

    print_table(
        ("id", "name", "storefront", "active"),
        (
            (channel.pk, channel.name, channel.storefront_url or "-", yes(channel.is_active))
            for channel in Channel.objects.order_by("pk")
        ),
        "No channel yet. Run `takeback init`.",
    )


def list_keys() -> None:
    """List the API keys that can be used; login keys of staff are left out."""
    open_database()
    from takeback.accounts.queries import usable_keys
    from takeback.core import clock

    print_table(
        ("public id", "name", "channels", "scopes", "last used", "expires"),
        (
            (
                key.public_id,
                key.name,
                words(sorted(channel.pk for channel in key.channels.all())),
                words(key.scopes),
                _date(key.last_used_at),
                _date(key.expires_at),
            )
            for key in usable_keys(clock.now())
        ),
        "No key yet. Run `takeback issue-key`.",
    )


def list_staff() -> None:
    """List the staff accounts."""
    open_database()
    from takeback.accounts.queries import staff_members

    print_table(
        ("user name", "e-mail", "channels", "scopes", "two-step", "active"),
        (
            (
                member.user.username,
                member.user.email or "-",
                words(sorted(channel.pk for channel in member.channels.all())),
                words(member.scopes),
                yes(bool(member.totp_encrypted)),
                yes(member.user.is_active),
            )
            for member in staff_members()
        ),
        "No staff account yet. Run `takeback add-staff`.",
    )


def list_reasons() -> None:
    """List the reasons for cancellations and returns."""
    open_database()
    from takeback.cancellations.models import CancellationReason

    print_table(
        ("id", "channel", "type", "subject", "languages", "active"),
        (
            (
                reason.pk,
                reason.channel_id or "all",
                reason.cancellation_type,
                reason.subject,
                words(sorted(reason.translations)),
                yes(reason.is_active),
            )
            for reason in CancellationReason.objects.order_by("pk")
        ),
        "No reason yet. Run `takeback init`.",
    )


def list_carriers() -> None:
    """List the carriers of returns."""
    open_database()
    from takeback.logistics.models import EasyReturnShippingCompany

    print_table(
        ("id", "channel", "carrier", "name", "pickup", "countries", "categories", "active"),
        (
            (
                carrier.pk,
                carrier.channel_id or "all",
                carrier.carrier,
                carrier.name,
                yes(carrier.needs_pickup),
                words(carrier.countries) or "all",
                words(carrier.categories) or "all",
                yes(carrier.is_active),
            )
            for carrier in EasyReturnShippingCompany.objects.order_by("pk")
        ),
        "No carrier yet. Run `takeback add-carrier`.",
    )


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], if_empty: str) -> None:
    """Print the rows as a table, or without rows a sentence on the error output."""
    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*map(str, row))
    if table.row_count:
        # A file or another program gets whole lines.
        width = None if sys.stdout.isatty() else _WIDTH_OF_A_FILE
        Console(highlight=False, markup=False, width=width).print(table)
    else:
        typer.echo(if_empty, err=True)


def words(values: Iterable[object]) -> str:
    """The values, separated by commas."""
    return ", ".join(map(str, values))


def yes(is_true: bool) -> str:  # noqa: FBT001 - a formatter of one value
    """`yes` or `no`."""
    return "yes" if is_true else "no"


def _date(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "never"
