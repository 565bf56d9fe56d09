"""Where log lines go: standard output and error, which may be full, closed or stalled.

A line that cannot be written is lost and counted. Nothing is raised: the request has done its
work, and its response must not depend on a log (decision 0032).
"""

import logging
import os
import select
from threading import Lock
from typing import Any, Literal

STDIN, STDOUT, STDERR = range(3)
# A pipe that is ready takes this many bytes without blocking.
_CHUNK = 4_096
_WAIT_MS = 100
_lock = Lock()
_lost = 0


def write_line(line: str, descriptor: int = STDOUT) -> None:
    """Write a line; wait at most a tenth of a second for a reader that does not read."""
    data = f"{line}\n".encode(errors="backslashreplace")
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        while data:
            if not poll.poll(_WAIT_MS):
                return _count_lost()
            data = data[os.write(descriptor, data[:_CHUNK]) :]
    except OSError:
        _count_lost()
    return None


def _count_lost() -> None:
    global _lost  # noqa: PLW0603 - a counter of the process
    with _lock:
        _lost += 1


def take_lost_lines() -> int:
    """The number of lines lost since the last call."""
    global _lost
    if not _lost:
        return 0
    with _lock:
        lost, _lost = _lost, 0
    return lost


class OutputLogger:
    """The logger behind structlog: writes each line to standard output."""

    def msg(self, line: str) -> None:
        write_line(line)

    log = debug = info = warn = warning = error = critical = fatal = exception = failure = msg


class OutputHandler(logging.Handler):
    """A handler of standard logging that writes to standard error, or to standard output."""

    def __init__(self, stream: Literal["stdout", "stderr"] = "stderr") -> None:
        super().__init__()
        self.descriptor = STDOUT if stream == "stdout" else STDERR

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as error:  # noqa: BLE001 - a line that cannot be formatted is lost, too
            line = f"log line lost: {type(error).__name__} in {record.pathname}:{record.lineno}"
            _count_lost()
        write_line(line, self.descriptor)


def make_logger(*_: Any) -> OutputLogger:
    return OutputLogger()


def open_standard_streams() -> None:
    """Give a process without standard streams pipes that nobody reads.

    Otherwise the next file that it opens, such as the database, becomes its standard output, and
    receives the log. Writing to the pipe fails, so that the lost lines are counted.
    """
    for descriptor in (STDIN, STDOUT, STDERR):
        try:
            os.fstat(descriptor)
        except OSError:
            # The reader gets the lowest free number, the missing one, and is replaced.
            _, writer = os.pipe()
            os.dup2(writer, descriptor)
            os.close(writer)
