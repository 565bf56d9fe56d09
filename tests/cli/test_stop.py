"""Signals that stop the server and the worker, whichever moment they come."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from takeback.cli.worker import set_in_thread
from tests.rigs.processes import wait_for_end
from tests.rigs.serving import serving

# Python runs the child's functions in this order: the first one signals before handlers are reset.
FORK = """
import os, signal
os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.SIGTERM))
from takeback.cli.server import keep_signals_of_new_workers
keep_signals_of_new_workers()
signal.signal(signal.SIGTERM, lambda *_: None)
child = os.fork()
if not child:
    os._exit(0)
_, status = os.waitpid(child, 0)
print(os.WIFSIGNALED(status) and signal.Signals(os.WTERMSIG(status)).name)
os.kill(os.getpid(), signal.SIGTERM)
"""


def test_signal_ends_a_worker_that_is_just_forked() -> None:
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, check=True)
    assert done.stdout == "SIGTERM\n"


@pytest.mark.thorough
@pytest.mark.heavy("postgresql")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_running_request_finishes_after_several_signals(tmp_path: Path, number: int) -> None:
    body = b'{"number": "1", "email": "jane@example.com"}'
    with (
        serving(tmp_path, "--workers", "1", "--migrate") as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=60) as client,
    ):
        client.sendall(
            b"POST /users/orders/anonymous/ HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nExpect: 100-continue\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body)
        )
        # The application reads the body.
        assert client.recv(1_000).startswith(b"HTTP/1.1 100")
        parent = server.process.pid
        (worker,) = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        for _ in range(4):
            # A terminal sends Ctrl-C to all its processes, and a service manager may do so, too.
            os.kill(parent, number)
            os.kill(int(worker), number)
            time.sleep(0.3)
        client.sendall(body)
        assert client.recv(1_000).startswith(b"HTTP/1.1 4")
        assert wait_for_end(server.process, server.log) == 0


def test_signal_ends_a_worker_that_holds_the_lock_of_its_event() -> None:
    stop = threading.Event()

    def interrupted() -> None:
        with getattr(stop, "_cond"):  # noqa: B009 - private in typeshed
            set_in_thread(stop)

    handler = threading.Thread(target=interrupted, daemon=True)
    handler.start()
    handler.join(60)
    assert not handler.is_alive(), "the handler waits for the lock"
    assert stop.wait(60)
