"""Alive without a database; ready with a migrated one whose clock agrees."""

import json
from datetime import datetime

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from takeback.operations import readiness
from tests.factories import HttpClient

OK = b'{"status":"ok"}'


@pytest.mark.parametrize("path", ["/health/live", "/health/live/"])
def test_alive_asks_no_database(client: HttpClient, path: str) -> None:
    # Without the mark for it, a query would fail this test.
    answer = client.get(path)
    assert (answer.status_code, answer.content) == (200, OK)
    assert client.head(path).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/health/ready", "/health/ready/"])
def test_ready_with_a_migrated_database(client: HttpClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.content) == (200, OK)


@pytest.mark.django_db
def test_not_ready_while_a_migration_waits(client: HttpClient) -> None:
    MigrationRecorder(connection).record_unapplied("limits", "0001_initial")
    assert readiness.unapplied_migrations() == ["limits.0001_initial"]
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert json.loads(answer.content) == {
        "detail": "The service is temporarily unavailable. Please try again later.",
        "code": "unavailable",
    }


@pytest.mark.django_db
def test_not_ready_when_the_database_lives_in_another_time(
    client: HttpClient, frozen_now: datetime
) -> None:
    has_clock = connection.vendor == "postgresql"
    assert (abs(readiness.clock_skew_seconds()) > 30) is has_clock
    assert client.get("/health/ready").status_code == (503 if has_clock else 200)


@pytest.mark.django_db
def test_clocks_that_agree_differ_by_less_than_a_second() -> None:
    assert abs(readiness.clock_skew_seconds()) < 1
