"""`takeback doctor`."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from takeback.cli.setup import boot
from takeback.core.env import WrongSettings

_STYLES = {"fine": "green", "warning": "yellow", "failure": "bold red"}


def doctor(
    *,
    every_order: Annotated[
        bool, typer.Option("--all", help="Check all orders, not only the newest thousand.")
    ] = False,
) -> None:
    """Check the installation; exits with 1 on a failure."""
    console = Console()
    try:
        boot()
    except WrongSettings as error:
        _print(console, [(wrong.name, "failure", str(wrong)) for wrong in error.settings])
        raise typer.Exit(1) from None
    from takeback.operations.doctor import examine

    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("Checking orders", total=None)
        findings = list(
            examine(
                every_order=every_order,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
        )
    _print(console, findings)
    if any(severity == "failure" for _, severity, _ in findings):
        raise typer.Exit(1)


def _print(console: Console, findings: Sequence[tuple[str, str, str]]) -> None:
    table = Table("", "check", "finding", box=None)
    for subject, severity, message in findings:
        table.add_row(f"[{_STYLES[severity]}]{severity}[/]", subject, escape(message))
    console.print(table)
