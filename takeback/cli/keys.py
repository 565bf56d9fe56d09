"""`takeback issue-key` and `takeback revoke-key`: the keys with which other systems call."""

from datetime import timedelta
from typing import Annotated, NoReturn

import typer

from takeback.cli.boot import boot


def issue_key(
    *,
    name: Annotated[str, typer.Option(help="Who will use it, for your own list.")] = "",
    channel: Annotated[list[int] | None, typer.Option(help="Channel it may use; repeat.")] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help="read, decide, money or pii; repeat.")
    ] = None,
    expires_days: Annotated[
        int | None, typer.Option(min=1, max=3650, help="Days until it ends; default: never.")
    ] = None,
    rotate: Annotated[
        str | None, typer.Option(metavar="PUBLIC_ID", help="Replace this key by a new one.")
    ] = None,
    overlap_hours: Annotated[
        int, typer.Option(min=0, max=720, help="Hours in which the old key still works.")
    ] = 24,
) -> None:
    """Print a new API key, once; we keep only its hash."""
    if not (name or rotate):
        _stop("say --name, or --rotate")
    boot()
    from takeback.accounts import commands
    from takeback.core import clock

    now = clock.now()
    ends = now + timedelta(days=expires_days) if expires_days else None
    overlap = timedelta(hours=overlap_hours)
    try:
        if rotate:
            made = commands.rotate_key(rotate, overlap=overlap, now=now, expires_at=ends)
        else:
            made = commands.issue_key(
                name, channel_ids=channel or [], scopes=scope or [], now=now, expires_at=ends
            )
    except commands.KeyRefused as reason:
        _stop(reason)
    typer.echo(made.text)
    typer.echo(
        f"Keep it safe: it is shown only now. Its public name is {made.public_id}.", err=True
    )


def revoke_key(public_id: Annotated[str, typer.Argument(help="Its public name.")]) -> None:
    """End a key at once."""
    boot()
    from takeback.accounts import commands
    from takeback.core import clock

    try:
        commands.revoke_key(public_id, now=clock.now())
    except commands.KeyRefused as reason:
        _stop(reason)
    typer.echo(f"{public_id} is revoked.", err=True)


def _stop(reason: object) -> NoReturn:
    """Say why not, and leave with 2 as for any wrong argument."""
    typer.echo(f"Error: {reason}", err=True)
    raise typer.Exit(2)
