"""`takeback rotate-secret-key`."""

import typer

from takeback.cli.setup import open_database


def rotate_secret_key() -> None:
    """Accept a changed SECRET_KEY for this database; sessions and mailed links end."""
    open_database(makes_files=True)
    from takeback.core import clock
    from takeback.operations import host_keys

    if not host_keys.accept_secret_key(clock.now()):
        typer.echo("This SECRET_KEY is already the key of the database.")
        return
    typer.echo(
        "The database accepts this SECRET_KEY. Set it on every host and restart all services. "
        "All sessions and mailed links end, an Idempotency-Key of an earlier call is unknown, and "
        "equal bank accounts are recognised among new requests only."
    )
