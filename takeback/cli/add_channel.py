"""`takeback add-channel`: the first thing that a new shop needs."""

from typing import Annotated

import typer

from takeback.cli.setup import boot


def add_channel(
    name: Annotated[str, typer.Argument(help="What the shop or market place is called.")],
) -> None:
    """Add a place where you sell, and print its number; the first one is the storefront's."""
    boot()
    from takeback.accounts import channels

    typer.echo(channels.add_channel(name))
