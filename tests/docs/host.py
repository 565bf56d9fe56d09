"""A host for the pages about installing: the system's folders below a temporary one.

Three programs have stand-ins because a test has neither root nor systemd: `systemctl` runs the
ExecStart line of a unit, `runuser` runs the command as the present user, and `nginx` reads its
configuration below the temporary folder.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import CI
from tests.docs.shell import Session, localize, session
from tests.rigs.serving import free_port
from tests.test_architecture import ROOT

SYSTEM_FOLDERS = (
    "/etc",
    "/opt/takeback",
    "/var/lib/takeback",
    "/usr/local/bin",
    "/backup",
    "/var/log/nginx",
)
SOURCES = ("pyproject.toml", "uv.lock", "README.md", "LICENSE", "nginx.conf")
NGINX = """
{user}
pid {root}/nginx.pid;
error_log {root}/nginx.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {root}/body;
  proxy_temp_path {root}/proxy;
  fastcgi_temp_path {root}/fastcgi;
  uwsgi_temp_path {root}/uwsgi;
  scgi_temp_path {root}/scgi;
  include {root}/etc/nginx/conf.d/*.conf;
}}
"""


class Host(NamedTuple):
    """A host: its folder, the texts of pages that differ on it, and its variables."""

    root: Path
    replacements: Mapping[str, str]
    environment: Mapping[str, str]
    ports: Mapping[str, int]

    @contextmanager
    def shell(self) -> Iterator[Session]:
        """A reader's shell in the home folder; at the end all that it started has ended."""
        try:
            with session(self.root / "home", self.environment, self.replacements) as running:
                yield running
        finally:
            self._stop_nginx()

    def _stop_nginx(self) -> None:
        """nginx is a daemon: it has left the shell's session."""
        process = self.root / "nginx.pid"
        if process.exists():
            os.kill(int(process.read_text()), signal.SIGTERM)


def create_host(root: Path, tools: Path | None, **replacements: str) -> Host:
    """Create a host with a clone of this checkout; `tools` has the programs of PostgreSQL."""
    ports = {name: free_port() for name in ("web", "http", "https")}
    texts = {folder: f"{root}{folder}" for folder in SYSTEM_FOLDERS} | {
        "8000": str(ports["web"]),
        "--workers 4": "--workers 1",
        "127.0.0.1:443": f"127.0.0.1:{ports['https']}",
        "listen 443": f"listen 127.0.0.1:{ports['https']}",
        "listen 80": f"listen 127.0.0.1:{ports['http']}",
        **replacements,
    }
    home, units = root / "home", root / "etc" / "systemd" / "system"
    folders = "usr/local/bin", "backup", "etc/nginx", "var/log/nginx"
    for folder in (home, units, *(root / name for name in folders)):
        folder.mkdir(parents=True)
    user = "user root;" if os.geteuid() == 0 else ""  # the folders belong to the present user
    (root / "etc/nginx/nginx.conf").write_text(NGINX.format(root=root, user=user))
    _clone(home / "takeback", texts)
    programs = [root / "usr/local/bin", _stand_ins(root), Path(sys.executable).parent]
    path = ":".join(map(str, [*programs, *([tools] if tools else []), os.environ["PATH"]]))
    environment = {
        "PATH": f"{path}:/usr/sbin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "UNITS": str(units),
        "UV_OFFLINE": "1",
        "UV_CACHE_DIR": _uv_cache(),
        "UV_PYTHON": str(Path(sys.executable).resolve()),
    }
    return Host(root, texts, environment, ports)


def _uv_cache() -> str:
    command = [str(Path(sys.executable).parent / "uv"), "cache", "dir"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _clone(target: Path, texts: Mapping[str, str]) -> None:
    """A copy of the checkout's files that installing needs, with the folders of this host."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "takeback", target / "takeback", ignore=ignored)
    shutil.copytree(ROOT / "deploy", target / "deploy")
    for name in SOURCES:
        shutil.copy(ROOT / name, target / name)
    for file in [*(target / "deploy").iterdir(), target / "nginx.conf"]:
        file.write_text(localize(file.read_text(), texts))


def _stand_ins(root: Path) -> Path:
    folder = root / "stand-ins"
    folder.mkdir()
    shutil.copy(Path(__file__).with_name("systemctl"), folder)
    scripts = {
        "runuser": 'shift 3\nexec "$@"',
        "nginx": f"exec {shutil.which('nginx', path='/usr/sbin:/usr/bin')} -e stderr "
        f'-c {root}/etc/nginx/nginx.conf "$@"',
    }
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return folder


PACKAGES = {
    "curl": "curl",
    "jq": "jq",
    "nginx": "nginx-light",
    "openssl": "openssl",
    "sqlite3": "sqlite3",
    "systemd-analyze": "systemd",
}
"""The Debian packages of the programs that pages use."""


def require_programs(*names: str) -> None:
    """Skip the test, or fail it in CI, if this machine lacks a program."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    missing = [PACKAGES[name] for name in names if not shutil.which(name, path=path)]
    if missing:
        (pytest.fail if CI else pytest.skip)(f"not installed: {' '.join(missing)}")
