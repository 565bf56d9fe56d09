"""Processes of a test: none outlives it, and one that does not end fails it with its log."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

END_SECONDS = 60
"""More than a busy machine needs, and less than the time limit of a test."""
_LOG_BYTES = 4_000


def stop(
    process: "subprocess.Popen[Any]", log: Path | None = None, number: int = signal.SIGTERM
) -> int:
    """Send a signal to a process, unless it has ended, and wait for its end."""
    process.send_signal(number)
    return wait_for_end(process, log)


def wait_for_end(
    process: "subprocess.Popen[Any]", log: Path | None = None, seconds: float = END_SECONDS
) -> int:
    """The exit code of a process; one that goes on is killed, and the test fails with its log."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        text = log.read_bytes()[-_LOG_BYTES:].decode(errors="replace") if log else "no log"
        raise AssertionError(
            f"{process.args!r} did not end within {seconds} seconds, and is killed. Log:\n{text}"
        ) from None
    finally:
        _kill(process)


def _kill(process: "subprocess.Popen[Any]") -> None:
    """Kill a process that still runs, and its children."""
    if process.poll() is not None:
        return
    children = _children(process.pid)
    process.kill()
    process.wait()
    for child in children:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def _children(process: int) -> list[int]:
    try:
        text = Path(f"/proc/{process}/task/{process}/children").read_text()
    except OSError:
        return []
    return [int(child) for child in text.split()]
