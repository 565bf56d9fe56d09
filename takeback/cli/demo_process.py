"""The demo's worker and sandbox provider, as processes that end when its server ends.

Each reads a pipe whose other end the server inherits and never closes: however the server ends, the
pipe ends too.
"""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

_WORKER, _SANDBOX = "worker", "sandbox"


def start_worker() -> None:
    """Start the worker; it ends with this process, or with the program that replaces it."""
    _start(_WORKER)


def start_sandbox(folder: Path) -> str | None:
    """Start the sandbox provider on a free port; its URL, or None if it does not start."""
    process = _start(_SANDBOX, str(folder), stdout=subprocess.PIPE)
    assert process.stdout
    with process.stdout as output:
        return output.readline().decode().strip() or None


def _start(*arguments: str, stdout: int | None = None) -> subprocess.Popen[bytes]:
    reading_end, writing_end = os.pipe()
    command = [sys.executable, "-P", "-m", __name__, *arguments]
    process = subprocess.Popen(command, stdin=reading_end, stdout=stdout)  # noqa: S603 - our own
    os.close(reading_end)
    os.set_inheritable(writing_end, True)  # noqa: FBT003 - the server keeps it open
    return process


def main() -> None:
    # Until a process handles Ctrl-C itself, it ends without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_stop_with_pipe, daemon=True).start()
    if sys.argv[1] == _WORKER:
        from takeback.cli.worker import worker

        worker()
    else:
        _serve_sandbox(Path(sys.argv[2]))


def _serve_sandbox(folder: Path) -> None:
    """Serve the sandbox as `takeback sandbox-provider` does, and print its URL."""
    from takeback.refund_providers.sandbox_server.server import FILE, SandboxServer

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The data of a demo need no synchronized disk.
    server = SandboxServer(folder / FILE, is_durable=False)
    print(server.url, flush=True)  # noqa: T201 - the parent reads it
    server.serve()


def _stop_with_pipe() -> None:
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
