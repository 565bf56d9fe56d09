"""`takeback doctor`."""

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from takeback.cli.setup import boot

_STYLES = {"fine": "green", "warning": "yellow", "failure": "bold red"}


def doctor(
    *,
    every_order: Annotated[
        bool, typer.Option("--all", help="Check all orders, not only the newest thousand.")
    ] = False,
) -> None:
    """Check the installation; exits with 1 on a failure."""
    boot()
    from takeback.operations.doctor import Severity, examine

    console = Console()
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("Checking orders", total=None)
        findings = list(
            examine(
                every_order=every_order,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
        )
    table = Table("", "check", "finding", box=None)
    for finding in findings:
        severity = f"[{_STYLES[finding.severity]}]{finding.severity}[/]"
        table.add_row(severity, finding.subject, finding.message)
    console.print(table)
    if any(finding.severity is Severity.FAILURE for finding in findings):
        raise typer.Exit(1)
