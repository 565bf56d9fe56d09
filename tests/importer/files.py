"""Builds files of orders and imports them as the command does."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import zeal
from zeal.listeners import AllowListEntry

from takeback.importer.csv_orders import import_csv
from takeback.importer.mapping import Layout
from takeback.importer.report import Report, Summary
from takeback.importer.sources import read_layout

EXAMPLE = Path(__file__).parents[2] / "examples" / "online-retail" / "mapping.toml"
ONCE_PER_BATCH: list[AllowListEntry] = [
    {"model": "accounts.Channel"},
    {"model": "addresses.*"},
    {"model": "cancellations.CancellationReason"},
]
"""Queried again by each batch of an import."""
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"


def line(
    number: str = "536365",
    sku: str = "85123A",
    quantity: int | str = 6,
    price: str = "2.55",
    **values: str,
) -> str:
    """A record of the example's columns."""
    name = values.get("name", "WHITE HEART HOLDER")
    at = values.get("at", "2010-12-01 08:26:00")
    customer = values.get("customer", "17850.0")
    country = values.get("country", "United Kingdom")
    return f"{number},{sku},{name},{quantity},{at},{price},{customer},{country}"


def write(folder: Path, *lines: str, name: str = "orders.csv", end: str = "\n") -> Path:
    """A file with the example's header."""
    path = folder / name
    path.write_text("\n".join((HEADER, *lines)) + end, encoding="utf-8")
    return path


class Imported:
    """The summary and the report of an import."""

    def __init__(self, summary: Summary, report: Path) -> None:
        self.summary = summary
        self.lines = _lines(report)

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Orders created, updated, unchanged and refused."""
        summary = self.summary
        return summary.created, summary.updated, summary.unchanged, summary.refused

    @property
    def errors(self) -> list[tuple[int, str | None, str]]:
        """Line, number and code of every reported row."""
        return [(entry["line"], entry["number"], entry["code"]) for entry in self.lines]

    @property
    def codes(self) -> Counter[str]:
        """How often each code was reported."""
        return Counter(entry["code"] for entry in self.lines)


def _lines(report: Path) -> list[dict[str, Any]]:
    return [json.loads(entry) for entry in report.read_text().splitlines()]


def import_file(path: Path, layout: Layout | None = None) -> Imported:
    """Import it into channel 1, with the mapping of the example by default."""
    target = path.with_suffix(".report.jsonl")
    with zeal.zeal_ignore(ONCE_PER_BATCH), Report(target) as report:
        summary = import_csv(
            path,
            layout or read_layout(EXAMPLE),
            channel_id=1,
            report=report,
            progress=lambda _: None,
        )
    return Imported(summary, target)
