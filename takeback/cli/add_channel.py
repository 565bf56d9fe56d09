"""`takeback add-channel`."""

from typing import Annotated

import typer

from takeback.cli.setup import boot


def add_channel(
    name: Annotated[str, typer.Argument(help="Name of the shop or marketplace.")],
) -> None:
    """Add a sales channel and print its id; the first channel is the storefront's."""
    boot()
    from takeback.accounts import channels

    typer.echo(channels.add_channel(name))
