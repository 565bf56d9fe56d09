"""The worker compares the database with its witnesses before it delivers its first message."""

import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from pytest_django import Settings

from takeback.cli.worker import guard_refunds
from takeback.refunds.models import DatabaseEpoch, PaymentAccount
from tests.refunds.accounts import create_account
from tests.rigs.serving import TAKEBACK, database_url, environment

pytestmark = [
    pytest.mark.allow_repeated_queries("several commands per test"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


class Outage:
    """A database that refuses the first statements."""

    def __init__(self, count: int) -> None:
        self.left = count

    def __call__(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        if self.left:
            self.left -= 1
            raise OperationalError("the server is gone")
        return execute(*arguments)


@pytest.mark.heavy
def test_worker_pauses_refunds_after_a_restore(folder: Path) -> None:
    create_account()
    connection.close()
    (folder / "database_generation").write_text("7\n")
    keys = {name: os.environ[name] for name in ("SECRET_KEY", "DATA_KEYS")}
    result = subprocess.run(
        [*TAKEBACK, "worker", "--once"],
        env=environment(folder, DATABASE_URL=database_url(), **keys),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert PaymentAccount.objects.get().paused_because == "restored"
    assert '"differences":["marker"],"event":"database restored"' in result.stdout
    assert DatabaseEpoch.objects.get().generation >= 8
    assert int((folder / "database_generation").read_text()) >= 8


def test_worker_waits_until_the_database_responds() -> None:
    outage = Outage(2)
    with connection.execute_wrapper(outage):
        assert guard_refunds(threading.Event(), is_single_round=False) is True
    assert outage.left == 0
    assert DatabaseEpoch.objects.count() == 1


def test_single_round_fails_without_a_database() -> None:
    with connection.execute_wrapper(Outage(10)):
        assert guard_refunds(threading.Event(), is_single_round=True) is False
    assert DatabaseEpoch.objects.count() == 0


def test_stopped_worker_checks_nothing() -> None:
    stop = threading.Event()
    stop.set()
    assert guard_refunds(stop, is_single_round=False) is False
    assert DatabaseEpoch.objects.count() == 0
