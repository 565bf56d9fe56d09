"""A sandbox provider in this process, on a free port, with accounts for every capability."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import ThreadingMixIn
from tempfile import TemporaryDirectory

from takeback.refund_providers.capabilities import CAPABILITIES
from takeback.refund_providers.sandbox_server.client import SandboxAdmin
from takeback.refund_providers.sandbox_server.server import SandboxServer
from takeback.refunds.providers import AccountAccess

SANDBOXES = tuple(name for name in CAPABILITIES if name.startswith("sandbox"))
"""The names of all adapters that speak to a sandbox."""


class Sandbox:
    """A running server and its admin routes; `ledger` is the truth, in the sandbox's amounts."""

    def __init__(self, server: SandboxServer) -> None:
        self.server = server
        self.url = server.url
        self.ledger = server.ledger
        self.admin = SandboxAdmin(server.url)

    def clear(self) -> None:
        """Empty the ledger; each adapter's name is an account that keeps what the table says."""
        self.admin.clear()
        for name in SANDBOXES:
            self.admin.put_account(name, behaves_like=name, secret=f"{name}-secret")

    def access(self, name: str = "sandbox", *, is_test: bool = True) -> AccountAccess:
        """The access of an account."""
        credentials = {"secret": f"{name}-secret", "webhook_secret": f"{name}-webhook-secret"}
        return AccountAccess(self.url, name, credentials, is_test=is_test)

    def wait_until_idle(self) -> None:
        """Wait until the requests of clients that have died are executed.

        Connections are accepted in their order: after an own request all others have a thread.
        """
        self.admin.jump(0)
        for thread in threading.enumerate():
            if ThreadingMixIn.process_request_thread.__name__ in thread.name:
                thread.join()

    def moved(self, payment: str) -> int:
        """What went back or is on its way, in minor units of the sandbox."""
        return self.ledger.refunded(payment)


@contextmanager
def running_sandbox() -> Iterator[Sandbox]:
    """A sandbox that ends with the block; its ledger survives a kill, but not a power failure."""
    with (
        TemporaryDirectory(prefix="takeback-sandbox-") as folder,
        SandboxServer(Path(folder) / "sandbox.sqlite3", is_durable=False) as server,
    ):
        yield Sandbox(server)


@contextmanager
def sandbox_process(folder: Path, port: int) -> Iterator["subprocess.Popen[str]"]:
    """A sandbox in a process of its own, which is killed at the end; its ledger stays."""
    program = "from takeback.cli.main import app; app()"
    command = [sys.executable, "-c", program, "sandbox-provider"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--data", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout
        assert f":{port}" in process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate()
