"""`takeback add-staff`."""

import secrets
from typing import Annotated

import typer

from takeback.cli.setup import boot, stop

Username = Annotated[str, typer.Argument(help="User name to sign in with.")]
Channels = Annotated[
    list[int] | None, typer.Option("--channel", help="Id of a channel; may be repeated.")
]
Scopes = Annotated[
    list[str] | None,
    typer.Option("--scope", help="read, decide, money or pii; may be repeated."),
]


def add_staff(
    username: Username,
    *,
    channel: Channels = None,
    scope: Scopes = None,
    email: Annotated[str, typer.Option(help="E-mail address.")] = "",
) -> None:
    """Create a staff account and print its password once; only the hash is stored."""
    boot()
    from takeback.accounts import staff
    from takeback.accounts.api_keys import AccessError

    password = generate_password()
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
    show_password(password)


def generate_password() -> str:
    return secrets.token_urlsafe(15)


def show_password(password: str) -> None:
    typer.echo(password)
    typer.echo("Pass it on safely. It is not shown again.", err=True)
