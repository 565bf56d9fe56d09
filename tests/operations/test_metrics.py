"""Metrics: their values, and who may read them."""

import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from pytest_django import Settings

from tests.factories import HttpClient, create_message
from tests.rigs.full_disk import small_disk
from tests.rigs.serving import environment

ABSENT = b'{"detail":"Not found.","code":"not_found"}'


def _count(**labels: str) -> float:
    return REGISTRY.get_sample_value("takeback_requests_total", labels) or 0


@pytest.mark.parametrize(
    ("method", "path", "labels"),
    [
        ("GET", "/health/live", {"method": "GET", "route": "^health/live/?$", "status": "200"}),
        ("POST", "/health/live/", {"method": "POST", "route": "^health/live/?$", "status": "405"}),
        ("GET", "/jane.doe", {"method": "GET", "route": "none", "status": "404"}),
        ("BREW", "/health/live", {"method": "other", "route": "^health/live/?$", "status": "405"}),
    ],
)
def test_response_is_counted_under_its_route(
    client: HttpClient, method: str, path: str, labels: dict[str, str]
) -> None:
    timed = {"method": labels["method"], "route": labels["route"]}
    before = _count(**labels)
    timed_before = REGISTRY.get_sample_value("takeback_request_seconds_count", timed) or 0
    client.generic(method, path)
    assert _count(**labels) == before + 1
    assert REGISTRY.get_sample_value("takeback_request_seconds_count", timed) == timed_before + 1


@pytest.mark.django_db
def test_this_machine_reads_the_metrics(client: HttpClient) -> None:
    client.get("/health/live")
    response = client.get("/metrics/")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b"\ntakeback_requests_total{" in response.content


WORKER = """
import sys
import django
django.setup()
from django.test import Client
for _ in range(int(sys.argv[1])):
    Client().delete("/health/live")
print(Client().get("/metrics").content.decode())
"""
"""A worker process: it handles some requests, then shows the metrics."""


@pytest.mark.thorough
@pytest.mark.heavy
def test_metrics_of_all_worker_processes_are_added_up(tmp_path: Path) -> None:
    env = environment(tmp_path, PROMETHEUS_MULTIPROC_DIR=str(tmp_path), ALLOWED_HOSTS="testserver")

    def metrics_after(requests: int) -> list[str]:
        command = [sys.executable, "-c", WORKER, str(requests)]
        worker = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        return worker.stdout.splitlines()

    labels = 'method="DELETE",route="^health/live/?$"'
    for requests, total in ((3, "3.0"), (5, "8.0"), (0, "8.0")):
        metrics = metrics_after(requests)
        assert f'takeback_requests_total{{{labels},status="405"}} {total}' in metrics
        assert f"takeback_request_seconds_count{{{labels}}} {total}" in metrics


PATHS_WITH_LABELS = """
import os, sys
import django
django.setup()
from django.test import Client
client = Client()
print([client.generic(method, "/health/live").status_code for method in ("GET", "PUT")])
from tests.rigs.full_disk import fill
from pathlib import Path
fill(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]))
print([client.generic(method, "/health/live").status_code for method in ("GET", "DELETE") * 90])
print([client.get(f"/{path}").status_code for path in ("nope", "api/docs/", "metrics")])
"""
"""A worker whose metrics need more room than there is."""


@pytest.mark.heavy
@pytest.mark.parametrize("kibibytes", [4, 132, 160])
def test_metrics_without_room_stop_no_worker(tmp_path: Path, kibibytes: int) -> None:
    env = environment(tmp_path, ALLOWED_HOSTS="testserver", PYTHONPATH=".")
    with small_disk(tmp_path, kibibytes) as folder:
        env |= {"PROMETHEUS_MULTIPROC_DIR": str(folder), "DATA_DIR": str(tmp_path.parent)}
        command = [sys.executable, "-c", PATHS_WITH_LABELS]
        worker = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (worker.returncode, worker.stderr) == (0, worker.stderr)
    before, after, others = worker.stdout.splitlines()[-3:]
    assert (before, others) == ("[200, 405]", "[404, 200, 200]")
    assert after == str([200, 405] * 90)


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("192.0.2.7", {}),
        ("", {}),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}),
        ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}),
        ("127.0.0.1", {"X-Forwarded-For": ""}),
        ("192.0.2.7", {"X-Real-IP": "127.0.0.1"}),
        ("192.0.2.7", {"Authorization": "Bearer "}),
    ],
)
def test_other_machines_see_no_metrics(
    client: HttpClient, address: str, headers: dict[str, str]
) -> None:
    response = client.get("/metrics", REMOTE_ADDR=address, headers=headers)
    assert (response.status_code, response.content) == (404, ABSENT)


@pytest.mark.django_db
def test_outbox_messages_are_counted(client: HttpClient, frozen_now: datetime) -> None:
    minute = timedelta(minutes=1)
    create_message(due_at=frozen_now - 2 * minute)
    create_message(due_at=frozen_now + minute)
    create_message(parked_at=frozen_now)
    create_message(done_at=frozen_now)
    lines = client.get("/metrics").content.decode().splitlines()
    assert [line for line in lines if line.startswith("takeback_outbox_")] == [
        'takeback_outbox_messages{state="waiting"} 2.0',
        'takeback_outbox_messages{state="parked"} 1.0',
        "takeback_outbox_late_seconds 120.0",
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "192.0.2.7"])
@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer s3cret", 200),
        ("Bearer s3cre", 404),
        ("Bearer s3crét", 404),
        ("bearer s3cret", 404),
        ("s3cret", 404),
        (None, 404),
    ],
)
def test_with_a_token_configured_only_the_token_grants_access(
    client: HttpClient, settings: Settings, address: str, authorization: str | None, status: int
) -> None:
    settings.METRICS_TOKEN = "s3cret"
    headers = {"Authorization": authorization} if authorization else {}
    response = client.get("/metrics", REMOTE_ADDR=address, headers=headers)
    assert response.status_code == status
