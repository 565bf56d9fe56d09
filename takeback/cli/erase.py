"""`takeback erase`: forgets a person."""

import sys
from typing import Annotated

import typer

from takeback.cli.setup import count_of, open_database, stop


def erase(
    email: Annotated[str, typer.Argument(help="E-mail address of the person.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Erase a person from accounts, orders and requests of all channels; sums and ledger stay.

    Refused while a request is open or a refund is not final. It cannot be undone.
    """
    if "@" not in email.strip("@ "):
        stop(f"{email} is no e-mail address.")
    if not yes and sys.stdin.isatty():
        typer.confirm(f"Erase {email} for ever?", abort=True)
    open_database()
    from takeback.cancellations.commands.erase_person import erase_person
    from takeback.core import clock

    erased = erase_person(email, now=clock.now())
    if not any(erased):
        typer.echo(f"Nothing of {email} is stored.", err=True)
        return
    parts = (
        count_of(erased.accounts, "account", "accounts"),
        count_of(erased.orders, "order", "orders"),
        count_of(erased.cases, "request", "requests"),
        count_of(erased.images, "image", "images"),
    )
    typer.echo(f"Erased: {', '.join(parts)}.", err=True)
