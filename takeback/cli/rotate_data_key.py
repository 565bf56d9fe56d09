"""`takeback rotate-data-key`: the step between a new data key and the end of the old one."""

import typer

from takeback.cli.setup import boot


def rotate_data_key() -> None:
    """Seal with the newest of DATA_KEYS what older ones hold; safe beside a running service."""
    boot()
    from takeback.operations import data_keys

    done, unreadable = data_keys.reencrypt()
    typer.echo(f"{done} sealed anew.")
    if unreadable:
        typer.echo(
            f"Error: {unreadable} cannot be opened; see whether `takeback doctor` misses a key.",
            err=True,
        )
        raise typer.Exit(1)
