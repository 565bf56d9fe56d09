"""`takeback rotate-data-key`."""

import typer

from takeback.cli.setup import boot


def rotate_data_key() -> None:
    """Encrypt with the newest of DATA_KEYS what older keys encrypt; safe while the service runs."""
    boot()
    from takeback.operations import data_keys

    done, unreadable = data_keys.reencrypt()
    typer.echo(f"Texts encrypted again: {done}.")
    if unreadable:
        typer.echo(
            f"Error: {unreadable} texts cannot be decrypted. Run `takeback doctor`.", err=True
        )
        raise typer.Exit(1)
