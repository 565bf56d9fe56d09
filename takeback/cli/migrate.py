"""`takeback migrate`."""

import typer

from takeback.cli.setup import boot, count_of, fail, register_keys


def migrate() -> None:
    """Migrate the database to this version; safe to repeat."""
    boot(makes_files=True)
    applied = apply_migrations()
    typer.echo(
        f"{count_of(applied, 'migration', 'migrations')} applied."
        if applied
        else "The database is up to date.",
        err=True,
    )


def apply_migrations() -> int:
    """Migrate, or exit with 1 if the database does not respond or belongs to a newer version."""
    from takeback.operations import database, migrations

    if problem := database.connection_problem() or database.newer_version_problem():
        fail(problem)
    applied = migrations.migrate(_print_progress)
    register_keys()
    return applied


def _print_progress(sentence: str) -> None:
    typer.echo(sentence, err=True)
