"""nginx with the file of this checkout, on other ports and in another folder."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tests.docs.host import NGINX
from tests.docs.shell import localize
from tests.rigs.processes import stop
from tests.rigs.serving import free_port
from tests.test_architecture import ROOT

_SERVER = "server web:8000 max_fails=0;"


class Proxy(NamedTuple):
    """A running nginx, with a certificate for 127.0.0.1."""

    http: int
    https: int
    certificate: Path
    logs: Path


def create_certificate(folder: Path) -> Path:
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    return folder / "certificate.pem"


@contextmanager
def running_nginx(folder: Path, web_ports: Sequence[int], https: int) -> Iterator[Proxy]:
    """nginx in front of servers on these ports, until the block ends."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin") or "nginx"
    http, tls = free_port(), folder / "etc/nginx/tls"
    tls.mkdir(parents=True)
    (folder / "etc/nginx/conf.d").mkdir()
    logs = folder / "var/log/nginx"
    logs.mkdir(parents=True)
    texts = {
        "listen 443": f"listen 127.0.0.1:{https}",
        "listen 80": f"listen 127.0.0.1:{http}",
        "/etc/nginx": f"{folder}/etc/nginx",
        "/var/log/nginx": str(logs),
    }
    servers = [_SERVER.replace("web:8000", f"127.0.0.1:{port}") for port in web_ports]
    text = (ROOT / "nginx.conf").read_text().replace(_SERVER, " ".join(servers))
    (folder / "etc/nginx/conf.d/site.conf").write_text(localize(text, texts))
    (folder / "nginx.conf").write_text(NGINX.format(root=folder, user=""))
    certificate = create_certificate(tls)
    command = [nginx, "-e", "stderr", "-c", str(folder / "nginx.conf")]
    check = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stderr
    process = subprocess.Popen([*command, "-g", "daemon off;"], stderr=subprocess.DEVNULL)
    try:
        _wait_for(https)
        yield Proxy(http, https, certificate, logs)
    finally:
        stop(process)


def _wait_for(port: int) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise RuntimeError("nginx does not listen")
