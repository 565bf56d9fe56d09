"""The rigs themselves: what they count, and that they would notice."""

from pathlib import Path

import pytest
from django.db import connection

from tests.rigs.databases import DOMAIN_ROOMS, ENTRY_ROOMS, POSTGRESQL, unknown_rooms, worker
from tests.rigs.tally import tally

REPORT = (
    """<testsuites><testsuite tests="{}" failures="{}" errors="{}" skipped="{}"/></testsuites>"""
)


def test_reports_of_several_runs_are_added_up(tmp_path: Path) -> None:
    (tmp_path / "one.xml").write_text(REPORT.format(10, 1, 1, 2))
    (tmp_path / "two.xml").write_text(REPORT.format(5, 0, 0, 0))

    assert tally(tmp_path) == (11, 2, 2)


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
