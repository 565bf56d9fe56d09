"""The commands of `takeback`."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from typer.testing import CliRunner

from takeback.accounts.models import Channel
from takeback.cli.main import app
from takeback.cli.server import web_server
from takeback.operations.periodic_tasks import FREQUENT_SECONDS, PERIODIC_TASKS
from tests.factories import create_channel, install_shop
from tests.rigs.processes import stop
from tests.rigs.serving import TAKEBACK, environment

pytestmark = pytest.mark.heavy("postgresql")


def test_help_lists_all_commands_without_loading_django() -> None:
    script = (
        "import sys; from typer.testing import CliRunner; from takeback.cli.main import app;"
        "print(CliRunner().invoke(app, ['--help']).output);"
        "print('loaded' if 'django' in sys.modules else 'light')"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    *help_page, loaded = result.stdout.splitlines()
    commands = ["demo", "serve", "worker", "migrate", "import", "add-channel", "issue-key"]
    commands += ["revoke-key", "add-staff", "change-staff", "doctor", "rotate-data-key", "outbox"]
    assert [name for name in commands if f" {name} " not in "\n".join(help_page)] == []
    assert loaded == "light"


def test_server_runs_one_thread_per_worker_for_many_connections() -> None:
    server = web_server(host="0.0.0.0", port=8001, workers=3, drain_seconds=30)
    assert (server.bind_addr, server.bind_port, server.workers) == ("0.0.0.0", 8001, 3)
    assert (server.blocking_threads, server.backpressure, server.backlog) == (1, 4096, 4096)


@pytest.mark.thorough
def test_worker_runs_its_periodic_tasks_and_stops_on_sigterm(tmp_path: Path) -> None:
    subprocess.run([*TAKEBACK, "migrate"], env=environment(tmp_path), check=True)
    with subprocess.Popen(
        [*TAKEBACK, "worker"], env=environment(tmp_path), stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout is not None
        logged = [task for task in PERIODIC_TASKS if task.every_seconds >= FREQUENT_SECONDS]
        lines = [json.loads(worker.stdout.readline()) for _ in logged]
        assert stop(worker) == 0
    assert [(line["event"], line["chore"], line["done"]) for line in lines] == [
        ("chore", task.name, 0) for task in logged
    ]


def test_failed_periodic_task_is_logged_and_fails_the_worker(tmp_path: Path) -> None:
    subprocess.run([*TAKEBACK, "migrate"], env=environment(tmp_path), check=True)
    with sqlite3.connect(tmp_path / "takeback.sqlite3") as database:
        database.execute("DROP TABLE limits_counter")
    database.close()
    result = subprocess.run(
        [*TAKEBACK, "worker", "--once"],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    failures = [(line["chore"], line["error"]) for line in lines if line["event"] == "chore failed"]
    assert failures == [("prune_limits", "OperationalError")]
    assert result.returncode == 1


@pytest.mark.django_db
def test_doctor_passes_a_healthy_installation() -> None:
    install_shop()
    result = CliRunner().invoke(app, ["doctor"])
    assert "failure" not in result.output
    assert result.exit_code == 0


@pytest.mark.django_db
def test_doctor_fails_a_database_that_is_not_migrated() -> None:
    create_channel()
    MigrationRecorder(connection).record_unapplied("limits", "0001_initial")
    result = CliRunner().invoke(app, ["doctor"], env={"COLUMNS": "200"})
    assert "Not applied: limits.0001_initial. Run `takeback migrate`." in result.output
    assert result.exit_code == 1


@pytest.mark.django_db
def test_add_channel_prints_the_id_of_the_new_channel() -> None:
    result = CliRunner().invoke(app, ["add-channel", "Our shop"])
    channel = Channel.objects.get(name="Our shop")
    assert (result.exit_code, result.stdout) == (0, f"{channel.pk}\n")
    assert (channel.channel_type, channel.is_active) == ("web", True)
