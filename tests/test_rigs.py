"""Test rigs and benchmarks work, and the rigs notice what they are for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection
from django.http import HttpResponse, JsonResponse

from tests.rigs.databases import DOMAIN_ROOMS, ENTRY_ROOMS, POSTGRESQL, unknown_rooms, worker
from tests.rigs.openapi_responses import Checker
from tests.rigs.tally import minutes, tally

REPORT = (
    """<testsuites><testsuite tests="{}" failures="{}" errors="{}" skipped="{}"/></testsuites>"""
)


def test_reports_of_several_runs_are_added_up(tmp_path: Path) -> None:
    (tmp_path / "one.xml").write_text(REPORT.format(10, 1, 1, 2))
    (tmp_path / "two.xml").write_text(REPORT.format(5, 0, 0, 0))

    assert tally(tmp_path) == (11, 2, 2)


def test_minutes_of_suites_are_added_up(tmp_path: Path) -> None:
    cases = ("tests.orders.test_a", 60), ("tests.orders.test_b.TestB", 30), ("tests.test_c", 120)
    report = tmp_path / "one.xml"
    elements = "".join(f'<testcase classname="{name}" time="{time}"/>' for name, time in cases)
    report.write_text(f"<testsuites><testsuite>{elements}</testsuite></testsuites>")

    assert minutes(report) == [("test_c", 2.0), ("orders", 1.5)]


@pytest.mark.django_db
def test_a_worker_is_on_the_database_it_is_named_for() -> None:
    assert (connection.vendor == POSTGRESQL) == (worker() == POSTGRESQL)


def test_a_folder_of_tests_in_no_list_of_rooms_is_unknown(tmp_path: Path) -> None:
    for folder in ("orders", "desk", "gifts/cards", "rigs"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("orders/test_a.py", "desk/test_b.py", "gifts/cards/test_c.py", "test_d.py"):
        (tmp_path / name).touch()

    assert unknown_rooms(tmp_path) == ["gifts"]


def test_each_room_is_in_one_list() -> None:
    assert ENTRY_ROOMS.isdisjoint(DOMAIN_ROOMS)


def test_benchmarks_start_without_django_settings() -> None:
    """Their clients are separate processes that import no models."""
    variables = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [sys.executable, "-m", "benchmarks", "--help"]
    root = Path(__file__).parent.parent
    process = subprocess.run(command, cwd=root, env=variables, capture_output=True, check=True)
    assert b"compare" in process.stdout


ITEM = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}
ITEMS = {"type": "array", "items": {"$ref": "#/components/schemas/Item"}}


def _response(schema: object) -> dict[str, object]:
    return {"content": {"application/json": {"schema": schema}}}


CHECKER = Checker(
    {
        "components": {"schemas": {"Item": ITEM}},
        "paths": {
            "/api/v1/items/{id}/": {"get": {"responses": {"200": _response({"type": "null"})}}},
            "/api/v1/items/": {
                "get": {"responses": {"200": _response(ITEMS)}},
                "delete": {"responses": {"204": {}}},
            },
            "/api/v1/items/newest/": {
                "get": {"responses": {"200": _response({"$ref": "#/components/schemas/Item"})}}
            },
        },
    }
)


@pytest.mark.parametrize(
    ("method", "path", "response", "difference"),
    [
        ("GET", "/api/v1/items/", JsonResponse([{"id": 1}], safe=False), ""),
        ("GET", "/api/items", JsonResponse([{"id": 1}], safe=False), ""),
        ("GET", "/api/i1/items/newest/", JsonResponse({"id": 1}), ""),
        ("HEAD", "/api/v1/items/", HttpResponse(), ""),
        ("DELETE", "/api/v1/items/", HttpResponse(status=204), ""),
        ("PATCH", "/api/v1/items/", JsonResponse({}, status=405), ""),
        ("GET", "/other/", JsonResponse({}), ""),
        (
            "GET",
            "/api/items/",
            JsonResponse([{"id": 1}, {"id": "2"}], safe=False),
            'GET /api/v1/items/ 200: [].id: "2" is not of type "integer"',
        ),
        (
            "GET",
            "/api/v1/items/newest/",
            JsonResponse({}),
            'GET /api/v1/items/newest/ 200: .: "id" is a required property',
        ),
        (
            "GET",
            "/api/v1/items/",
            JsonResponse({}, status=404),
            "GET /api/v1/items/ 404: status is not documented",
        ),
        (
            "GET",
            "/api/v1/items/",
            HttpResponse("[]"),
            "GET /api/v1/items/ 200: content type text/html",
        ),
    ],
)
def test_a_response_that_differs_from_its_document_is_found(
    method: str, path: str, response: HttpResponse, difference: str
) -> None:
    assert CHECKER.difference(method, path, response) == difference
