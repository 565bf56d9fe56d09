"""Ordinary mistakes end the real program with one sentence and a status, without a traceback."""

import errno
import os
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from takeback.cli import ports
from takeback.core.env import DECLARED
from tests.rigs.serving import TAKEBACK, environment, free_port

pytestmark = pytest.mark.heavy

WRONG_VALUES = {
    "whole number": "banana",
    "on or off": "maybe",
    "a text of 1": " ",
    "without line breaks": "se\ncret",
    "time zone": "Mars/Olympus",
    "IP address": "10.0.0.0/99",
    "a host name": "http://a",
    "host names": "a=b",
    "a scheme": "no-origin",
    "http": "no-url",
    "currency codes": "eur",
    "letters, digits": "a b",
    "e-mail address": "nobody",
    "base64": "1=hunter2",
    "postgres://": "mysql://u:hunter2@db/x",
    "smtp://": "https://u:hunter2@mail",
    " or ": "nothing",
}
NOT_MIGRATED = "Error: The database is not migrated. Run `takeback migrate` first.\n"


def run(*words: str, folder: Path, **settings: str) -> tuple[int, str, str]:
    """Status, output and errors of a command in this folder, which is also its data folder."""
    done = subprocess.run(
        [*TAKEBACK, *words],
        env=environment(folder / "data", COLUMNS="200", **settings),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, done.stdout, done.stderr


def wrong_value(allowed: str) -> str:
    return next(value for words, value in WRONG_VALUES.items() if words in allowed)


def test_all_wrong_settings_are_named_at_once(tmp_path: Path) -> None:
    values = {setting.name: wrong_value(setting.allowed) for setting in DECLARED.values()}
    code, out, err = run("serve", folder=tmp_path, **values)
    lines = err.splitlines()
    assert (code, out) == (2, "")
    assert [line.split()[1] for line in lines] == list(DECLARED)
    assert "Error: REFUND_DAY_LIMIT is 'banana'. Allowed: a whole number from 0 to 3650." in lines
    assert "hunter2" not in err
    assert "se\ncret" not in err
    assert not list(tmp_path.iterdir())


def test_doctor_reports_wrong_settings_as_failures(tmp_path: Path) -> None:
    settings = {"REFUND_DAY_LIMIT": "-1", "SHOP_TIME_ZONE": "Mars"}
    days, zone = (DECLARED[name].allowed for name in settings)
    code, out, _ = run("doctor", folder=tmp_path, **settings)
    assert code == 1
    assert [" ".join(line.split()) for line in out.splitlines()[1:]] == [
        f"failure REFUND_DAY_LIMIT REFUND_DAY_LIMIT is '-1'. Allowed: {days}.",
        f"failure SHOP_TIME_ZONE SHOP_TIME_ZONE is 'Mars'. Allowed: {zone}.",
    ]


@pytest.mark.parametrize("command", ["worker", "list-keys", "migrate"])
def test_wrong_setting_ends_every_command(tmp_path: Path, command: str) -> None:
    code, _, err = run(command, folder=tmp_path, DATABASE_URL="")
    allowed = DECLARED["DATABASE_URL"].allowed
    assert (code, err) == (2, f"Error: DATABASE_URL is ''. Allowed: {allowed}.\n")


def test_import_of_the_server_raises_one_clear_exception(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import takeback.wsgi"],
        env=environment(tmp_path, TLS="perhaps"),
        capture_output=True,
        text=True,
        check=False,
    )
    last = done.stderr.splitlines()[-1]
    assert last == "takeback.core.env.WrongSettings: TLS is 'perhaps'. Allowed: on or off."
    assert "During handling" not in done.stderr


LOOKING = [
    ["doctor"],
    ["--help"],
    ["--version"],
    ["list-keys"],
    ["list-channels"],
    ["list-staff"],
    ["outbox", "list"],
    ["add-channel", "Our shop"],
]


@pytest.mark.parametrize("words", LOOKING, ids=lambda words: words[0])
def test_command_that_only_looks_makes_no_files(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "var").mkdir()
    done = subprocess.run(
        [*TAKEBACK, *words],
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.rglob("*")] == ["var"]
    if words[0] not in ("doctor", "--help", "--version"):
        assert (done.returncode, done.stderr) == (
            1,
            (
                f"Error: There is no database {tmp_path}/var/takeback.sqlite3 yet. "
                "Run `takeback init` or `takeback migrate` first.\n"
            ),
        )


@pytest.mark.parametrize("words", [["serve"], ["worker"], ["worker", "--once"], ["list-staff"]])
def test_database_that_is_not_migrated_is_refused(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "takeback.sqlite3").touch()
    if words == ["serve"]:
        words = ["serve", "--port", str(free_port())]
    assert run(*words, folder=tmp_path) == (1, "", NOT_MIGRATED)


@pytest.mark.thorough
def test_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    run("migrate", folder=tmp_path)
    with sqlite3.connect(tmp_path / "data" / "takeback.sqlite3") as database:
        values = "('orders', '0099_later', '2030-01-01')"
        database.execute(f"INSERT INTO django_migrations (app, name, applied) VALUES {values}")
    database.close()
    sentence = (
        "The database belongs to a newer version of Takeback, which has applied "
        "orders.0099_later. Install that version, or restore a backup of this one."
    )
    port = str(free_port())
    for words in (["serve", "--port", port], ["worker"], ["migrate"], ["list-keys"], ["init"]):
        assert run(*words, folder=tmp_path) == (1, "", f"Error: {sentence}\n")
    code, out, _ = run("doctor", folder=tmp_path)
    assert code == 1
    assert sentence in " ".join(out.split())


def test_reason_of_an_unreachable_database_is_shown_without_password(tmp_path: Path) -> None:
    url = "postgres://somebody:hunter2@127.0.0.1:1/nothing"
    code, out, err = run("list-keys", folder=tmp_path, DATABASE_URL=url)
    assert (code, out) == (1, "")
    assert err.startswith("Error: PostgreSQL does not respond: connection failed: ")
    assert err.endswith("Connection refused. Check DATABASE_URL.\n")
    code, out, _ = run("doctor", folder=tmp_path, DATABASE_URL=url)
    assert code == 1
    assert "Connection refused. Check DATABASE_URL." in " ".join(out.split())
    assert "hunter2" not in err + out


@pytest.mark.thorough
def test_busy_port_is_refused_although_it_could_be_shared(tmp_path: Path) -> None:
    run("migrate", folder=tmp_path)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert run("serve", "--port", str(port), folder=tmp_path) == (
            1,
            "",
            f"Error: Port {port} is busy; choose another with --port.\n",
        )


def test_host_of_another_machine_is_refused(tmp_path: Path) -> None:
    assert run("serve", "--host", "192.0.2.1", folder=tmp_path) == (
        1,
        "",
        "Error: 192.0.2.1 is no address of this machine; choose another with --host.\n",
    )


def test_privileged_port_is_explained() -> None:
    error = PermissionError(errno.EACCES, "Permission denied")
    assert ports._sentence("127.0.0.1", 80, error) == (  # noqa: SLF001 - root may use any port
        "Port 80 is reserved for root; choose one above 1023 with --port, and let a proxy "
        "listen on it."
    )


@pytest.mark.parametrize("command", ["serve", "worker", "migrate", "init"])
def test_unusable_data_folder_is_refused(tmp_path: Path, command: str) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "data"
    assert run(command, folder=tmp_path, DATA_DIR=str(folder)) == (
        1,
        "",
        f"Error: The data folder {folder} cannot be used (Not a directory). Correct DATA_DIR.\n",
    )


def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("something else, longer than the header of a database " * 20)
    assert run("list-keys", folder=tmp_path, DATABASE_URL=f"sqlite:///{file}") == (
        1,
        "",
        f"Error: The file {file} is no SQLite database. Correct DATABASE_URL.\n",
    )


def test_missing_file_of_an_import_is_a_wrong_argument(tmp_path: Path) -> None:
    code, out, err = run("import", "orders", "nowhere.jsonl", folder=tmp_path)
    assert (code, out) == (2, "")
    assert "'nowhere.jsonl' does not exist." in err


@pytest.mark.thorough
def test_full_disk_ends_an_import_with_a_sentence(tmp_path: Path) -> None:
    run("migrate", folder=tmp_path)
    run("add-channel", "Our shop", folder=tmp_path)
    (tmp_path / "orders.jsonl").write_text("no order\n")
    words = ["import", "orders", "orders.jsonl", "--report", "/dev/full"]
    code, out, err = run(*words, folder=tmp_path)
    assert (code, out) == (1, "")
    assert err.strip() == "Error: The disk is full. Free space, then run the command again."


@pytest.mark.thorough
def test_files_belong_to_the_user_of_the_service_only(tmp_path: Path) -> None:
    run("migrate", folder=tmp_path)
    modes = {
        str(path.relative_to(tmp_path)): path.stat().st_mode & 0o777
        for path in (tmp_path / "data").rglob("*")
        if path.name in ("mails", "takeback.sqlite3", "secret_key", "data_key")
    }
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert modes == {
        "data/mails": 0o700,
        "data/takeback.sqlite3": 0o600,
        "data/secret_key": 0o600,
        "data/data_key": 0o600,
    }
