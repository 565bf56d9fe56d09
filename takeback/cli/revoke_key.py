"""`takeback revoke-key`: end an API key."""

from typing import Annotated

import typer

from takeback.cli.setup import boot, stop


def revoke_key(public_id: Annotated[str, typer.Argument(help="Its public name.")]) -> None:
    """End a key at once."""
    boot()
    from takeback.accounts import api_keys
    from takeback.core import clock

    try:
        api_keys.revoke_key(public_id, now=clock.now())
    except api_keys.AccessError as reason:
        stop(reason)
    typer.echo(f"{public_id} is revoked.", err=True)
