"""`takeback add-staff` and `takeback change-staff`: the people who work here."""

import secrets
from typing import Annotated, NoReturn

import typer

from takeback.cli.boot import boot

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
    from takeback.accounts.commands import KeyRefused
    from takeback.accounts.staff import commands

    password = _password()
    try:
        commands.hire(
            username,
            password=password,
            channel_ids=channel or [],
            scopes=scope or [],
            email=email,
        )
    except KeyRefused as reason:
        _stop(reason)
    _show(password)


def change_staff(
    username: Username,
    *,
    channel: Channels = None,
    scope: Scopes = None,
    new_password: Annotated[bool, typer.Option(help="Print another password, once.")] = False,
    active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="Whether they may come in.")
    ] = None,
    without_totp: Annotated[
        bool, typer.Option(help="Forget their second factor, which they have lost.")
    ] = False,
) -> None:
    """Give somebody other rights, all of them named; the keys of their logins end."""
    boot()
    from takeback.accounts.commands import KeyRefused, rights
    from takeback.accounts.staff import commands
    from takeback.core import clock

    password = _password() if new_password else None
    try:
        commands.change(
            username,
            now=clock.now(),
            rights_now=rights(channel or [], scope or []) if channel or scope else None,
            password=password,
            is_active=active,
            without_totp=without_totp,
        )
    except KeyRefused as reason:
        _stop(reason)
    if password:
        _show(password)


def _password() -> str:
    return secrets.token_urlsafe(_PASSWORD_BYTES)


def _show(password: str) -> None:
    typer.echo(password)
    typer.echo("Pass it on safely: it is shown only now.", err=True)


def _stop(reason: object) -> NoReturn:
    """Say why not, and leave with 2 as for any wrong argument."""
    typer.echo(f"Error: {reason}", err=True)
    raise typer.Exit(2)
