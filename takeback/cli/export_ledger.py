"""`takeback export-ledger`."""

from datetime import datetime
from typing import Annotated

import typer

from takeback.cli.output import open_output
from takeback.cli.setup import open_database, stop

_LOCK_SECONDS = 5


def export_ledger(
    file: Annotated[str, typer.Argument(help="File to write; - is the standard output.")],
    *,
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], metavar="DATE", help="First day."),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], metavar="DATE", help="Last day."),
    ] = None,
) -> None:
    """Write the ledger of refunds in beancount's format; bean-check verifies the balances.

    Days are those of SHOP_TIME_ZONE. Balances are computed from the refunds, not from the ledger.
    """
    if first and last and first > last:
        stop("--from is later than --to.")
    open_database()
    from takeback.accounts.policy import shop_zone
    from takeback.core.db.snapshot import read_snapshot
    from takeback.core.db.time_limits import without_statement_limit
    from takeback.refunds.beancount import Period, write_ledger

    period = Period(first and first.date(), last and last.date(), shop_zone())
    with (
        open_output(file) as output,
        without_statement_limit(lock_seconds=_LOCK_SECONDS),
        read_snapshot(),
    ):
        write_ledger(output.write, period)
