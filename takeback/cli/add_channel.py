"""`takeback add-channel`."""

from typing import Annotated

import typer

from takeback.cli.setup import open_database, stop


def add_channel(
    name: Annotated[str, typer.Argument(help="Name of the shop or marketplace.")],
    *,
    storefront_url: Annotated[
        str, typer.Option(help="URL of its storefront, where mailed links lead.")
    ] = "",
) -> None:
    """Add a sales channel and print its id.

    Reasons and carriers that have no channel serve it at once.
    """
    open_database()
    from takeback.accounts import channels

    try:
        channel_id = channels.add_channel(name, storefront_url=storefront_url)
    except channels.InvalidChannel as reason:
        stop(reason)
    typer.echo(channel_id)
    typer.echo(f"Channel {channel_id} added: {name.strip()}.", err=True)
