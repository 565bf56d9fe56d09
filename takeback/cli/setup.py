"""Shared by the commands: setting up Django, and ending with an error message."""

import os
from typing import NoReturn

import typer


def boot() -> None:
    """Set up Django. Each command does it itself, so that `takeback --help` loads no Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "takeback.settings")
    import django

    django.setup()


def stop(reason: object) -> NoReturn:
    """Print the reason and exit with 2, as for any wrong argument."""
    typer.echo(f"Error: {reason}", err=True)
    raise typer.Exit(2)
