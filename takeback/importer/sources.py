"""Reads input files as streams: CSV, JSON Lines and mappings, compressed or not, maybe cut off."""

import csv
import gzip
import lzma
import re
import tomllib
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any, NamedTuple

from takeback.api import json_parser
from takeback.core.errors import Refused
from takeback.importer.mapping import Layout, WrongMapping, parse_layout
from takeback.importer.report import Report, RowError, Summary

LINE_MAX = 4_194_304
_VALUES_MAX = 1_000_000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_DECOMPRESSORS: dict[str, Callable[[IO[bytes]], Any]] = {".gz": gzip.open, ".xz": lzma.open}
_CUT_OFF = (EOFError, lzma.LZMAError, gzip.BadGzipFile, zlib.error)

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_END_IN_QUOTES = "unexpected end of data"
_DELIMITERS = {",": ",", ";": ";", "\t": "\\t", "|": "|"}

Progress = Callable[[int], None]
"""Receives the number of bytes of the file that were read since its last call."""


class Unreadable(Exception):
    """The file cannot be read from this line on; usually it ends too early."""

    def __init__(self, line: int, code: str, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.error = RowError(code, reason)


class WrongFile(ValueError):
    """No row of this file can be imported; the text is the reason."""


class Row(NamedTuple):
    """A record of a CSV file, with its first line; `fits`: it has one value for each column."""

    line: int
    values: list[str]
    error: RowError | None = None
    fits: bool = True


class Document(NamedTuple):
    """A line of a JSON Lines file; `content` is empty when there is an error."""

    line: int
    content: dict[str, Any]
    error: RowError | None = None


def is_csv(path: Path) -> bool:
    """Whether the name without `.gz` and `.xz` is one of CSV; otherwise the file is JSON Lines."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in {".gz", ".xz"}]
    if suffixes and suffixes[-1] == ".csv":
        return True
    if suffixes and suffixes[-1] in {".jsonl", ".ndjson", ".json"}:
        return False
    raise WrongFile(f"{path.name}: the name must end in .csv or .jsonl (and .gz or .xz if packed)")


@contextmanager
def _open(path: Path) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """The decompressed file, and the file as stored: its position is the progress."""
    with path.open("rb") as packed:
        decompressor = _DECOMPRESSORS.get(path.suffix.lower())
        with decompressor(packed) if decompressor else nullcontext(packed) as plain:
            yield plain, packed


def lines(path: Path, progress: Progress) -> Iterator[bytes]:
    """Yield each line with its line break; `Unreadable` if a compressed file ends too early."""
    with _open(path) as (plain, packed):
        reported = count = 0
        try:
            for count, line in enumerate(iter(lambda: plain.readline(LINE_MAX), b""), start=1):
                if len(line) == LINE_MAX:
                    raise Unreadable(
                        count, "unreadable", f"more than {LINE_MAX - 1} bytes in a line"
                    )
                if count % 1000 == 0:
                    position = packed.tell()
                    progress(position - reported)
                    reported = position
                yield line
        except _CUT_OFF as error:
            raise Unreadable(count + 1, "truncated", "the packed file ends too early") from error
        progress(packed.tell() - reported)


def json_lines(path: Path, progress: Progress) -> Iterator[Document]:
    """The objects of a JSON Lines file; blank lines are skipped."""
    for line, body in enumerate(lines(path, progress), start=1):
        text = body.removeprefix(_BYTE_ORDER_MARK).strip()
        if not text:
            continue
        try:
            text.decode()
            yield Document(line, json_parser.object_from(text, max_values=_VALUES_MAX))
        except UnicodeDecodeError:
            yield Document(line, {}, RowError("encoding", "not encoded as utf-8"))
        except Refused as refused:
            yield Document(line, {}, RowError("json", str(refused.problem.message)))


class CsvRows:
    """The records of a CSV file after its header, read strictly.

    A record that cannot be read is a row with an error. If the last line has no line break, its
    last value may be cut off: `Unreadable` is raised instead of yielding that row.
    """

    def __init__(
        self,
        path: Path,
        *,
        encoding: str,
        delimiter: str,
        progress: Progress,
        needs_line_break: bool = True,
    ) -> None:
        self._encoding = encoding
        self._needs_line_break = needs_line_break
        self._last_line = "\n"
        self._reader = csv.reader(
            self._decoded(lines(path, progress)), delimiter=delimiter, strict=True
        )
        self.header = self._read_header(path)
        if len(self.header) == 1:
            _refuse_delimiter(path, self.header[0], delimiter)

    def __iter__(self) -> Iterator[Row]:
        while True:
            line = self._reader.line_num + 1
            try:
                values = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                self._check_quote(line, error)
                self._check_line_break()
                yield Row(line, [], self._syntax_error(line, error), fits=False)
                continue
            self._check_line_break()
            if any(values) and (values[0].strip() or "".join(values).strip()):
                yield self._row(line, values)

    def _decoded(self, raw: Iterator[bytes]) -> Iterator[str]:
        encoding = self._encoding
        for line in raw:
            self._last_line = text = line.decode(encoding, "surrogateescape")
            yield text

    def _check_quote(self, line: int, error: csv.Error) -> None:
        if str(error) == _END_IN_QUOTES:
            reason = f"a quotation mark in the record of line {line} is not closed before the end"
            raise Unreadable(line, "truncated", f"{reason} of the file")

    def _check_line_break(self) -> None:
        if self._needs_line_break and not self._last_line.endswith(("\n", "\r")):
            reason = "the last line has no line break: it may be cut off"
            raise Unreadable(self._reader.line_num, "truncated", reason)

    def _read_header(self, path: Path) -> list[str]:
        refuse_utf16(path)
        try:
            header = next(self._reader, [])
        except (csv.Error, Unreadable) as error:
            raise WrongFile(f"{path.name}: the first line is no CSV header: {error}") from error
        header = [name.strip() for name in header]
        if header:
            header[0] = header[0].removeprefix("\ufeff")
        if not header:
            raise WrongFile(f"{path.name}: the header is missing")
        repeated = [name for name in header if header.count(name) > 1]
        if repeated:
            raise WrongFile(f"{path.name}: the header names a column twice: {min(repeated)}")
        return header

    def _syntax_error(self, line: int, error: csv.Error) -> RowError:
        last = self._reader.line_num
        lines = f" (lines {line} to {last})" if last > line else ""
        return RowError("unreadable", f"not readable as CSV{lines}: {error}")

    def _row(self, line: int, values: list[str]) -> Row:
        if len(values) != len(self.header):
            reason = f"{len(values)} values under {len(self.header)} columns"
            return Row(line, values, RowError("columns", reason), fits=False)
        unstorable = _UNSTORABLE.search("".join(values))
        if unstorable is None:
            return Row(line, values)
        if unstorable[0] == "\x00":
            return Row(line, values, RowError("unreadable", "a NUL character"))
        return Row(line, values, RowError("encoding", f"not encoded as {self._encoding}"))


def refuse_utf16(path: Path) -> None:
    """Spreadsheets save "Unicode text" in UTF-16, which cannot be read line by line."""
    try:
        with _open(path) as (plain, _):
            start = plain.read(64)
    except _CUT_OFF:
        return  # reading the header names the error
    if start.startswith(_UTF16_MARKS) or b"\x00" in start:
        raise WrongFile(f"{path.name} is encoded in UTF-16: save it as CSV in UTF-8")


def _refuse_delimiter(path: Path, header: str, delimiter: str) -> None:
    """A header of one column that holds another delimiter has been read with the wrong one."""
    counts = {mark: header.count(mark) for mark in _DELIMITERS if mark != delimiter}
    mark = max(counts, key=counts.__getitem__)
    if counts[mark]:
        raise WrongFile(
            f"{path.name}: with the delimiter {delimiter!r} the header is one column, but it has "
            f'{counts[mark]} times {mark!r}: set delimiter = "{_DELIMITERS[mark]}" in the mapping'
        )


def records(path: Path, required: Collection[str], progress: Progress) -> Iterator[Document]:
    """The records of a CSV or JSON Lines file by name, without the empty values of a CSV file."""
    if not is_csv(path):
        yield from json_lines(path, progress)
        return
    rows = CsvRows(path, encoding="utf-8", delimiter=",", progress=progress)
    missing = set(required) - set(rows.header)
    if missing:
        raise WrongFile(f"{path.name}: column {min(missing)} is missing")
    for row in rows:
        texts = zip(rows.header, map(str.strip, row.values), strict=row.fits)
        yield Document(row.line, {name: text for name, text in texts if text}, row.error)


def until_unreadable(
    documents: Iterable[Document], report: Report, summary: Summary
) -> Iterator[Document]:
    """Count and yield the documents; the place where a file becomes unreadable is reported."""
    try:
        for document in documents:
            summary.lines += 1
            yield document
    except Unreadable as unreadable:
        report_unreadable(unreadable, report, summary)


def report_unreadable(unreadable: Unreadable, report: Report, summary: Summary) -> None:
    """Record that the file was not read to its end."""
    summary.broken = unreadable.error
    report.add(unreadable.line, None, unreadable.error)


def read_layout(path: Path) -> Layout:
    """The layout that a mapping file in TOML or JSON describes; `WrongMapping` if it is invalid."""
    try:
        if path.suffix.lower() == ".json":
            return parse_layout(json_parser.object_from(path.read_bytes()))
        return parse_layout(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongMapping(f"{path.name} is not valid TOML: {error}") from error
    except Refused as refused:
        raise WrongMapping(f"{path.name}: {refused.problem.message}") from refused
