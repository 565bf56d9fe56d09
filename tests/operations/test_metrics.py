"""Figures: what is counted, and who may see them."""

from datetime import datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from pytest_django import Settings

from tests.factories import HttpClient, create_message

NOT_FOUND = b'{"detail":"Not found.","code":"not_found"}'


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
def test_an_answer_is_counted_under_its_route(
    client: HttpClient, method: str, path: str, labels: dict[str, str]
) -> None:
    timed = {"method": labels["method"], "route": labels["route"]}
    before = _count(**labels)
    took = REGISTRY.get_sample_value("takeback_request_seconds_count", timed) or 0
    client.generic(method, path)
    assert _count(**labels) == before + 1
    assert REGISTRY.get_sample_value("takeback_request_seconds_count", timed) == took + 1


@pytest.mark.django_db
def test_this_machine_sees_the_figures(client: HttpClient) -> None:
    client.get("/health/live")
    answer = client.get("/metrics/")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b"\ntakeback_requests_total{" in answer.content


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
def test_others_are_told_that_there_are_none(
    client: HttpClient, address: str, headers: dict[str, str]
) -> None:
    answer = client.get("/metrics", REMOTE_ADDR=address, headers=headers)
    assert (answer.status_code, answer.content) == (404, NOT_FOUND)


@pytest.mark.django_db
def test_the_outbox_is_counted(client: HttpClient, frozen_now: datetime) -> None:
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
    ("given", "status"),
    [
        ("Bearer s3cret", 200),
        ("Bearer s3cre", 404),
        ("Bearer s3crét", 404),
        ("bearer s3cret", 404),
        ("s3cret", 404),
        (None, 404),
    ],
)
def test_once_there_is_a_token_only_the_token_counts(
    client: HttpClient, settings: Settings, address: str, given: str | None, status: int
) -> None:
    settings.METRICS_TOKEN = "s3cret"
    headers = {"Authorization": given} if given else {}
    answer = client.get("/metrics", REMOTE_ADDR=address, headers=headers)
    assert answer.status_code == status
