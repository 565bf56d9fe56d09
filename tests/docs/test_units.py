"""The systemd units: restart, clean stop, and a sandbox in which the program still works."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from configparser import RawConfigParser
from pathlib import Path

import pytest

from takeback.images.sanitizer import LENGTH_BYTES
from tests.conftest import CI
from tests.images.samples import image_bytes
from tests.rigs.serving import TAKEBACK, environment, free_port
from tests.test_architecture import ROOT

DEPLOY = ROOT / "deploy"
UNITS = ("takeback-web", "takeback-worker")


def options(unit: str) -> dict[str, str]:
    """The options of a unit's service."""
    parser = RawConfigParser(strict=False)
    parser.read(DEPLOY / f"{unit}.service")
    return dict(parser["Service"])


def test_units_differ_in_their_program_only() -> None:
    web, worker = map(options, UNITS)
    assert web.pop("execstart") == "/opt/takeback/bin/takeback serve --port 8000 --workers 4"
    assert worker.pop("execstart") == "/opt/takeback/bin/takeback worker"
    assert web.pop("limitnofile") == "8192"
    assert web == worker
    assert (web["restart"], web["killmode"]) == ("always", "mixed")


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        (pytest.fail if CI else pytest.skip)(f"{name} is not installed")
    return path


@pytest.mark.parametrize("unit", UNITS)
def test_sandbox_of_a_unit_is_tight(unit: str) -> None:
    command = [_program("systemd-analyze"), "security", "--offline=true", "--threshold=25"]
    done = subprocess.run(
        [*command, DEPLOY / f"{unit}.service"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-300:]


def allowed_system_calls() -> set[str]:
    """The system calls of @system-service, with those of the sets that it includes."""
    command = [_program("systemd-analyze"), "syscall-filter", "--no-pager"]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    groups: dict[str, list[str]] = {}
    name = ""
    for line in listing.splitlines():
        if line.startswith("@"):
            name = line.strip()
            groups[name] = []
        elif name and (word := line.strip()) and not word.startswith("#"):
            groups[name].append(word)
    pending = ["@system-service", "@default"]
    calls: set[str] = set()
    while pending:
        for word in groups[pending.pop()]:
            (pending.append if word.startswith("@") else calls.add)(word)
    return calls


def used_system_calls(trace: Path) -> set[str]:
    """The system calls in the output of strace."""
    return set(re.findall(r"^(?:\d+ +)?(\w+)\(", trace.read_text(), re.MULTILINE))


@pytest.mark.thorough
@pytest.mark.heavy("postgresql")
def test_server_uses_allowed_system_calls_only(tmp_path: Path) -> None:
    trace, port = tmp_path / "trace", free_port()
    tracing = [_program("strace"), "-f", "-qq", "-o", str(trace)]
    serve = [*TAKEBACK, "serve", "--port", str(port), "--workers", "1", "--migrate"]
    with subprocess.Popen([*tracing, *serve], env=environment(tmp_path)) as tracer:
        try:
            _wait_for(f"http://127.0.0.1:{port}/health/ready")
        finally:
            # strace blocks signals; it ends with the program.
            (server,) = Path(f"/proc/{tracer.pid}/task/{tracer.pid}/children").read_text().split()
            os.kill(int(server), signal.SIGTERM)
    assert len(used_system_calls(trace)) > 50
    assert used_system_calls(trace) - allowed_system_calls() == set()


@pytest.mark.thorough
@pytest.mark.heavy("postgresql")
def test_image_sanitizer_uses_allowed_system_calls_only(tmp_path: Path) -> None:
    trace, image = tmp_path / "trace", image_bytes()
    program = ROOT / "takeback" / "images" / "sanitizer.py"
    tracing = [_program("strace"), "-f", "-qq", "-o", str(trace)]
    frame = len(image).to_bytes(LENGTH_BYTES) + image
    done = subprocess.run(
        [*tracing, sys.executable, "-P", program], input=frame, capture_output=True, check=True
    )
    assert done.stdout[:1] == b"J"
    assert used_system_calls(trace) - allowed_system_calls() == set()


def _wait_for(url: str) -> None:
    end = time.monotonic() + 60
    while subprocess.run(["curl", "-sSf", url], capture_output=True, check=False).returncode:
        assert time.monotonic() < end
        time.sleep(0.2)
