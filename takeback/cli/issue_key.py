"""`takeback issue-key`: a new API key, or the successor of one."""

from datetime import timedelta
from typing import Annotated

import typer

from takeback.cli.setup import boot, stop


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
        stop("say --name, or --rotate")
    boot()
    from takeback.accounts import api_keys
    from takeback.core import clock

    now = clock.now()
    ends = now + timedelta(days=expires_days) if expires_days else None
    overlap = timedelta(hours=overlap_hours)
    try:
        if rotate:
            made = api_keys.rotate_key(rotate, overlap=overlap, now=now, expires_at=ends)
        else:
            made = api_keys.issue_key(
                name, channel_ids=channel or [], scopes=scope or [], now=now, expires_at=ends
            )
    except api_keys.AccessError as reason:
        stop(reason)
    typer.echo(made.text)
    typer.echo(
        f"Keep it safe: it is shown only now. Its public name is {made.public_id}.", err=True
    )
