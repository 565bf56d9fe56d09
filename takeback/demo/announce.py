"""Waits until the demo's server answers, then publishes demo.json and prints the banner.

A separate script that uses only the standard library: the server replaces the process that
started it, and no process with Django in its memory has to wait.
"""

import os
import signal
import sys
import time
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path

TIMEOUT_SECONDS = 120
_PAUSE_SECONDS = 0.1
_OK = 200


def main() -> None:
    """Arguments: port, process id of the server, prepared file, final name; banner on stdin."""
    port, server = int(sys.argv[1]), int(sys.argv[2])
    prepared, published = Path(sys.argv[3]), Path(sys.argv[4])
    banner = sys.stdin.read()
    # The starter waits for this process. Its child is orphaned and leaves no zombie.
    if os.fork():
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline and _is_running(server):
        if _is_ready(port):
            prepared.replace(published)
            print(banner, flush=True)  # noqa: T201 - its purpose
            return
        time.sleep(_PAUSE_SECONDS)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _is_ready(port: int) -> bool:
    with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == _OK
        except (OSError, HTTPException):
            return False


if __name__ == "__main__":
    main()
