"""A PostgreSQL server of a test that is stopped for a while, as on a host that is lost."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg


@contextmanager
def frozen(url: str) -> Iterator[None]:
    """Stop all processes of this server, which must be the test's own, until the block ends."""
    with psycopg.connect(url) as session:
        postmaster = _parent(session.info.backend_pid)
    stopped: list[int] = []
    try:
        # First the postmaster: it must not start another process meanwhile.
        for process in (postmaster, *_children(postmaster)):
            os.kill(process, signal.SIGSTOP)
            stopped.append(process)
            _wait_until_stopped(process)
        yield
    finally:
        for process in reversed(stopped):
            os.kill(process, signal.SIGCONT)


def _wait_until_stopped(process: int) -> None:
    """The signal only asks for it: a process that still runs starts others, and responds."""
    while _stat(process)[0] not in "TZ":
        time.sleep(0.01)


def _parent(process: int) -> int:
    return int(_stat(process)[1])


def _stat(process: int) -> list[str]:
    """The state of a process, its parent, and more."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()


def _children(process: int) -> list[int]:
    words = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(word) for word in words]
