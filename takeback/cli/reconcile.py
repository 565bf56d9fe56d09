"""`takeback reconcile`: after a restore, what the providers have paid back meanwhile."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from takeback.cli.setup import count_of, open_database

if TYPE_CHECKING:
    from takeback.operations.reconcile import Reconciliation


def reconcile(
    *,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"],
            help="Time (UTC) of the restored backup, if Takeback has not noticed the restore.",
        ),
    ] = None,
    accept_losses: Annotated[
        bool,
        typer.Option(
            "--accept-losses", help="Resume although refunds are lost: their cases are decided."
        ),
    ] = False,
) -> None:
    """After a restore: ask each provider for its refunds, book them and resume sending.

    Exits with 1 while an account stays paused.
    """
    open_database(makes_files=True)
    from takeback.core import clock
    from takeback.operations.reconcile import reconcile_accounts
    from takeback.refunds.commands.epoch import check_database, distrust_database

    now = clock.now()
    check_database(now)
    if since:
        distrust_database(since.replace(tzinfo=UTC), now)
    is_shown = sys.stderr.isatty()
    with Progress(console=Console(stderr=True), transient=True, disable=not is_shown) as bar:
        task = bar.add_task("Asking providers", total=None)
        results = reconcile_accounts(
            accepts_losses=accept_losses,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    _print(results)
    if not all(result.is_resumed for result in results):
        raise typer.Exit(1)


def _print(results: "Sequence[Reconciliation]") -> None:
    if not results:
        typer.echo("No payment account waits for a reconciliation.", err=True)
    for result in results:
        payments = count_of(result.payments, "payment", "payments")
        state = "resumed" if result.is_resumed else "still paused"
        typer.echo(f"{result.account}: {payments} looked at, {state}.")
        _print_problems(result)


def _print_problems(result: "Reconciliation") -> None:
    from takeback.core.money import show

    for failure in result.failures:
        typer.echo(f"Error: the state of a payment is not known: {failure}.", err=True)
    for lost in result.lost:
        amount = f"{show(lost.amount_minor, lost.currency)} {lost.currency.upper()}"
        typer.echo(
            f"Error: order {lost.order_number}: {amount} was refunded, and the restored database "
            f"does not know for which request (key {lost.key}).",
            err=True,
        )
    for payment in result.missing_payments:
        typer.echo(f"Error: no order has the payment {payment}: import it again.", err=True)
    if result.lost or result.missing_payments:
        typer.echo(
            "Decide these requests first, so that none is paid twice. Then run `takeback reconcile "
            "--accept-losses`.",
            err=True,
        )
