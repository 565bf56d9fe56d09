"""`takeback rotate-data-key`."""

import typer

from takeback.cli.setup import count_of, open_database, register_keys


def rotate_data_key() -> None:
    """Encrypt with the newest of DATA_KEYS what older keys encrypt; safe while the service runs."""
    open_database(makes_files=True)
    from takeback.operations import data_keys, host_keys

    # A number without texts is free again.
    host_keys.forget_unused_data_keys(data_keys.count_texts_by_key())
    register_keys()
    done, unreadable = data_keys.reencrypt()
    typer.echo(f"{count_of(done, 'text', 'texts')} encrypted again.")
    if unreadable:
        typer.echo(
            f"Error: {count_of(unreadable, 'text', 'texts')} cannot be decrypted. "
            "Run `takeback doctor`.",
            err=True,
        )
        raise typer.Exit(1)
