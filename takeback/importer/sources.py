"""Reading files that somebody else wrote: compressed or not, in pieces, possibly cut off."""

import csv
import gzip
import lzma
import re
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from takeback.api import json_parser
from takeback.core.errors import Refused
from takeback.importer.report import Fault

LINE_MAX = 4_194_304
_VALUES_MAX = 1_000_000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_UNFIT = re.compile("[\x00\ud800-\udfff]")
_CUT = (EOFError, lzma.LZMAError, gzip.BadGzipFile, zlib.error)

Progress = Callable[[int], None]
"""Is told how many bytes more of the file have been read."""


class Unreadable(Exception):
    """From this line on the file cannot be read; mostly it ends too early."""

    def __init__(self, line: int, code: str, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.fault = Fault(code, reason)


class WrongFile(ValueError):
    """Nothing of this file can be taken in; the text says why."""


class Row(NamedTuple):
    """One record of a CSV file, by its first line; `fits` if its values lie under the header."""

    line: int
    values: list[str]
    fault: Fault | None = None
    fits: bool = True


class Document(NamedTuple):
    """One line of a JSON Lines file; `content` is empty when there is a fault."""

    line: int
    content: dict[str, Any]
    fault: Fault | None = None


def is_csv(path: Path) -> bool:
    """By its name, `.gz` and `.xz` set aside: CSV, or else JSON Lines."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in {".gz", ".xz"}]
    if suffixes and suffixes[-1] == ".csv":
        return True
    if suffixes and suffixes[-1] in {".jsonl", ".ndjson", ".json"}:
        return False
    raise WrongFile(f"{path.name}: the name must end in .csv or .jsonl (and .gz or .xz if packed)")


@contextmanager
def opened(path: Path) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """The file's bytes unpacked, and the file as it lies on disk (its position is the progress)."""
    with path.open("rb") as packed:
        if path.suffix.lower() == ".gz":
            with gzip.open(packed) as plain:
                yield plain, packed  # type: ignore[misc]  # a GzipFile reads like a file
        elif path.suffix.lower() == ".xz":
            with lzma.open(packed) as plain:
                yield plain, packed
        else:
            yield packed, packed


def lines(path: Path, progress: Progress) -> Iterator[bytes]:
    """Line by line, with the line break; `Unreadable` if a packed file ends too early."""
    with opened(path) as (plain, packed):
        told = count = 0
        try:
            for count, line in enumerate(iter(lambda: plain.readline(LINE_MAX), b""), start=1):
                if len(line) == LINE_MAX:
                    raise Unreadable(
                        count, "unreadable", f"more than {LINE_MAX - 1} bytes in a line"
                    )
                if count % 1000 == 0:
                    place = packed.tell()
                    progress(place - told)
                    told = place
                yield line
        except _CUT as error:
            raise Unreadable(count + 1, "truncated", "the packed file ends too early") from error
        progress(packed.tell() - told)


def json_lines(path: Path, progress: Progress) -> Iterator[Document]:
    """The objects of a JSON Lines file; blank lines are passed over."""
    for line, body in enumerate(lines(path, progress), start=1):
        text = body.removeprefix(_BYTE_ORDER_MARK).strip()
        if not text:
            continue
        try:
            text.decode()
            yield Document(line, json_parser.object_from(text, max_values=_VALUES_MAX))
        except UnicodeDecodeError:
            yield Document(line, {}, Fault("encoding", "not encoded as utf-8"))
        except Refused as refused:
            yield Document(line, {}, Fault("json", str(refused.problem.message)))


class CsvRows:
    """The records of a CSV file under its header, read strictly.

    A record that cannot be read comes as a row with a fault. If the last line has no line
    break it may have been cut off in the middle of its last value: that is `Unreadable`,
    raised in place of the row.
    """

    def __init__(self, path: Path, *, encoding: str, delimiter: str, progress: Progress) -> None:
        self._encoding = encoding
        self._last = "\n"
        self._reader = csv.reader(
            self._decoded(lines(path, progress)), delimiter=delimiter, strict=True
        )
        self.header = self._read_header(path)

    def __iter__(self) -> Iterator[Row]:
        while True:
            line = self._reader.line_num + 1
            try:
                values = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                self._refuse_cut_line()
                yield Row(line, [], self._syntax(line, error), fits=False)
                continue
            self._refuse_cut_line()
            if values:
                yield self._row(line, values)

    def _decoded(self, raw: Iterator[bytes]) -> Iterator[str]:
        encoding = self._encoding
        for line in raw:
            self._last = text = line.decode(encoding, "surrogateescape")
            yield text

    def _refuse_cut_line(self) -> None:
        if not self._last.endswith(("\n", "\r")):
            reason = "the last line has no line break: it may be cut off"
            raise Unreadable(self._reader.line_num, "truncated", reason)

    def _read_header(self, path: Path) -> list[str]:
        try:
            header = next(self._reader, [])
        except (csv.Error, Unreadable) as error:
            raise WrongFile(f"{path.name}: the first line is no CSV header: {error}") from error
        header = [name.strip() for name in header]
        if header:
            header[0] = header[0].removeprefix("\ufeff")
        doubled = {name for name in header if header.count(name) > 1}
        if not header or doubled:
            what = f"names a column twice: {min(doubled)}" if header else "is missing"
            raise WrongFile(f"{path.name}: the header {what}")
        return header

    def _syntax(self, line: int, error: csv.Error) -> Fault:
        until = self._reader.line_num
        where = f" (lines {line} to {until})" if until > line else ""
        return Fault("unreadable", f"not readable as CSV{where}: {error}")

    def _row(self, line: int, values: list[str]) -> Row:
        if len(values) != len(self.header):
            reason = f"{len(values)} values under {len(self.header)} columns"
            return Row(line, values, Fault("columns", reason), fits=False)
        unfit = _UNFIT.search("".join(values))
        if unfit is None:
            return Row(line, values)
        if unfit[0] == "\x00":
            return Row(line, values, Fault("unreadable", "a NUL character"))
        return Row(line, values, Fault("encoding", f"not encoded as {self._encoding}"))


def records(path: Path, required: Collection[str], progress: Progress) -> Iterator[Document]:
    """The records of a CSV or JSON Lines file by name; empty values of a CSV file are left out."""
    if not is_csv(path):
        yield from json_lines(path, progress)
        return
    rows = CsvRows(path, encoding="utf-8", delimiter=",", progress=progress)
    missing = set(required) - set(rows.header)
    if missing:
        raise WrongFile(f"{path.name}: column {min(missing)} is missing")
    for row in rows:
        told = zip(rows.header, map(str.strip, row.values), strict=row.fits)
        yield Document(row.line, {name: text for name, text in told if text}, row.fault)
