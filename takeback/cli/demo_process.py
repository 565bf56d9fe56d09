"""The demo's worker and sandbox provider, as processes that end when its server ends.

Each reads a pipe whose other end the server inherits and never closes: however the server ends, the
pipe ends too. A worker that crashes is started again, as the service manager of a shop does.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

_WORKER, _SUPERVISED_WORKER, _SANDBOX = "worker", "supervised-worker", "sandbox"
_RESTART_SECONDS = 1


def start_worker() -> None:
    """Start the worker; it ends with this process, or with the program that replaces it."""
    _start(_SUPERVISED_WORKER)


def start_sandbox(folder: Path) -> str | None:
    """Start the sandbox provider on a free port; its URL, or None if it does not start."""
    process = _start(_SANDBOX, str(folder), stdout=subprocess.PIPE)
    assert process.stdout
    with process.stdout as output:
        return output.readline().decode().strip() or None


def _start(*arguments: str, stdout: int | None = None) -> subprocess.Popen[bytes]:
    reading_end, writing_end = os.pipe()
    process = subprocess.Popen(_command(*arguments), stdin=reading_end, stdout=stdout)  # noqa: S603 - our own
    os.close(reading_end)
    os.set_inheritable(writing_end, True)  # noqa: FBT003 - the server keeps it open
    return process


def _command(*arguments: str) -> list[str]:
    # The name of the module; `__name__` is another one in a process that runs it.
    return [sys.executable, "-P", "-m", "takeback.cli.demo_process", *arguments]


def main() -> None:
    # Until a process handles Ctrl-C itself, it ends without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_stop_with_pipe, daemon=True).start()
    role, *arguments = sys.argv[1:]
    if role == _SUPERVISED_WORKER:
        _supervise_worker()
    elif role == _WORKER:
        from takeback.cli.worker import worker

        worker()
    else:
        _serve_sandbox(Path(*arguments))


def _supervise_worker() -> None:
    """Run the worker, and run it again after a crash; it reads the same pipe."""
    while code := subprocess.run(_command(_WORKER), check=False).returncode:  # noqa: S603 - our own
        cause = f"signal {-code}" if code < 0 else f"exit code {code}"
        text = f"The worker ended with {cause}; it is started again."
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - the demo's terminal
        time.sleep(_RESTART_SECONDS)


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
