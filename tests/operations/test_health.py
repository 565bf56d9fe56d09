"""Health: live without a database, ready with a migrated one whose clock agrees."""

import json
from datetime import datetime

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from takeback.core import clock
from takeback.operations import readiness
from tests.factories import HttpClient

OK_BODY = b'{"status":"ok"}'


@pytest.mark.parametrize("path", ["/health/live", "/health/live/"])
def test_live_reads_no_database(client: HttpClient, path: str) -> None:
    # Without the django_db mark a query fails the test.
    response = client.get(path)
    assert (response.status_code, response.content) == (200, OK_BODY)
    assert client.head(path).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/health/ready", "/health/ready/"])
def test_ready_with_a_migrated_database(client: HttpClient, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.content) == (200, OK_BODY)


@pytest.mark.django_db
def test_not_ready_while_a_migration_is_missing(client: HttpClient) -> None:
    MigrationRecorder(connection).record_unapplied("limits", "0001_initial")
    assert readiness.unapplied_migrations() == ["limits.0001_initial"]
    response = client.get("/health/ready")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert json.loads(response.content) == {
        "detail": "The service is temporarily unavailable. Please try again later.",
        "code": "unavailable",
    }


@pytest.mark.django_db
def test_not_ready_while_the_database_clock_differs(
    client: HttpClient, frozen_now: datetime
) -> None:
    has_clock = connection.vendor == "postgresql"
    assert (abs(readiness.clock_skew_seconds()) > 30) is has_clock
    assert client.get("/health/ready").status_code == (503 if has_clock else 200)


@pytest.mark.django_db
def test_clock_skew_is_at_most_half_the_query_time() -> None:
    before = clock.now()
    skew = readiness.clock_skew_seconds()
    # Both clocks are this machine's, so that only the query separates their readings.
    assert abs(skew) <= (clock.now() - before).total_seconds() / 2
