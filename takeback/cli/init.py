"""`takeback init`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from takeback.cli.setup import boot, fail, register_keys, stop

if TYPE_CHECKING:
    from takeback.operations.installation import Existing, Installation, Requested

Shop = Annotated[str | None, typer.Option("--shop", help="Name of the shop.")]
StorefrontUrl = Annotated[
    str | None, typer.Option(help="URL of its storefront, where mailed links lead.")
]
Staff = Annotated[str | None, typer.Option("--staff", help="User name of the first staff member.")]
Email = Annotated[str | None, typer.Option(help="E-mail address of the first staff member.")]
DropOff = Annotated[
    str | None, typer.Option("--drop-off", help="Carrier to which shoppers bring a parcel.")
]
Pickup = Annotated[
    str | None, typer.Option("--pickup", help="Carrier that picks a parcel up; may be left out.")
]
Key = Annotated[str | None, typer.Option("--key", help="Name of the system that sends orders.")]


def init(
    *,
    shop: Shop = None,
    storefront_url: StorefrontUrl = None,
    staff: Staff = None,
    email: Email = None,
    drop_off: DropOff = None,
    pickup: Pickup = None,
    key: Key = None,
) -> None:
    """Set up a shop: database, channel, reasons, carriers, staff account and key; repeatable.

    Asks for what no option names, or without a terminal names what is missing. Password and key
    are printed once.
    """
    options = {
        "shop": shop,
        "storefront_url": storefront_url,
        "staff": staff,
        "email": email,
        "drop_off": drop_off,
        "pickup": pickup,
        "key": key,
    }
    boot(makes_files=True)
    from takeback.core import clock
    from takeback.operations import database, installation

    if problem := database.connection_problem() or database.newer_version_problem():
        fail(problem)
    is_migrated = not database.version_problem()
    existing = installation.existing_parts(clock.now()) if is_migrated else installation.Existing()
    requested = _complete(options, existing)
    _print(_set_up(requested, is_migrated=is_migrated))


def _set_up(requested: "Requested", *, is_migrated: bool) -> "Installation":
    from takeback.accounts.api_keys import AccessError
    from takeback.accounts.channels import InvalidChannel
    from takeback.core import clock
    from takeback.logistics.carrier_rules import InvalidRule
    from takeback.operations import installation, migrations

    # The role of a running service may not migrate, and needs not.
    if not is_migrated:
        migrations.migrate()
    register_keys()
    try:
        with migrations.one_at_a_time():
            return installation.set_up(requested, now=clock.now())
    except (AccessError, InvalidChannel, InvalidRule) as reason:
        stop(reason)


_QUESTIONS = {
    "shop": "Name of the shop",
    "storefront_url": "URL of its storefront (empty: links in mails lead to this service)",
    "drop_off": "Carrier to which shoppers bring a parcel",
    "pickup": "Carrier that picks a parcel up (empty: none)",
    "staff": "User name of the first staff member",
    "email": "E-mail address of the first staff member",
    "key": "Name of the system that sends orders",
}
_DEFAULTS = {"storefront_url": "", "pickup": "", "staff": "admin", "key": "shop"}
_OPTIONAL = ("storefront_url", "pickup")
# An answer is needed only together with another one.
_WITH = {"storefront_url": "shop", "email": "staff"}


def _complete(options: dict[str, str | None], existing: "Existing") -> "Requested":
    """The names of the missing parts: by option, else by question; exit with 2 without either."""
    from takeback.operations.installation import Requested

    missing = [
        name
        for name in _QUESTIONS
        if options[name] is None and not getattr(existing, _WITH.get(name, name))
    ]
    values = {name: (value or "").strip() for name, value in options.items()}
    if sys.stdin.isatty():
        for name in missing:
            values[name] = typer.prompt(_QUESTIONS[name], default=_DEFAULTS.get(name)).strip()
    needed = [
        name
        for name in _QUESTIONS
        if name not in _OPTIONAL
        and not values[name]
        and not getattr(existing, _WITH.get(name, name))
    ]
    if needed:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in needed)
        stop(f"Name what is missing: {flags}. Nothing was set up.")
    return Requested(**values)


def _print(result: "Installation") -> None:
    table = Table("", "part", "name", box=None)
    for part in result.parts:
        state = "made" if part.is_new else "exists" if part.name else "none"
        table.add_row(state, part.kind, part.name or "-")
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(table)
    console.print(f"\nChannel id  {result.channel_id}")
    for kind, secret in (("Password", result.password), ("API key", result.key)):
        if secret:
            console.print(f"{kind:12}{secret}   (shown only now: keep it safe)")
    console.print(
        "\nNext: `takeback worker` and `takeback serve`, each in a terminal or as a service,\n"
        "then `takeback doctor`, which names whatever else is missing. To pay money back,\n"
        "`takeback add-payment-account`."
    )
