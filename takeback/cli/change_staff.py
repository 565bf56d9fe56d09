"""`takeback change-staff`: other rights, another password, leaving and coming back."""

from typing import Annotated

import typer

from takeback.cli.add_staff import Channels, Scopes, Username, generate_password, show_password
from takeback.cli.setup import boot, stop


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
    from takeback.accounts import staff
    from takeback.accounts.api_keys import AccessError, validate_rights
    from takeback.core import clock

    password = generate_password() if new_password else None
    try:
        staff.update_staff_user(
            username,
            now=clock.now(),
            rights=validate_rights(channel or [], scope or []) if channel or scope else None,
            password=password,
            is_active=active,
            without_totp=without_totp,
        )
    except AccessError as reason:
        stop(reason)
    if password:
        show_password(password)
