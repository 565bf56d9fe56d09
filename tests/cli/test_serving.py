"""The server as it runs: its answers, its log, its figures, its end."""

import json
import re
import signal
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.rigs.serving import TAKEBACK, Server, environment, free_port, serving

pytestmark = pytest.mark.heavy("postgresql")

SLOW_CLIENTS = 600
WORKERS_MEMORY_MIB = 220


def _lines(server: Server, request_id: str) -> list[dict[str, object]]:
    """The log's lines about one request; written before its answer leaves, read a moment later."""
    time.sleep(0.2)
    lines = map(json.loads, server.log.read_text().splitlines())
    return [line for line in lines if line.get("request_id") == request_id]


def test_a_request_leaves_one_line_without_anything_personal(server: Server) -> None:
    server.request(
        "/nobody/jane.doe?email=jane.doe@example.com",
        x_request_id="one-line",
        cookie="osessionid=secretcookie",
        authorization="Token secretkey",
    )
    (line,) = _lines(server, "one-line")
    assert (line.pop("ms"), line.pop("timestamp")) != (None, None)
    assert line == {
        "event": "request",
        "level": "info",
        "method": "GET",
        "request_id": "one-line",
        "route": None,
        "status": 404,
    }
    assert not re.search("jane|secret", server.log.read_text())


def test_every_line_of_the_log_is_one_json_object(server: Server) -> None:
    server.request("/", x_request_id="any")
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert all(isinstance(line, dict) for line in lines)
    assert lines[0]["event"] == "serving"


@pytest.mark.parametrize("path", ["/", "/health/live", "/static/home/portal.css", "/nope"])
def test_the_server_does_not_tell_its_version(server: Server, path: str) -> None:
    headers = server.request(path).headers
    assert headers["server"] == "granian"
    assert "x-powered-by" not in headers


def test_static_files_are_served_safely(server: Server) -> None:
    answer = server.request("/static/home/portal.css")
    assert (answer.status, answer.headers["content-type"]) == (200, 'text/css; charset="utf-8"')
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "access-control-allow-origin" not in answer.headers


def test_the_figures_of_all_workers_are_added_up(server: Server) -> None:
    labels = b'method="DELETE",route="^health/live/?$",status="405"'
    sample = b"takeback_requests_total{" + labels + b"} 40.0"
    for _ in range(40):
        assert server.request("/health/live", "DELETE").status == 405
    shown = {server.request("/metrics").body.count(sample) for _ in range(10)}
    assert shown == {1}
    writers = {path.name for path in (server.folder / f"metrics-{server.port}").glob("counter_*")}
    assert len(writers) == 2


def test_slow_clients_do_not_stop_the_health_check(server: Server) -> None:
    with ExitStack() as stack:
        for _ in range(SLOW_CLIENTS):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            slow.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow")
        started = time.monotonic()
        assert server.request("/health/live").status == 200
        # Their headers would time out after ten seconds.
        assert time.monotonic() - started < 5


def test_two_workers_stay_within_their_memory(server: Server) -> None:
    for path in ("/", "/health/ready", "/metrics", "/users/orders/cancellation_reasons/") * 10:
        server.request(path)
    children = _children(server.process.pid)
    assert len(children) == 2
    sizes = [_resident_mib(process) for process in children]
    assert sum(sizes) <= WORKERS_MEMORY_MIB, sizes


def _resident_mib(process: str) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) // 1024


def test_without_a_database_the_server_lives_but_is_not_ready_and_leaves_when_told(
    tmp_path: Path,
) -> None:
    nowhere = "postgres://nobody@127.0.0.1:1/nothing"
    with serving(tmp_path, "--workers", "1", DATABASE_URL=nowhere) as server:
        assert server.request("/health/live").body == b'{"status":"ok"}'
        answer = server.request("/health/ready")
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert json.loads(answer.body)["code"] == "unavailable"
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=10) == 0


def test_a_server_whose_workers_still_load_leaves_at_once(tmp_path: Path) -> None:
    command = [*TAKEBACK, "serve", "--port", str(free_port()), "--workers", "2"]
    with subprocess.Popen(command, env=environment(tmp_path)) as server:
        while not any("msgspec" in _mapped(child) for child in _children(server.pid)):
            assert server.poll() is None
            time.sleep(0.01)
        told = time.monotonic()
        server.terminate()
        assert server.wait(timeout=60) == 0
        assert time.monotonic() - told < 15


def _children(process: int) -> list[str]:
    return Path(f"/proc/{process}/task/{process}/children").read_text().split()


def _mapped(process: str) -> str:
    """The libraries that a process has loaded so far."""
    try:
        return Path(f"/proc/{process}/maps").read_text()
    except OSError:
        return ""
