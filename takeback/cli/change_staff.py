"""`takeback change-staff`."""

from typing import Annotated

import typer

from takeback.cli.add_staff import Channels, Scopes, Username, show_password
from takeback.cli.setup import open_database, stop

NewPassword = Annotated[bool, typer.Option("--new-password", help="Print a new password once.")]
Active = Annotated[
    bool | None, typer.Option("--active/--inactive", help="Whether the account can sign in.")
]
WithoutTotp = Annotated[
    bool,
    typer.Option(
        "--without-totp", help="Turn off two-step sign-in, for example after a lost phone."
    ),
]


def change_staff(
    username: Username,
    *,
    channel: Channels = None,
    scope: Scopes = None,
    new_password: NewPassword = False,
    active: Active = None,
    without_totp: WithoutTotp = False,
) -> None:
    """Change a staff account; new channels and scopes replace all old ones, login keys end."""
    open_database()
    from takeback.accounts import staff
    from takeback.accounts.api_keys import AccessError, validate_rights
    from takeback.core import clock

    password = staff.generate_password() if new_password else None
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
    changes = {
        "channels and scopes": bool(channel or scope),
        "password": new_password,
        "activated": active is True,
        "deactivated": active is False,
        "two-step sign-in turned off": without_totp,
    }
    _print_changes(username, changes)
    if password:
        show_password(password)


def _print_changes(username: str, changes: dict[str, bool]) -> None:
    changed = [name for name, is_changed in changes.items() if is_changed]
    typer.echo(f"{username}: {', '.join(changed) or 'nothing else changed'}.", err=True)
    typer.echo("The keys of this account's logins have ended.", err=True)
