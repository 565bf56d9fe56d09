"""`takeback add-carrier` and `takeback change-carrier`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

import typer

from takeback.cli.setup import open_database, stop

Channel = Annotated[
    int | None, typer.Option(help="Id of a channel; without it the carrier serves all.")
]
Slug = Annotated[
    str | None, typer.Option(help="Short name in other systems: letters, digits, - and _.")
]
Label = Annotated[str | None, typer.Option(help="Name of the company, such as DHL.")]
Pickup = Annotated[
    bool | None,
    typer.Option("--pickup/--drop-off", help="Picks parcels up, or shoppers drop them off."),
]
Selectable = Annotated[
    bool | None,
    typer.Option("--selectable/--not-selectable", help="Whether shoppers can choose it."),
]
Countries = Annotated[
    list[str] | None,
    typer.Option("--country", help="ISO 3166 code that it serves, such as TR; may be repeated."),
]
Categories = Annotated[
    list[str] | None, typer.Option("--category", help="Category that it takes; may be repeated.")
]

_NAME_MAX = 255


def add_carrier(  # noqa: PLR0913 - the options of a command
    name: Annotated[str, typer.Argument(help="The carrier as shoppers read it.")],
    *,
    channel: Channel = None,
    carrier: Slug = None,
    label: Label = None,
    pickup: Pickup = None,
    selectable: Selectable = None,
    country: Countries = None,
    category: Categories = None,
) -> None:
    """Add a carrier of returns and print its id."""
    _require_name(name)
    open_database()
    from takeback.logistics.carrier_rules import slug_of
    from takeback.logistics.commands import carriers

    values = _values(
        name=name.strip(),
        carrier=carrier or slug_of(name),
        carrier_label=label,
        needs_pickup=pickup,
        is_user_selectable=selectable,
        countries=country,
        categories=category,
    )
    with _usage_errors():
        _require_channel(channel)
        carrier_id = carriers.add_carrier(channel, values, now=_now())
    typer.echo(carrier_id)
    typer.echo(f"Carrier {carrier_id} added: {name.strip()}.", err=True)


def change_carrier(  # noqa: PLR0913 - the options of a command
    carrier_id: Annotated[int, typer.Argument(help="Id of the carrier.")],
    *,
    name: Annotated[str | None, typer.Option(help="The carrier as shoppers read it.")] = None,
    carrier: Slug = None,
    label: Label = None,
    pickup: Pickup = None,
    selectable: Selectable = None,
    country: Countries = None,
    category: Categories = None,
    active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="Whether it is offered at all.")
    ] = None,
) -> None:
    """Change a carrier of returns; countries and categories replace all old ones."""
    if name is not None:
        _require_name(name)
    values = _values(
        name=name,
        carrier=carrier,
        carrier_label=label,
        needs_pickup=pickup,
        is_user_selectable=selectable,
        countries=country,
        categories=category,
        is_active=active,
    )
    if not values:
        stop("Name what to change, such as --name or --inactive.")
    open_database()
    from takeback.logistics.commands import carriers
    from takeback.logistics.models import EasyReturnShippingCompany

    row = EasyReturnShippingCompany.objects.filter(pk=carrier_id).first()
    if row is None:
        stop(f"There is no carrier {carrier_id}. `takeback list-carriers` shows all.")
    with _usage_errors():
        carriers.change_carrier(row.channel_id, carrier_id, values, now=_now())
    typer.echo(f"Carrier {carrier_id}: changed {', '.join(values)}.", err=True)


def _values(**columns: object) -> dict[str, Any]:
    """The columns that an option names."""
    return {name: value for name, value in columns.items() if value is not None}


def _require_name(name: str) -> None:
    if not 0 < len(name.strip()) <= _NAME_MAX:
        stop(f"The name of a carrier has 1 to {_NAME_MAX} characters.")


def _require_channel(channel_id: int | None) -> None:
    from takeback.accounts.channels import require_channel

    if channel_id is not None:
        require_channel(channel_id)


def _now() -> datetime:
    from takeback.core import clock

    return clock.now()


@contextmanager
def _usage_errors() -> Iterator[None]:
    """A rule that no carrier can have, or an unknown channel, is a wrong argument."""
    from takeback.accounts.channels import InvalidChannel
    from takeback.logistics.carrier_rules import InvalidRule

    try:
        yield
    except (InvalidChannel, InvalidRule) as reason:
        stop(reason)
