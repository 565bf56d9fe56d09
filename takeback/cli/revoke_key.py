"""`takeback revoke-key`."""

from typing import Annotated

import typer

from takeback.cli.setup import open_database, stop


def revoke_key(public_id: Annotated[str, typer.Argument(help="Public id of the key.")]) -> None:
    """Revoke an API key at once."""
    open_database()
    from takeback.accounts import api_keys
    from takeback.core import clock

    try:
        api_keys.revoke_key(public_id, now=clock.now())
    except api_keys.AccessError as reason:
        stop(reason)
    typer.echo(f"Revoked {public_id}.", err=True)
