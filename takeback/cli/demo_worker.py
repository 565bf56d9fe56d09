"""The worker beside the demo's server: a process that ends when the server does.

It holds the reading end of a pipe whose other end the server keeps open, unknowingly, for as long
as it lives: however the server ends, the pipe does too.
"""

import os
import signal
import subprocess
import sys
import threading


def start_worker() -> None:
    """Start it; it ends with this process, or with the program that takes its place."""
    reading, kept = os.pipe()
    subprocess.Popen([sys.executable, "-P", "-m", __name__], stdin=reading)  # noqa: S603 - our own
    os.close(reading)
    os.set_inheritable(kept, True)  # noqa: FBT003 - the server keeps it


def main() -> None:
    """Work until the pipe ends, or Ctrl-C."""
    # Until the worker listens for itself, a Ctrl-C ends it without a word.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_leave_at_the_end, daemon=True).start()
    from takeback.cli.worker import worker

    worker()


def _leave_at_the_end() -> None:
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
