"""`takeback outbox`: parked messages, which the worker has stopped delivering."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from takeback.cli.setup import count_of, fail, open_database, stop

app = typer.Typer(help="List parked messages and deliver them again.", no_args_is_help=True)

_MAX_ROWS = 100


@app.command("list")
def list_parked(
    *,
    topic: Annotated[str, typer.Option(help="Only messages of this topic.")] = "",
) -> None:
    """List parked messages, newest first."""
    open_database()
    from takeback.outbox.queries import backlog, parked

    table = Table("id", "message", "attempts", "parked at", "error", box=None)
    for message in parked(topic)[:_MAX_ROWS]:
        at = f"{message.parked_at:%Y-%m-%d %H:%M}"
        attempts, error = str(message.attempts), message.last_error
        table.add_row(str(message.pk), message.key, attempts, at, error)
    console, counts = Console(), backlog()
    if table.row_count:
        console.print(table)
    console.print(f"{counts.parked} parked, {counts.waiting} waiting.", highlight=False)


@app.command()
def replay(
    ids: Annotated[list[int] | None, typer.Argument(help="Ids from the list.")] = None,
    *,
    topic: Annotated[str, typer.Option(help="All parked messages of this topic.")] = "",
) -> None:
    """Let the worker deliver parked messages again, under their old keys."""
    if not (ids or topic):
        stop("Name messages by their ids, or a topic with --topic.")
    open_database()
    from takeback.core import clock
    from takeback.outbox import commands

    count = commands.replay(ids=ids or [], topic=topic, now=clock.now())
    if not count:
        fail("No parked message has these ids or this topic. `takeback outbox list` shows all.")
    typer.echo(f"{count_of(count, 'message', 'messages')} to deliver again.")
