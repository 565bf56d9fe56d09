"""The command line from outside."""

import json
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from typer.testing import CliRunner

from takeback.accounts.models import Channel
from takeback.cli.main import app
from takeback.cli.serve import server_command
from tests.factories import create_channel
from tests.rigs.serving import TAKEBACK, environment

pytestmark = pytest.mark.heavy("postgresql")


def test_help_names_every_command_and_loads_no_django() -> None:
    script = (
        "import sys; from typer.testing import CliRunner; from takeback.cli.main import app;"
        "print(CliRunner().invoke(app, ['--help']).output);"
        "print('loaded' if 'django' in sys.modules else 'light')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    *help_page, loaded = done.stdout.splitlines()
    commands = ["demo", "serve", "worker", "migrate", "import", "add-channel", "issue-key"]
    commands += ["revoke-key", "add-staff", "change-staff", "doctor", "rotate-data-key", "outbox"]
    assert [name for name in commands if f" {name} " not in "\n".join(help_page)] == []
    assert loaded == "light"


def test_the_server_runs_one_thread_per_worker_behind_many_connections() -> None:
    command = server_command(host="0.0.0.0", port=8001, workers=3)
    options = dict(pairwise(command))
    assert command[4] == "takeback.wsgi:application"
    told = ("--interface", "--host", "--port", "--workers", "--blocking-threads", "--backpressure")
    assert [options[name] for name in told] == ["wsgi", "0.0.0.0", "8001", "3", "1", "4096"]


@pytest.mark.thorough
def test_the_worker_does_its_chores_and_leaves_when_told(tmp_path: Path) -> None:
    subprocess.run([*TAKEBACK, "migrate"], env=environment(tmp_path), check=True)
    with subprocess.Popen(
        [*TAKEBACK, "worker"], env=environment(tmp_path), stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout is not None
        lines = [json.loads(worker.stdout.readline()) for _ in range(8)]
        told = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=10) == 0
        assert time.monotonic() - told < 5
    assert [(line["event"], line["chore"], line["done"]) for line in lines] == [
        ("chore", "prune_limits", 0),
        ("chore", "prune_sessions", 0),
        ("chore", "prune_keys", 0),
        ("chore", "prune_outbox", 0),
        ("chore", "prune_replies", 0),
        ("chore", "prune_exchange", 0),
        ("chore", "look_at_tables", 0),
        ("chore", "sweep_pictures", 0),
    ]


def test_the_worker_says_when_a_chore_failed(tmp_path: Path) -> None:
    done = subprocess.run(
        [*TAKEBACK, "worker", "--once"],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    # An empty database is soon looked at; the sweep finds no file, and so has nothing to ask.
    assert [(line["event"], line.get("error")) for line in lines] == [
        *[("chore failed", "OperationalError")] * 6,
        ("chore", None),
        ("chore", None),
    ]
    assert done.returncode == 1


@pytest.mark.django_db
def test_the_doctor_is_content_with_a_sound_installation() -> None:
    create_channel()
    done = CliRunner().invoke(app, ["doctor"])
    assert "failure" not in done.output
    assert done.exit_code == 0


@pytest.mark.django_db
def test_the_doctor_fails_a_database_that_waits_for_migrations() -> None:
    create_channel()
    MigrationRecorder(connection).record_unapplied("limits", "0001_initial")
    done = CliRunner().invoke(app, ["doctor"], env={"COLUMNS": "200"})
    assert "Not applied: limits.0001_initial. Run `takeback migrate`." in done.output
    assert done.exit_code == 1


@pytest.mark.django_db
def test_a_channel_is_added_by_its_name_and_told_by_its_number() -> None:
    told = CliRunner().invoke(app, ["add-channel", "Our shop"])
    kept = Channel.objects.get(name="Our shop")
    assert (told.exit_code, told.stdout) == (0, f"{kept.pk}\n")
    assert (kept.channel_type, kept.is_active) == ("web", True)
