"""DATABASE_URL keeps libpq's options, refuses others, and our limits are defaults."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from takeback.core import database_url
from takeback.core.db.postgresql.options import connection_options
from tests.rigs import postgres
from tests.rigs import serving as rig
from tests.rigs.databases import POSTGRESQL
from tests.rigs.serving import environment

BASE = "postgres://u:p@h:5433/n"
PRINT = (
    "import django; django.setup(); from django.db import connection as c; cursor = c.cursor();"
    "cursor.execute(\"SELECT current_setting('application_name'), current_setting('lock_timeout'),"
    " current_setting('statement_timeout'), current_setting('max_parallel_workers_per_gather')\");"
    'print(*cursor.fetchone(), c.connection.pgconn.ssl_in_use, sep="|")'
)


def options_of(query: str) -> object:
    return database_url.parse(f"{BASE}?{query}").get("OPTIONS")


def session(url: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """A process with this DATABASE_URL; it prints the settings of its session."""
    return subprocess.run(
        [sys.executable, "-c", PRINT],
        env=environment(folder, DATABASE_URL=url),
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("sslmode=verify-full&sslrootcert=%2Fa%20b.pem", ("verify-full", "/a b.pem")),
        ("connect_timeout=10&application_name=a%26b", (10, "a&b")),
        ("target_session_attrs=read-write&options=-c%20geqo%3Doff", ("read-write", "-c geqo=off")),
    ],
)
def test_url_keeps_its_options(query: str, options: tuple[object, ...]) -> None:
    parsed = options_of(query)
    assert isinstance(parsed, dict)
    assert tuple(parsed.values()) == options
    assert database_url.parse(f"{BASE}?{query}")["NAME"] == "n"


@pytest.mark.parametrize(
    "query",
    [
        *("sslmod=require", "conn_max_age=5", "name=x", "engine=x", "pool=1", "service=x"),
        *("sslmode=on", "sslmode=", "sslmode", "connect_timeout=-1", "connect_timeout=x"),
        *("keepalives=2", "target_session_attrs=any%20", "options="),
        *("sslmode=disable&sslmode=require", "application_name=a&&"),
    ],
)
def test_url_with_an_unknown_option_or_value_is_refused(query: str) -> None:
    with pytest.raises(ValueError, match=r"^"):
        options_of(query)


@pytest.mark.parametrize("url", ["sqlite:////tmp/a.sqlite3?timeout=5", f"{BASE}#x"])
def test_sqlite_has_no_options(url: str) -> None:
    with pytest.raises(ValueError, match=r"^"):
        database_url.parse(url)


def test_refusal_names_the_known_options(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-P", "-c", "from takeback.cli.main import app; app()", "migrate"],
        env=environment(tmp_path, DATABASE_URL=f"{BASE}?sslmod=require"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 2
    (sentence,) = process.stderr.splitlines()
    assert sentence.startswith("Error: DATABASE_URL is 'postgres://***@h:5433/n?sslmod=require'.")
    assert sentence.endswith(f"{', '.join(database_url.POSTGRESQL_OPTIONS)}.")


def test_options_of_the_url_replace_our_limits() -> None:
    default = connection_options({}, statement_seconds=7, is_prepared=True)
    assert default == {
        "connect_timeout": 2,
        "keepalives": 1,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 8_000,
        "server_side_binding": True,
        "prepare_threshold": 2,
        "response_seconds": 8,
        "options": (
            "-c statement_timeout=7000 -c lock_timeout=5000"
            " -c idle_in_transaction_session_timeout=15000 -c max_parallel_workers_per_gather=0"
        ),
    }
    url = {"connect_timeout": 9, "sslmode": "require", "options": "-c lock_timeout=1"}
    own = connection_options(url, statement_seconds=7, is_prepared=False)
    assert own == default | url | {
        "prepare_threshold": None,
        "options": f"{default['options']} -c lock_timeout=1",
    }


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor == "sqlite", reason="PostgreSQL's options")
def test_session_has_our_limits_and_the_options_of_the_url(tmp_path: Path) -> None:
    url = rig.database_url()
    assert session(url, tmp_path).stdout.strip().endswith("|5s|7s|0|False")
    url += "?application_name=shop&options=-c%20lock_timeout%3D1s"
    assert session(url, tmp_path).stdout == "shop|1s|7s|0|False\n"


@pytest.mark.thorough
@pytest.mark.heavy(POSTGRESQL)
@pytest.mark.skipif(not postgres.debian_programs(), reason="a server with TLS is not installed")
def test_sslmode_of_the_url_encrypts_the_connection(tmp_path: Path) -> None:
    with postgres.serving(tls=True) as url:
        with psycopg.connect(url) as connected:
            certificate = connected.execute("SHOW ssl_cert_file").fetchone()
        assert certificate is not None
        plain = session(f"{url}?sslmode=disable&application_name=a", tmp_path)
        assert plain.stdout == "a|5s|7s|0|False\n"
        verified = f"{url}?sslmode=verify-full&application_name=a&sslrootcert="
        assert session(verified + certificate[0], tmp_path).stdout == "a|5s|7s|0|True\n"
        other = tmp_path / "other.pem"
        postgres.make_certificate(other, tmp_path / "other.key")
        refused = session(f"{verified}{other}", tmp_path)
        assert "certificate verify failed" in refused.stderr
