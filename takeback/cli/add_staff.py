"""`takeback add-staff`."""

from typing import Annotated

import typer

from takeback.cli.setup import open_database, stop

Username = Annotated[str, typer.Argument(help="User name to sign in with.")]
Channels = Annotated[
    list[int] | None, typer.Option("--channel", help="Id of a channel; may be repeated.")
]
Scopes = Annotated[
    list[str] | None,
    typer.Option("--scope", help="read, decide, money, pii or admin; may be repeated."),
]


def add_staff(
    username: Username,
    *,
    channel: Channels = None,
    scope: Scopes = None,
    email: Annotated[str, typer.Option(help="E-mail address.")] = "",
) -> None:
    """Create a staff account and print its password once; only the hash is stored."""
    open_database()
    from takeback.accounts import staff
    from takeback.accounts.api_keys import AccessError

    password = staff.generate_password()
    try:
        staff.create_staff_user(
            username,
            password=password,
            channel_ids=channel or [],
            scopes=scope or [],
            email=email,
        )
    except AccessError as reason:
        stop(reason)
    typer.echo(f"Staff account {username} added.", err=True)
    show_password(password)


def show_password(password: str) -> None:
    typer.echo(password)
    typer.echo("Pass it on safely. It is not shown again.", err=True)
