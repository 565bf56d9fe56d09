"""`takeback export-refunds`."""

from datetime import datetime
from typing import Annotated

import typer

from takeback.cli.output import open_output
from takeback.cli.setup import open_database, stop

_LOCK_SECONDS = 5


def export_refunds(
    file: Annotated[str, typer.Argument(help="CSV file to write; - is the standard output.")] = "-",
    *,
    first: Annotated[
        datetime,
        typer.Option("--from", formats=["%Y-%m-%d"], metavar="DATE", help="First day."),
    ],
    last: Annotated[
        datetime,
        typer.Option("--to", formats=["%Y-%m-%d"], metavar="DATE", help="Last day."),
    ],
) -> None:
    """Write what was paid back in a period, by account, payment, tax rate and refund invoice.

    Days are those of SHOP_TIME_ZONE. The sums are those of the ledger.
    """
    if first > last:
        stop("--from is later than --to.")
    open_database()
    from takeback.accounts.policy import shop_zone
    from takeback.core import clock
    from takeback.core.db.snapshot import read_snapshot
    from takeback.core.db.time_limits import without_statement_limit
    from takeback.refunds.reports import write_payouts

    zone = shop_zone()
    start, end = clock.day_start(first.date(), zone), clock.day_end(last.date(), zone)
    with (
        open_output(file) as output,
        without_statement_limit(lock_seconds=_LOCK_SECONDS),
        read_snapshot(),
    ):
        write_payouts(output, start, end)
