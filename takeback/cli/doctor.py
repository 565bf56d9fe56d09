"""`takeback doctor`: the check-up as a table."""

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
        bool, typer.Option("--all", help="Add up every order, not only the newest thousand.")
    ] = False,
) -> None:
    """Check the installation; leaves with 1 when something is wrong."""
    boot()
    from takeback.operations.doctor import Severity, examine

    console = Console()
    with Progress(console=console, transient=True) as bar:
        adding = bar.add_task("Adding up orders", total=None)
        findings = list(
            examine(
                every_order=every_order,
                progress=lambda done, of: bar.update(adding, completed=done, total=of),
            )
        )
    table = Table("", "what", "finding", box=None)
    for subject, verdict, sentence in findings:
        table.add_row(f"[{_STYLES[verdict]}]{verdict}[/]", subject, sentence)
    console.print(table)
    if any(finding.verdict is Severity.FAILURE for finding in findings):
        raise typer.Exit(1)
