"""The worker of the demo: a process that ends when the demo's server ends.

It reads a pipe whose other end the server inherits and never closes: however the server ends, the
pipe ends too.
"""

import os
import signal
import subprocess
import sys
import threading


def start_worker() -> None:
    """Start the worker; it ends with this process, or with the program that replaces it."""
    reading_end, writing_end = os.pipe()
    subprocess.Popen([sys.executable, "-P", "-m", __name__], stdin=reading_end)  # noqa: S603 - our own
    os.close(reading_end)
    os.set_inheritable(writing_end, True)  # noqa: FBT003 - the server keeps it open


def main() -> None:
    # Until the worker handles Ctrl-C itself, it ends without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_stop_with_pipe, daemon=True).start()
    from takeback.cli.worker import worker

    worker()


def _stop_with_pipe() -> None:
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
