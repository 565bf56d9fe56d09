"""Compares the import of a file with COPY of the imported rows into the same tables."""

import csv
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from benchmarks import database
from benchmarks.processes import cpu_seconds
from benchmarks.server import ROOT, environment

ORDERS = 4_000
ROUNDS = 3
GOAL = 0.25
MAPPING = ROOT / "examples" / "online-retail" / "mapping.toml"

_DATABASE = "takeback_bench_import"
# In the order of an import: an order is written after its parts, because its row finalizes it.
_TABLES = (
    "orders_snapshot",
    "accounts_user",
    "addresses_country",
    "addresses_city",
    "addresses_address",
    "orders_orderitem",
    "orders_payment",
    "orders_order",
    "cancellations_cancellationreason",
    "cancellations_cancellationrequest",
)
_COLUMNS = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"


class Rate(NamedTuple):
    """A rate of writing, in rows of all tables per second."""

    name: str
    rows: int
    rows_per_second: float
    rows_per_cpu_second: float


class Result(NamedTuple):
    """Both rates, and the import's share of COPY's rate; the goal is at least `GOAL`."""

    table: Sequence[Rate]
    ratio: float
    cpu_ratio: float


class _Spent(NamedTuple):
    seconds: float
    cpu: float


def run(orders: int = ORDERS, rounds: int = ROUNDS) -> Result:
    """Import a generated file and copy its rows, in turns; compare the medians."""
    with TemporaryDirectory(prefix="takeback-bench-") as name, database.server() as server:
        folder = Path(name)
        write_file(folder / "orders.csv", orders)
        url = _new_database(server, name)
        postmaster = database.postmaster_of(url)
        imports, copies, rows = [], [], 0
        for _ in range(rounds):
            _empty(url)
            imports.append(_import(url, folder, postmaster))
            rows = _dump(url, folder)
            _empty(url)
            copies.append(_copy(url, folder, postmaster))
    ours, floor = _rate("import", rows, imports), _rate("COPY", rows, copies)
    return Result(
        (ours, floor),
        ours.rows_per_second / floor.rows_per_second,
        ours.rows_per_cpu_second / floor.rows_per_cpu_second,
    )


def write_file(path: Path, orders: int) -> None:
    """A file in the format of "Online Retail": about 20 rows per order; a third cancel an item."""
    dice = Random(541_909)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS.split(","))
        for number in range(orders):
            at = datetime(2024, 1, 1) + timedelta(minutes=20 * number)  # noqa: DTZ001 - as in the file
            customer = "" if number % 10 == 9 else f"{12_000 + number % (orders // 5)}.0"
            lines = [_line(dice) for _ in range(dice.randint(1, 40))]
            for line in lines:
                writer.writerow([536_365 + number, *line[:3], at, line[3], customer, "France"])
            for sku, title, quantity, price in lines[: dice.random() < 0.3]:
                cancelled = (
                    f"C{536_365 + number}",
                    sku,
                    title,
                    -quantity,
                    at,
                    price,
                    customer,
                    "France",
                )
                writer.writerow(cancelled)


def _line(dice: Random) -> tuple[str, str, int, str]:
    sku = dice.randrange(4_000)
    price = f"{sku % 20}.{sku % 90 + 10}"
    return f"{20_000 + sku}", f"SET OF {sku % 7} PAINTED TINS, No {sku}", dice.randint(1, 24), price


def _new_database(server: str, folder: str) -> str:
    url = urlsplit(server)._replace(path=f"/{_DATABASE}").geturl()
    name = sql.Identifier(_DATABASE)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
    _takeback(url, folder, "migrate")
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO accounts_channel"
            " (id, name, storefront_url, logo, channel_type, conf, schema, is_active)"
            " VALUES (1, 'Shop', '', '', 'web', '{}', '{}', true)"
        )
    return url


def _takeback(url: str, folder: str, *arguments: str) -> None:
    command = [str(Path(sys.executable).with_name("takeback")), *arguments]
    subprocess.run(
        command, env=environment(url, folder), cwd=folder, check=True, stdout=subprocess.DEVNULL
    )


@contextmanager
def _measured(postmaster: int, spent: list[_Spent]) -> Iterator[None]:
    """Add the wall time, and the CPU time of this process, its children and PostgreSQL."""
    here, began = os.getpid(), time.perf_counter()
    cpu = cpu_seconds(here) + cpu_seconds(postmaster)
    yield
    cpu = cpu_seconds(here) + cpu_seconds(postmaster) - cpu
    spent.append(_Spent(time.perf_counter() - began, cpu))


def _import(url: str, folder: Path, postmaster: int) -> _Spent:
    spent: list[_Spent] = []
    file = folder / "orders.csv"
    with _measured(postmaster, spent):
        _takeback(url, str(folder), "import", "orders", str(file), "--mapping", str(MAPPING))
    return spent[0]


def _empty(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {', '.join(_TABLES)} CASCADE")
        connection.execute("CHECKPOINT")


def _dump(url: str, folder: Path) -> int:
    """Write each table into a file and return the number of rows."""
    rows = 0
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for table in _TABLES:
            with (
                (folder / table).open("wb") as file,
                cursor.copy(f"COPY {table} TO STDOUT") as copy,
            ):
                for block in copy:
                    file.write(block)
            rows += cursor.rowcount
    return rows


def _copy(url: str, folder: Path, postmaster: int) -> _Spent:
    spent: list[_Spent] = []
    with _measured(postmaster, spent), psycopg.connect(url) as connection:
        for table in _TABLES:
            with (
                (folder / table).open("rb") as file,
                connection.cursor().copy(f"COPY {table} FROM STDIN") as copy,
            ):
                while block := file.read(262_144):
                    copy.write(block)
    return spent[0]


def _rate(name: str, rows: int, spent: Sequence[_Spent]) -> Rate:
    seconds, cpu = median(s.seconds for s in spent), median(s.cpu for s in spent)
    return Rate(name, rows, rows / seconds, rows / cpu)


if __name__ == "__main__":
    result = run()
    for row in result.table:
        print(
            f"{row.name:8}{row.rows:>10,} rows {row.rows_per_second:>10,.0f} rows/s"
            f" {row.rows_per_cpu_second:>10,.0f} rows/s of CPU"
        )
    print(f"import / COPY: {result.ratio:.2f} (CPU {result.cpu_ratio:.2f}), goal {GOAL}")
