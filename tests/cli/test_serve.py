"""`takeback serve` as it runs: responses, log, metrics, memory and shutdown."""

import json
import re
import socket
import subprocess
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from takeback.cli.serve import DRAIN_SECONDS
from takeback.cli.server import web_server
from tests.rigs.processes import stop, wait_for_end
from tests.rigs.serving import TAKEBACK, Server, environment, free_port, serving

pytestmark = pytest.mark.heavy("postgresql")

SLOW_CLIENTS = 600
WORKERS_MEMORY_MIB = 220
LOG_SECONDS = 30


def _log(server: Server) -> list[dict[str, object]]:
    """The complete lines of the log; the server may be writing another one."""
    text, _, _ = server.log.read_text().rpartition("\n")
    return [json.loads(line) for line in text.splitlines()]


def _log_of_request(server: Server, request_id: str) -> list[dict[str, object]]:
    """The lines of a request, once a later request is logged after them."""
    server.request("/nope", x_request_id=f"after-{request_id}")
    end = time.monotonic() + LOG_SECONDS
    while not any(line.get("request_id") == f"after-{request_id}" for line in _log(server)):
        assert time.monotonic() < end, "the request is not in the log"
        time.sleep(0.05)
    return [line for line in _log(server) if line.get("request_id") == request_id]


def test_request_is_logged_as_one_line_without_personal_data(server: Server) -> None:
    server.request(
        "/nobody/jane.doe?email=jane.doe@example.com",
        x_request_id="one-line",
        cookie="osessionid=secretcookie",
        authorization="Token secretkey",
    )
    (line,) = _log_of_request(server, "one-line")
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


def test_log_lines_are_json_objects(server: Server) -> None:
    server.request("/")
    lines = _log(server)
    assert all(isinstance(line, dict) for line in lines)
    assert lines[0]["event"] == "serving"


@pytest.mark.parametrize("path", ["/", "/health/live", "/static/ui/style.css", "/nope"])
def test_responses_do_not_name_the_server_version(server: Server, path: str) -> None:
    headers = server.request(path).headers
    assert headers["server"] == "granian"
    assert "x-powered-by" not in headers


def test_static_files_have_safe_headers(server: Server) -> None:
    response = server.request("/static/ui/style.css")
    assert (response.status, response.headers["content-type"]) == (200, 'text/css; charset="utf-8"')
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "access-control-allow-origin" not in response.headers


def test_metrics_count_requests_of_any_worker(server: Server) -> None:
    # Which worker takes a request is up to the system; `test_metrics` adds up two for certain.
    labels = b'method="DELETE",route="^health/ready/?$",status="405"'
    sample = b"takeback_requests_total{" + labels + b"} 40.0"
    for _ in range(40):
        assert server.request("/health/ready", "DELETE").status == 405
    assert {server.request("/metrics").body.count(sample) for _ in range(10)} == {1}
    (folder,) = Path("/dev/shm").glob(f"takeback-metrics-*-{server.port}")
    assert list(folder.glob("counter_*"))


def test_slow_clients_do_not_block_the_health_check(server: Server) -> None:
    with ExitStack() as stack:
        for _ in range(SLOW_CLIENTS):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow")
        assert server.request("/health/live").status == 200
        # The server has not yet closed the last connection, which it does after ten seconds.
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.recv(1)


def test_two_workers_stay_within_their_memory_limit(server: Server) -> None:
    for path in ("/", "/health/ready", "/metrics", "/users/orders/cancellation_reasons/") * 10:
        server.request(path)
    children = _children(server.process.pid)
    assert len(children) == 2
    sizes = [_resident_mib(process) for process in children]
    assert sum(sizes) <= WORKERS_MEMORY_MIB, sizes


def _resident_mib(process: str) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    match = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert match is not None
    return int(match[1]) // 1024


def test_server_without_a_database_is_live_but_not_ready(
    tmp_path: Path,
) -> None:
    database = "postgres://nobody@127.0.0.1:1/nothing"
    with serving(tmp_path, "--workers", "1", DATABASE_URL=database) as server:
        assert server.request("/health/live").body == b'{"status":"ok"}'
        response = server.request("/health/ready")
        assert (response.status, response.headers["retry-after"]) == (503, "5")
        assert json.loads(response.body)["code"] == "unavailable"
        assert stop(server.process, server.log) == 0


@pytest.mark.thorough
def test_server_stops_while_its_workers_are_loading(tmp_path: Path) -> None:
    command = [*TAKEBACK, "serve", "--port", str(free_port()), "--migrate"]
    with subprocess.Popen(command, env=environment(tmp_path)) as server:
        while not any("msgspec" in _mapped(child) for child in _children(server.pid)):
            assert server.poll() is None
            time.sleep(0.01)
        stopped = time.monotonic()
        server.terminate()
        assert wait_for_end(server) == 0
        # Workers that ignore the signal are killed after this time.
        assert time.monotonic() - stopped < DRAIN_SECONDS


def _children(process: int) -> list[str]:
    return Path(f"/proc/{process}/task/{process}/children").read_text().split()


def _mapped(process: str) -> str:
    """The libraries that a process has loaded."""
    try:
        return Path(f"/proc/{process}/maps").read_text()
    except OSError:
        return ""


def test_signal_ends_a_server_that_holds_the_lock_of_its_event() -> None:
    server = web_server(host="127.0.0.1", port=free_port(), workers=1, drain_seconds=1)

    def interrupted() -> None:
        with getattr(server.main_loop_interrupt, "_cond"):  # noqa: B009 - private in typeshed
            server.signal_handler_interrupt()

    handler = threading.Thread(target=interrupted, daemon=True)
    handler.start()
    handler.join(10)
    assert not handler.is_alive(), "the handler waits for the lock"
    assert server.main_loop_interrupt.wait()
