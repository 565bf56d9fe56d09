"""A PostgreSQL server of a test that is stopped for a while, as on a host that is lost."""

import os
import signal
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
        yield
    finally:
        for process in reversed(stopped):
            os.kill(process, signal.SIGCONT)


def _parent(process: int) -> int:
    """The number after the process's state."""
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def _children(process: int) -> list[int]:
    words = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(word) for word in words]
