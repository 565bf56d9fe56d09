"""`takeback check-ledger`."""

import typer
from rich.console import Console
from rich.progress import Progress

from takeback.cli.setup import count_of, open_database

_LOCK_SECONDS = 5


def check_ledger() -> None:
    """Recompute the ledger of refunds; exits with 1 and one line for each difference.

    It compares the hashes of all entries, heads and anchors, the sums of bookings, and the ledger
    with refunds, payments and orders. The service may run meanwhile.
    """
    open_database()
    from takeback.cancellations.queries import completed_plans
    from takeback.core.db.snapshot import read_snapshot
    from takeback.core.db.time_limits import without_statement_limit
    from takeback.refunds import audit

    count = 0
    bar = Progress(console=Console(stderr=True), transient=True)
    with without_statement_limit(lock_seconds=_LOCK_SECONDS), read_snapshot(), bar:
        task = bar.add_task("Checking orders", total=None)
        for difference in audit.differences(
            completed_plans,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        ):
            typer.echo(str(difference))
            count += 1
        extent = audit.extent()
    anchor = extent.newest_anchor
    typer.echo(
        f"{count_of(count, 'difference', 'differences')} in"
        f" {count_of(extent.entries, 'entry', 'entries')} and"
        f" {count_of(extent.anchors, 'anchor', 'anchors')}."
        + (f" The newest anchor, of {anchor.day}, is {anchor.hash}." if anchor else ""),
        err=True,
    )
    if count:
        raise typer.Exit(1)
