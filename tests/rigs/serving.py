"""The real server for a test: `takeback serve` in its own processes, on a free port."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from tests.rigs.processes import stop

TAKEBACK = [sys.executable, "-P", "-c", "from takeback.cli.main import app; app()"]
_START_SECONDS = 100


class Response(NamedTuple):
    """The response to a request."""

    status: int
    headers: dict[str, str]
    body: bytes


class Server(NamedTuple):
    """A running server; `folder` is its data folder, `log` its output."""

    port: int
    folder: Path
    log: Path
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"http://127.0.0.1:{self.port}"

    def request(
        self, path: str, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> Response:
        """Send a request on a new connection; `x_request_id=` is the header X-Request-Id."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, headers=named)
        response = connection.getresponse()
        lower_case = {name.lower(): value for name, value in response.getheaders()}
        body = response.read()
        connection.close()
        return Response(response.status, lower_case, body)


def environment(folder: Path, **more: str) -> dict[str, str]:
    """The environment of a command: this folder, SQLite, and few variables of the caller."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    settings = {"DJANGO_SETTINGS_MODULE": "takeback.settings", "DATA_DIR": str(folder)}
    return inherited | settings | more


def database_url() -> str:
    """The database of the running test, for another process."""
    from django.db import connection

    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    user, password = quote(database["USER"]), quote(database["PASSWORD"] or "")
    return f"postgres://{user}:{password}@{database['HOST']}:{database['PORT']}/{database['NAME']}"


def free_port() -> int:
    """A port on which no process listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(folder: Path, *arguments: str, **settings: str) -> Iterator[Server]:
    """`takeback serve` with these arguments and settings, until the block ends."""
    with (
        (folder / "server.log").open("wb") as log,
        serving_to(log.fileno(), folder, *arguments, **settings) as server,
    ):
        yield server


@contextmanager
def serving_to(output: int, folder: Path, *arguments: str, **settings: str) -> Iterator[Server]:
    """As `serving`; this descriptor is the server's standard output and error."""
    port, log = free_port(), folder / "server.log"
    command = [*TAKEBACK, "serve", "--port", str(port), *arguments]
    process = subprocess.Popen(
        command, env=environment(folder, **settings), stdout=output, stderr=output
    )
    server = Server(port, folder, log, process)
    try:
        wait_until_live(server)
        yield server
    finally:
        stop(process, log if log.exists() else None)


def wait_until_live(server: Server) -> None:
    """Wait until the server answers."""
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and server.process.poll() is None:
        try:
            server.request("/health/live")
        except OSError:
            time.sleep(0.1)
        else:
            return
    log = server.log.read_text() if server.log.exists() else "no log"
    raise RuntimeError(f"the server did not start: {log}")
