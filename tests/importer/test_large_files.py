"""A file is read as a stream: its size does not matter."""

import gzip
import tracemalloc
from pathlib import Path

from takeback.importer.sources import CsvRows
from tests.conftest import LONG

SIZE = 2**31 if LONG else 2**22
ROW = b"1001;" + b"x" * 1000 + b";" * 20 + b"\n"
MEMORY = 8 * 2**20


def test_a_large_file_needs_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b";".join(b"c%d" % number for number in range(22)) + b"\n")
        for _ in range(SIZE // len(ROW)):
            file.write(ROW)

    tracemalloc.start()
    try:
        rows = CsvRows(path, encoding="utf-8", delimiter=";", progress=lambda _: None)
        count = sum(1 for row in rows if row.fits)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert count == SIZE // len(ROW)
    assert peak < MEMORY
