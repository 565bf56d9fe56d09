"""`takeback outbox`: messages that were set aside, and their new start."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from takeback.cli.setup import boot

app = typer.Typer(help="Look at parked messages, and deliver them again.", no_args_is_help=True)

_SHOWN = 100


@app.command("list")
def list_parked(
    *,
    topic: Annotated[str, typer.Option(help="Only this topic.")] = "",
) -> None:
    """Show parked messages, the latest first."""
    boot()
    from takeback.outbox.queries import backlog, parked

    console = Console()
    table = Table("id", "message", "tried", "parked at", "error", box=None)
    for message in parked(topic)[:_SHOWN]:
        at = f"{message.parked_at:%Y-%m-%d %H:%M}"
        tried, error = str(message.attempts), message.last_error
        table.add_row(str(message.pk), message.key, tried, at, error)
    found = backlog()
    if table.row_count:
        console.print(table)
    console.print(f"{found.parked} parked, {found.waiting} waiting.", highlight=False)


@app.command()
def replay(
    ids: Annotated[list[int] | None, typer.Argument(help="Numbers from the list.")] = None,
    *,
    topic: Annotated[str, typer.Option(help="All parked messages of this topic.")] = "",
) -> None:
    """Give parked messages a new start: the worker delivers them, under their old keys."""
    if not (ids or topic):
        typer.echo("Error: say which: numbers, or --topic", err=True)
        raise typer.Exit(2)
    boot()
    from takeback.core import clock
    from takeback.outbox import commands

    count = commands.replay(ids=ids or [], topic=topic, now=clock.now())
    typer.echo(f"{count} to be delivered again.")
