"""Two servers behind `nginx.conf`, restarted in turn under load: 0 refused, 0 lost."""

import http.client
import json
import re
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tests.channel.shop import order_body
from tests.docs.host import require_programs
from tests.docs.nginx import running_nginx
from tests.rigs.processes import stop
from tests.rigs.serving import TAKEBACK, Server, environment, free_port, wait_until_live

pytestmark = [pytest.mark.heavy("postgresql"), pytest.mark.thorough]

CLIENTS = 3


class Host:
    """A server with a data folder of its own; `restart` waits until it is ready again."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.port, self.folder, self.settings = free_port(), folder, settings
        folder.mkdir()
        self.start()

    def start(self) -> None:
        command = [*TAKEBACK, "serve", "--workers", "1", "--port", str(self.port)]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, env=environment(self.folder, **self.settings), stdout=log, stderr=log
            )
        wait_until_live(Server(self.port, self.folder, self.folder / "server.log", self.process))

    def stop(self) -> None:
        assert stop(self.process, self.folder / "server.log") == 0

    def restart(self) -> None:
        self.stop()
        self.start()


class Load:
    """Clients that send orders through nginx, one after another, and count the responses."""

    def __init__(self, port: int, certificate: Path, key: str) -> None:
        self.port, self.key = port, key
        self.tls = ssl.create_default_context(cafile=certificate)
        self.statuses = Counter[int | str]()
        self.is_running = True

    def run(self, client: int) -> None:
        number = 0
        while self.is_running:
            number += 1
            body = order_body({"number": f"{client}-{number}"})
            try:
                status: int | str = self.send("POST", "create_orders/", json.dumps(body))[0]
            except OSError as error:
                status = type(error).__name__
            self.statuses[status] += 1

    def send(self, method: str, path: str, body: str = "") -> tuple[int, bytes]:
        """The status and the body of the response to a request."""
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, context=self.tls, timeout=30
        )
        headers = {"Authorization": f"Token {self.key}", "Content-Type": "application/json"}
        with closing(connection):
            connection.request(method, f"/api/v1/channel/1/{path}", body, headers)
            response = connection.getresponse()
            return response.status, response.read()

    @contextmanager
    def running(self) -> Iterator[None]:
        threads = [threading.Thread(target=self.run, args=(at,)) for at in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.is_running = False
            for thread in threads:
                thread.join()


def test_two_servers_restart_in_turn_without_a_lost_or_refused_order(tmp_path: Path) -> None:
    require_programs("nginx", "openssl")
    https = free_port()
    settings = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/shop.sqlite3",
        "SECRET_KEY": "s" * 50,
        "DATA_KEYS": "1=" + "QUJD" * 10 + "QUI=",
        "SITE_URL": f"https://127.0.0.1:{https}",
        "TRUSTED_PROXIES": "1",
    }
    with ExitStack() as stack:
        key = _set_up(tmp_path / "setup", settings)
        hosts = [Host(tmp_path / name, settings) for name in ("first", "second")]
        for host in hosts:
            stack.callback(host.stop)
        ports = [host.port for host in hosts]
        nginx = stack.enter_context(running_nginx(tmp_path / "nginx", ports, https))
        load = Load(https, nginx.certificate, key)
        with load.running():
            time.sleep(0.5)
            for host in hosts:
                host.restart()
            time.sleep(0.5)
        orders = json.loads(load.send("GET", "orders/?limit=1")[1])

    assert set(load.statuses) == {201}, load.statuses
    assert orders["count"] == load.statuses[201]


def _set_up(folder: Path, settings: dict[str, str]) -> str:
    """Set up a shop; returns its API key."""
    folder.mkdir()
    options = ["--shop", "Shop", "--staff", "ada", "--email", "ada@shop.example"]
    command = [*TAKEBACK, "init", *options, "--drop-off", "Counter", "--key", "erp"]
    result = subprocess.run(
        command,
        env=environment(folder, **settings),
        capture_output=True,
        text=True,
        check=True,
    )
    key = re.search(r"tkb_live_\w+", result.stdout)
    assert key is not None
    return key[0]
