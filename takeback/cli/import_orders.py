"""`takeback import`: orders from a file, and the order history of the previous system."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from takeback.importer.report import Report, Summary
    from takeback.importer.trial import SampleOrder
from takeback.cli.setup import boot, open_database, stop

app = typer.Typer(help="Import orders from a file.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV or JSON Lines.")]
ToChannel = Annotated[int | None, typer.Option(help="Id of the channel of the orders.")]
ToReport = Annotated[Path | None, typer.Option(help="File for the refused rows.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 if a row was refused.")]

_QUIET_SECONDS = 2.0
_SKIPPED_SHOWN = 20


@app.command()
def orders(
    file: File,
    *,
    mapping: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Mapping of the columns, for CSV."),
    ] = None,
    channel: ToChannel = None,
    report: ToReport = None,
    strict: Strict = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show three orders and what is refused; write nothing."),
    ] = False,
) -> None:
    """Import orders; safe to repeat."""
    open_database(makes_files=not dry_run)
    from takeback.importer.csv_orders import import_csv
    from takeback.importer.jsonl import import_documents
    from takeback.importer.sources import WrongFile, is_csv, read_layout

    with _usage_errors():
        channel_id = _channel(channel)
        if not is_csv(file):
            run = partial(import_documents, file, channel_id=channel_id)
        elif mapping is None:
            raise WrongFile("a CSV file needs --mapping, a file that maps its columns")
        else:
            run = partial(import_csv, file, read_layout(mapping), channel_id=channel_id)
        if dry_run:
            is_complete = _try(run, file, report, strict=strict)
        else:
            is_complete = _run(run, file, report, strict=strict)
    raise typer.Exit(0 if is_complete else 1)


@app.command()
def propose(file: File) -> None:
    """Print a first mapping for a CSV file, made from its header row."""
    boot()
    from takeback.importer.propose import propose_mapping

    with _usage_errors():
        typer.echo(propose_mapping(file), nl=False)


@app.command()
def old_orders(
    file: File,
    *,
    items: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="CSV file of their items.")
    ] = None,
    channel: ToChannel = None,
    report: ToReport = None,
    strict: Strict = False,
) -> None:
    """Import the order history of the previous system; these orders are read-only."""
    open_database(makes_files=True)
    from takeback.importer.old_orders import import_old_items, import_old_orders

    with _usage_errors():
        channel_id = _channel(channel)
        run = partial(import_old_orders, file, channel_id=channel_id)
        is_complete = _run(run, file, report, strict=strict)
        if items:
            run = partial(import_old_items, items, channel_id=channel_id)
            items_report = report and report.with_suffix(f".items{report.suffix}")
            is_complete &= _run(run, items, items_report, strict=strict)
    raise typer.Exit(0 if is_complete else 1)


def _run(
    run: "Callable[..., Summary]",
    file: Path,
    report_to: Path | None,
    *,
    strict: bool,
) -> bool:
    """Import with a progress bar and a report, and print a summary.

    False if the file ends early or, when `strict`, if a row was refused.
    """
    from django.conf import settings

    from takeback.importer.report import Report

    path = report_to or settings.DATA_DIR / "imports" / f"{file.name}.report.jsonl"
    console = Console(stderr=True)
    with Report(path) as report, _bar(console, file.stat().st_size) as advance:
        summary = run(report=report, progress=advance)
    _print(summary, report, file)
    return summary.broken is None and not (strict and report.total)


def _try(
    run: "Callable[..., Summary]", file: Path, report_to: Path | None, *, strict: bool
) -> bool:
    """As `_run`, but write nothing except the report, and show what would be stored."""
    from takeback.importer.report import Report
    from takeback.importer.trial import SampleOrder

    samples: list[SampleOrder] = []
    console = Console(stderr=True)
    path = report_to or Path(os.devnull)
    with Report(path) as report, _bar(console, file.stat().st_size) as advance:
        summary = run(report=report, progress=advance, samples=samples)
    for sample in samples:
        _print_sample(sample)
    _print(summary, report, file, is_trial=True)
    return summary.broken is None and not (strict and report.total)


def _print_sample(order: "SampleOrder") -> None:
    from takeback.core.money import show

    def amount(minor: int) -> str:
        return f"{show(minor, order.currency)} {order.currency.upper()}"

    console = Console(highlight=False, markup=False, soft_wrap=True)
    customer = f"{order.user_type} {order.email or 'without an e-mail address'}"
    console.print(
        f"Order {order.number} of {order.placed_at:%Y-%m-%d %H:%M} UTC, {_status(order.status)}: "
        f"{amount(order.amount_minor)}, {customer}, {order.address}"
    )
    for name in ("shipping", "fee", "rounding", "refunded"):
        if minor := getattr(order, f"{name}_minor"):
            console.print(f"    {name} {amount(minor)}")
    for payment in order.payments:
        ids = [payment.account, payment.provider_order, payment.reference]
        if texts := [text for text in ids if text]:
            charged = f" charged in {payment.currency.upper()}" if payment.currency else ""
            console.print(
                f"    payment {payment.kind} {amount(payment.amount_minor)}{charged}, "
                f"captured {amount(payment.captured_minor)}: {' '.join(texts)}"
            )
    for item in order.items:
        parts = [f"{item.quantity} x {item.sku} {item.name!r}: {amount(item.goods_minor)}"]
        parts += [
            f"{name} {amount(minor)}"
            for name, minor in (("discount", item.discount_minor), ("tax inside", item.tax_minor))
            if minor
        ]
        parts += [f"{item.refunded_quantity} refunded"] * bool(item.refunded_quantity)
        delivered = f" {item.delivered_at:%Y-%m-%d}" if item.delivered_at else ""
        console.print(f"    {', '.join(parts)}, {_status(item.status)}{delivered}")


def _status(code: int) -> str:
    from takeback.orders.statuses import Status

    return f"{Status(code).name.lower()} ({code})"


def _channel(requested: int | None) -> int:
    """The id of an existing channel, by default the storefront's."""
    from django.conf import settings

    from takeback.accounts.channels import InvalidChannel, require_channel

    channel_id = requested or settings.STOREFRONT_CHANNEL
    try:
        require_channel(channel_id)
    except InvalidChannel as reason:
        stop(reason)
    return channel_id


@contextmanager
def _usage_errors() -> Iterator[None]:
    """An unusable file or mapping is a wrong argument."""
    from takeback.importer.mapping import WrongMapping
    from takeback.importer.sources import WrongFile

    try:
        yield
    except (WrongFile, WrongMapping) as error:
        raise typer.BadParameter(str(error)) from error


@contextmanager
def _bar(console: Console, size: int) -> Iterator[Callable[[int], None]]:
    """A progress bar, shown once the import has run for `_QUIET_SECONDS`."""
    started = time.monotonic()
    columns = (TextColumn("Importing"), BarColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=console, transient=True)
    task = bar.add_task("", total=size)

    def advance(count: int) -> None:
        bar.advance(task, count)
        if not bar.live.is_started and time.monotonic() - started > _QUIET_SECONDS:
            bar.start()

    try:
        yield advance
    finally:
        bar.stop()


def _print(summary: "Summary", report: "Report", file: Path, *, is_trial: bool = False) -> None:
    from takeback.core.money import show

    title = f"{file.name}: dry run, nothing is written" if is_trial else file.name
    table = Table(title=title, box=None, show_header=False, title_justify="left")
    table.add_column(justify="right", style="bold")
    table.add_column()
    for currency, minor in sorted(summary.totals.items()):
        table.add_row(show(minor, currency), f"{currency.upper()}: sum of all readable lines")
    for count, singular, plural in (
        (summary.lines, "line read", "lines read"),
        (summary.created, "order created", "orders created"),
        (summary.updated, "order updated", "orders updated"),
        (summary.unchanged, "order unchanged", "orders unchanged"),
        (summary.refused, "order refused", "orders refused"),
        (summary.skipped.total(), "field skipped", "fields skipped"),
        (summary.skipped_lines, "line skipped by the mapping", "lines skipped by the mapping"),
        (summary.matched_lines, "cancelled line matched", "cancelled lines matched"),
        (summary.cases, "completed request for it", "completed requests for them"),
        (report.total, "row reported", "rows reported"),
    ):
        table.add_row(f"{count:,}", singular if count == 1 else plural)
    for code, count in sorted(report.counts.items()):
        reason = f", such as {report.first_reasons[code]}" if is_trial else ""
        table.add_row(f"{count:,}", f"  {code}{reason}")
    for path, count in summary.skipped.most_common(_SKIPPED_SHOWN):
        table.add_row(f"{count:,}", f"  skipped: {path}")
    console = Console(soft_wrap=is_trial)
    console.print(table)
    if report.total and str(report.path) != os.devnull:
        console.print(f"Reported rows and their reasons: {report.path}", soft_wrap=True)
    if summary.broken:
        console.print(f"[bold red]Not read to its end:[/] {summary.broken.reason}")
