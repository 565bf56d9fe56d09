"""What the commands share: setting Django up, and ending with a message."""

import os
from typing import NoReturn

import typer


def boot() -> None:
    """Set Django up; commands call it first, so that `takeback --help` need not wait for it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "takeback.settings")
    import django

    django.setup()


def stop(reason: object) -> NoReturn:
    """Say why not, and leave with 2 as for any wrong argument."""
    typer.echo(f"Error: {reason}", err=True)
    raise typer.Exit(2)
