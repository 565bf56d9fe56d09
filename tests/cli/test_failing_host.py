"""The server on a host that fails it: logs that cannot be written, a full disk, killed workers."""

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from takeback.orders.models import Order
from tests.channel import shop
from tests.rigs.full_disk import fill, small_disk
from tests.rigs.serving import Server, database_url, serving, serving_to

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.heavy("postgresql"),
    pytest.mark.django_db(transaction=True),
]

ORDERS = "/api/v1/channel/1/create_orders/"
KILLS = 10
SECONDS = 60


@contextmanager
def _output(kind: str) -> Iterator[int]:
    """A descriptor whose writer fails, or waits for ever."""
    with ExitStack() as stack:
        if kind == "full disk":
            file = os.open("/dev/full", os.O_WRONLY)
            stack.callback(os.close, file)
            yield file
            return
        reader, writer = os.pipe()
        stack.callback(os.close, writer)
        if kind == "closed pipe":
            os.close(reader)
        else:
            stack.callback(os.close, reader)
            _fill_pipe(writer)
        yield writer


def _fill_pipe(writer: int) -> None:
    os.set_blocking(writer, False)
    try:
        while os.write(writer, b"x" * 4_096):
            pass
    except BlockingIOError:
        os.set_blocking(writer, True)


def _lost_lines(server: Server) -> float:
    metrics = server.request("/metrics").body.decode()
    name = 'takeback_log_lines_lost_total{log="log"} '
    (count,) = re.findall(f"^{re.escape(name)}(.+)$", metrics, re.MULTILINE)
    return float(count)


@pytest.mark.parametrize("kind", ["closed pipe", "full disk", "stalled pipe"])
def test_log_that_cannot_be_written_fails_no_request(kind: str, tmp_path: Path) -> None:
    key = shop.key()
    with (
        _output(kind) as output,
        serving_to(output, tmp_path, "--workers", "2", DATABASE_URL=database_url()) as server,
    ):
        for number in range(6):
            body = json.dumps(shop.order_body({"number": str(number)})).encode()
            headers = {"authorization": f"Token {key}", "content_type": "application/json"}
            assert server.request(ORDERS, "POST", body, **headers).status == 201
            assert server.request("/health/live").status == 200  # logs nothing
            assert server.request("/nope").status == 404
        assert _lost_lines(server) >= 12
    assert Order.objects.count() == 6
    assert server.process.returncode == 0


def test_full_data_folder_stops_no_worker(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with (
        small_disk(disk, 256),
        (tmp_path / "log").open("wb") as log,
        serving_to(log.fileno(), disk, "--workers", "2", DATABASE_URL=database_url()) as server,
    ):
        fill(disk)
        workers = _workers(server)
        for path in ("/", "/health/ready", "/nope", "/users/orders/") * 5:
            assert server.request(path).status in (200, 401, 404)
        assert _workers(server) == workers


def test_killed_workers_are_replaced(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2", DATABASE_URL=database_url()) as server:
        for _ in range(KILLS):
            _kill(server, _workers(server)[-1:])
            time.sleep(0.5)
        _kill(server, _workers(server))
        assert _is_live(server)
        assert len(_workers(server)) == 2
    assert server.process.returncode == 0


def _kill(server: Server, workers: list[int]) -> None:
    """Kill these workers, and wait until as many others run."""
    expected = len(_workers(server))
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    end = time.monotonic() + SECONDS
    while len(set(_workers(server)) - set(workers)) < expected:
        assert time.monotonic() < end, "killed workers are not replaced"
        assert server.process.poll() is None
        time.sleep(0.05)


def _is_live(server: Server) -> bool:
    """Whether a request succeeds in time; new workers load the application first."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        with suppress(OSError):
            return server.request("/health/live").status == 200
        time.sleep(0.1)
    return False


def _workers(server: Server) -> list[int]:
    parent = server.process.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(pid) for pid in children.split()]
