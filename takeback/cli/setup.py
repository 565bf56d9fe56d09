"""Shared by the commands: setting up Django, and ending with an error message."""

import os
from typing import NoReturn

import typer

from takeback.core import data_folder
from takeback.core.log_output import open_standard_streams

_STATEMENT_SECONDS = "30"
"""How long a statement of a command may take by default."""


def boot(*, makes_files: bool = False, limits_statements: bool = False) -> None:
    """Set up Django. Each command does it itself, so that `takeback --help` loads no Django.

    Only commands that need the data folder make it: the others must not leave files behind in the
    folder one stands in. Server and worker limit their statements as the settings do.
    """
    open_standard_streams()
    data_folder.MODE.makes_files = makes_files
    if not limits_statements:
        os.environ.setdefault("DATABASE_STATEMENT_SECONDS", _STATEMENT_SECONDS)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "takeback.settings")
    import django

    django.setup()
    if makes_files:
        from takeback.operations.database import sqlite_file

        if file := sqlite_file():
            data_folder.make_database_file(file)


def open_database(*, makes_files: bool = False) -> None:
    """Set up Django, and exit with 1 unless the database responds and fits this version."""
    boot(makes_files=makes_files)
    from takeback.operations import database

    if problem := database.connection_problem() or database.version_problem():
        fail(problem)


def check_database() -> None:
    """Exit with 1 if the database does not fit this version, and with 2 if the keys do not fit.

    Server and worker start without a database that responds: they wait for it.
    """
    import structlog

    from takeback.operations import database

    if problem := database.connection_problem():
        structlog.get_logger(__name__).warning("database unavailable", reason=problem)
    elif problem := database.version_problem():
        fail(problem)
    else:
        register_keys()


def register_keys() -> None:
    """Store the fingerprints of new keys; exit with 2 if the database belongs to other keys."""
    import structlog
    from django.db import Error

    from takeback.core import clock
    from takeback.operations import host_keys

    try:
        problems = host_keys.register_keys(clock.now())
    except Error as error:
        # A database that cannot be written now: the next start stores them.
        problems = host_keys.wrong_keys()
        structlog.get_logger(__name__).warning("keys not registered", error=type(error).__name__)
    if problems:
        stop("\nError: ".join(problems))


def stop(reason: object) -> NoReturn:
    """Print the reason and exit with 2, as for any wrong argument or setting."""
    typer.echo(f"Error: {reason}", err=True)
    raise typer.Exit(2)


def fail(reason: object) -> NoReturn:
    """Print the reason and exit with 1: the command has done nothing, or has found a problem."""
    typer.echo(f"Error: {reason}", err=True)
    raise typer.Exit(1)


def count_of(count: int, singular: str, plural: str) -> str:
    """A number with its noun: `1 order`, `2 orders`."""
    return f"{count:,} {singular if count == 1 else plural}"
