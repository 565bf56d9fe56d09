"""The `takeback` program; its commands set up Django themselves, so that `--help` is fast."""

from importlib.metadata import version as version_of
from typing import Annotated

import typer

from takeback.cli import import_orders, outbox
from takeback.cli.add_channel import add_channel
from takeback.cli.add_reason import add_reason
from takeback.cli.add_staff import add_staff
from takeback.cli.carriers import add_carrier, change_carrier
from takeback.cli.change_staff import change_staff
from takeback.cli.check_ledger import check_ledger
from takeback.cli.demo import demo
from takeback.cli.doctor import doctor
from takeback.cli.erase import erase
from takeback.cli.errors import Program
from takeback.cli.export_ledger import export_ledger
from takeback.cli.export_refunds import export_refunds
from takeback.cli.init import init
from takeback.cli.issue_key import issue_key
from takeback.cli.lists import (
    list_carriers,
    list_channels,
    list_keys,
    list_reasons,
    list_staff,
)
from takeback.cli.migrate import migrate
from takeback.cli.payment_accounts import (
    add_payment_account,
    change_payment_account,
    list_payment_accounts,
    pause_payment_account,
    remove_payment_account,
    resume_payment_account,
)
from takeback.cli.reconcile import reconcile
from takeback.cli.revoke_key import revoke_key
from takeback.cli.rotate_data_key import rotate_data_key
from takeback.cli.rotate_secret_key import rotate_secret_key
from takeback.cli.sandbox_provider import sandbox_provider
from takeback.cli.serve import serve
from takeback.cli.worker import worker

PANELS = {
    "Start": (demo, init, serve, worker),
    "Shops, reasons and carriers": (
        *(add_channel, list_channels, add_reason, list_reasons),
        *(add_carrier, change_carrier, list_carriers),
    ),
    "Staff and keys": (
        *(add_staff, change_staff, list_staff),
        *(issue_key, revoke_key, list_keys),
    ),
    "Money": (
        *(add_payment_account, change_payment_account, list_payment_accounts),
        *(pause_payment_account, resume_payment_account, remove_payment_account),
        *(check_ledger, export_ledger, export_refunds, sandbox_provider),
    ),
    "Operation": (doctor, erase, migrate, reconcile, rotate_data_key, rotate_secret_key),
}
"""The commands by purpose, in the order of `--help`."""

app = typer.Typer(
    cls=Program,
    help="Order lookup, cancellations, returns and refunds for online shops.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with variables would print passwords and personal data.
    pretty_exceptions_show_locals=False,
)
for _panel, _commands in PANELS.items():
    for _command in _commands:
        app.command(rich_help_panel=_panel)(_command)
app.add_typer(outbox.app, name="outbox", rich_help_panel="Operation")
app.add_typer(import_orders.app, name="import", rich_help_panel="Data")


def _print_version(is_requested: bool) -> None:  # noqa: FBT001 - the signature of a callback
    if is_requested:
        typer.echo(f"takeback {version_of('takeback')}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Order lookup, cancellations, returns and refunds for online shops."""
