"""The measured server: `takeback serve` as in production, on a free port."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.processes import parent_of, resident_mib, tree
from benchmarks.shop import SECRETS

ROOT = Path(__file__).parent.parent
SITE_URL = "http://127.0.0.1:8000"
OURS, REFERENCE = "takeback.settings", "benchmarks.drf_settings"
_START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout and its virtual environment; it may have other modules than this one."""

    root: Path
    venv: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.venv / "bin" / "python"


THIS = Checkout(ROOT, Path(sys.prefix))


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its first process and its port."""

    pid: int
    port: int

    def workers_mib(self) -> float:
        """Resident memory of the two workers together."""
        return resident_mib(pid for pid in tree(self.pid) if parent_of(pid) == self.pid)

    def all_mib(self) -> float:
        """Resident memory of the workers and of their supervisor."""
        return resident_mib(tree(self.pid))


def environment(
    database_url: str,
    folder: str,
    settings: str = OURS,
    *,
    limits: bool = True,
    checkout: Checkout = THIS,
) -> dict[str, str]:
    """The environment of a process. Loopback is a storefront server, as in the demo; limits are on
    unless only time is measured."""
    return (
        os.environ
        | SECRETS
        | {
            "DATABASE_URL": database_url,
            "DATA_DIR": folder,
            "DJANGO_SETTINGS_MODULE": settings,
            "PYTHONPATH": str(checkout.root),
            "STOREFRONT_SERVERS": "127.0.0.0/8",
            "SITE_URL": SITE_URL,
            "KEY_REQUESTS_PER_MINUTE": "1000000",
            "LIMITS_ENABLED": "1" if limits else "0",
        }
    )


@contextmanager
def serving(
    database_url: str, settings: str = OURS, *, limits: bool = True, checkout: Checkout = THIS
) -> Iterator[Server]:
    """A server with two workers of one thread each; it is stopped at the end."""
    with TemporaryDirectory(prefix="takeback-bench-") as folder:
        port = _free_port()
        takeback = checkout.venv / "bin" / "takeback"
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [takeback, "serve", "--port", str(port), "--workers", "2"],
                env=environment(database_url, folder, settings, limits=limits, checkout=checkout),
                cwd=folder,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait_until_ready(port, process, log)
            yield Server(process.pid, port)
        finally:
            process.terminate()
            process.wait(timeout=60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"the server did not start: {log.read_text()[-4_000:]}")
