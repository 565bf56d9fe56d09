"""`takeback change-staff`."""

from typing import Annotated

import typer

from takeback.cli.add_staff import Channels, Scopes, Username, show_password
from takeback.cli.setup import open_database, stop


def change_staff(
    username: Username,
    *,
    channel: Channels = None,
    scope: Scopes = None,
    new_password: Annotated[
        bool, typer.Option("--new-password", help="Print a new password once.")
    ] = False,
    active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="Whether the account can sign in.")
    ] = None,
    without_totp: Annotated[
        bool,
        typer.Option(
            "--without-totp", help="Turn off two-step sign-in, for example after a lost phone."
        ),
    ] = False,
) -> None:
    """Change a staff account; new channels and scopes replace all old ones, login keys end."""
    changes = {
        "channels": channel,
        "scopes": scope,
        "password": new_password,
        "activation": active is not None,
        "two-step sign-in": without_totp,
    }
    changed = [name for name, is_changed in changes.items() if is_changed]
    if not changed:
        stop(
            "Name what to change: --channel with --scope, --new-password, --inactive or "
            "--without-totp."
        )
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
    typer.echo(f"{username}: changed {', '.join(changed)}; login keys ended.", err=True)
    if password:
        show_password(password)
