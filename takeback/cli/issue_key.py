"""`takeback issue-key`."""

from datetime import timedelta
from typing import Annotated

import typer

from takeback.cli.add_staff import Channels, Scopes
from takeback.cli.setup import open_database, stop


def issue_key(
    *,
    name: Annotated[str, typer.Option(help="Name of the system that uses the key.")] = "",
    channel: Channels = None,
    scope: Scopes = None,
    expires_days: Annotated[
        int | None, typer.Option(min=1, max=3650, help="Days until the key ends; default: never.")
    ] = None,
    rotate: Annotated[
        str | None, typer.Option(metavar="PUBLIC_ID", help="Replace this key with a new one.")
    ] = None,
    overlap_hours: Annotated[
        int, typer.Option(min=0, max=720, help="Hours for which the old key still works.")
    ] = 24,
) -> None:
    """Create an API key and print it once; only the hash is stored."""
    if not (name or rotate):
        stop("Name the new key with --name, or the key to replace with --rotate.")
    open_database()
    from takeback.accounts import api_keys
    from takeback.core import clock

    now = clock.now()
    expires_at = now + timedelta(days=expires_days) if expires_days else None
    try:
        if rotate:
            key = api_keys.rotate_key(
                rotate, overlap=timedelta(hours=overlap_hours), now=now, expires_at=expires_at
            )
        else:
            key = api_keys.issue_key(
                name, channel_ids=channel or [], scopes=scope or [], now=now, expires_at=expires_at
            )
    except api_keys.AccessError as reason:
        stop(reason)
    typer.echo(key.text)
    typer.echo(f"Keep it safe. It is not shown again. Its public id is {key.public_id}.", err=True)
