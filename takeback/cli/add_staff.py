"""`takeback add-staff`: a new member of staff."""

import secrets
from typing import Annotated

import typer

from takeback.cli.setup import boot, stop

_PASSWORD_BYTES = 15

Username = Annotated[str, typer.Argument(help="The name with which they sign in.")]
Channels = Annotated[list[int] | None, typer.Option("--channel", help="Channel; repeat.")]
Scopes = Annotated[
    list[str] | None, typer.Option("--scope", help="read, decide, money or pii; repeat.")
]


def add_staff(
    username: Username,
    *,
    channel: Channels = None,
    scope: Scopes = None,
    email: Annotated[str, typer.Option(help="Their e-mail address.")] = "",
) -> None:
    """Let somebody work here, and print their password, once; we keep only its hash."""
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
    return secrets.token_urlsafe(_PASSWORD_BYTES)


def show_password(password: str) -> None:
    typer.echo(password)
    typer.echo("Pass it on safely: it is shown only now.", err=True)
