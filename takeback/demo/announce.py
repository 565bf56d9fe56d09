"""Waits beside the demo's server until it answers, then publishes demo.json and prints the banner.

A script of its own on the standard library alone: the server takes the place of the process
that started it, and nothing that has loaded Django stays behind to wait.
"""

import os
import signal
import sys
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path

PATIENCE_SECONDS = 120
_PAUSE_SECONDS = 0.1
_OK = 200


def main() -> None:
    """Arguments: port, process id of the server, prepared file, final name; banner on stdin."""
    port, server = int(sys.argv[1]), int(sys.argv[2])
    prepared, published = Path(sys.argv[3]), Path(sys.argv[4])
    banner = sys.stdin.read()
    # The starter waits for this process; its child belongs to nobody and leaves no zombie.
    if os.fork():
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end and _is_running(server):
        if _is_ready(port):
            prepared.replace(published)
            print(banner, flush=True)  # noqa: T201 - this is what it is for
            return
        time.sleep(_PAUSE_SECONDS)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _is_ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == _OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    main()
