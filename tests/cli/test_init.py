"""`takeback init`: with options, with questions, interrupted, repeated, and twice at once."""

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.contrib.auth.hashers import check_password
from django.db import connection
from pytest_django import Settings

from takeback.accounts.channels import InvalidChannel, add_channel
from takeback.accounts.models import ApiKey, Channel, StaffMember, User
from takeback.cancellations.commands.reasons import add_reason
from takeback.cancellations.commands.shared_reasons import shared_reasons
from takeback.cancellations.models import CancellationReason
from takeback.logistics.commands.carriers import add_carrier
from takeback.logistics.models import EasyReturnShippingCompany
from takeback.operations.installation import Installation, Requested, set_up
from tests import factories
from tests.rigs.processes import wait_for_end
from tests.rigs.serving import TAKEBACK, database_url, environment

FLAGS = [
    *("--shop", "Our shop", "--storefront-url", "https://shop.example", "--staff", "mira"),
    *("--email", "mira@shop.example", "--drop-off", "Counter", "--pickup", "Courier"),
    *("--key", "erp"),
]
REQUESTED = Requested(
    shop="Our shop",
    storefront_url="https://shop.example",
    staff="mira",
    email="mira@shop.example",
    drop_off="Counter",
    pickup="Courier",
    key="erp",
)
KINDS = ["channel", "reasons", "drop-off carrier", "pickup carrier", "staff account", "API key"]
LANGUAGES = {"ar-sa", "de-de", "en-us", "es-es", "fr-fr", "it-it", "nl-nl", "tr-tr"}


def new_kinds(installation: Installation) -> list[str]:
    return [part.kind for part in installation.parts if part.is_new]


@pytest.mark.django_db
@pytest.mark.allow_repeated_queries("looks for each part before it makes it")
def test_new_installation_has_all_parts(frozen_now: datetime) -> None:
    result = set_up(REQUESTED, now=frozen_now)
    user = User.objects.get(username="mira")
    member = StaffMember.objects.get(user=user)
    key = ApiKey.objects.get()
    assert new_kinds(result) == KINDS
    assert Channel.objects.values_list("pk", "name", "storefront_url").get() == (
        1,
        "Our shop",
        "https://shop.example",
    )
    carriers = EasyReturnShippingCompany.objects.order_by("pk")
    assert {carrier.channel_id for carrier in carriers} == {None}
    assert list(carriers.values_list("pk", "carrier", "name", "needs_pickup")) == [
        (1, "counter", "Counter", False),
        (2, "courier", "Courier", True),
    ]
    assert (user.email, user.is_staff) == ("mira@shop.example", True)
    assert check_password(result.password, user.password)
    assert member.scopes == ["read", "decide", "money", "pii", "admin"]
    assert (key.name, key.scopes) == ("erp", ["read", "decide"])
    assert result.key.startswith(f"tkb_live_{key.public_id}")


@pytest.mark.django_db
@pytest.mark.allow_repeated_queries("looks for each part before it makes it")
def test_reasons_have_fixed_ids_and_all_languages(settings: Settings, frozen_now: datetime) -> None:
    settings.LANGUAGE_CODE = "tr"
    set_up(REQUESTED, now=frozen_now)
    reasons = CancellationReason.objects.order_by("pk")
    assert list(reasons.values_list("pk", flat=True)) == list(range(1, 11))
    assert {reason.channel_id for reason in reasons} == {None}
    assert {reason.cancellation_type for reason in reasons} == {"cancel", "refund"}
    assert [set(reason.translations) for reason in reasons] == [LANGUAGES] * 10
    assert [reasons[0].subject, reasons[9].subject] == ["Fikrimi değiştirdim", "Diğer"]


def test_subjects_of_a_language_differ_and_fit_their_column() -> None:
    for language in LANGUAGES:
        subjects = [reason.subjects[language] for reason in shared_reasons()]
        assert len(set(subjects)) == 10
        assert max(map(len, subjects)) <= 100


@pytest.mark.django_db
@pytest.mark.allow_repeated_queries("looks for each part before it makes it")
def test_later_rows_continue_after_the_fixed_ids(frozen_now: datetime) -> None:
    if connection.vendor == "postgresql":
        # As in a new database: sequences are not rolled back after a test.
        with connection.cursor() as cursor:
            for model in (Channel, CancellationReason, EasyReturnShippingCompany):
                sequence = f"pg_get_serial_sequence('{model._meta.db_table}', 'id')"
                cursor.execute(f"SELECT setval({sequence}, 1, false)")
    set_up(REQUESTED, now=frozen_now)
    values = {"cancellation_type": "cancel", "subject": "Late"}
    assert add_reason(None, values, now=frozen_now) == 11
    assert add_carrier(None, {"name": "X", "carrier": "x"}, now=frozen_now) == 3
    assert add_channel("Second shop") == 2


@pytest.mark.django_db
@pytest.mark.allow_repeated_queries("looks for each part before it makes it")
def test_role_of_the_service_can_set_up_a_migrated_database(frozen_now: datetime) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has no roles")
    role = f"takeback_probe_{os.getpid()}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {role}")
        rows = "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES"
        cursor.execute(f"GRANT {rows} IN SCHEMA public TO {role}")
        cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}")
        cursor.execute(f"SET LOCAL ROLE {role}")
        assert new_kinds(set_up(REQUESTED, now=frozen_now)) == KINDS
        cursor.execute("RESET ROLE")


@pytest.mark.django_db
@pytest.mark.allow_repeated_queries("looks for each part before it makes it")
def test_interrupted_run_is_completed(frozen_now: datetime) -> None:
    factories.create_channel(name="our SHOP")
    factories.create_carrier(name="Old counter")
    factories.create_reason(pk=1, subject="Kept")
    result = set_up(REQUESTED, now=frozen_now)
    assert new_kinds(result) == ["reasons", "pickup carrier", "staff account", "API key"]
    assert Channel.objects.get().storefront_url == "https://shop.example"
    assert CancellationReason.objects.get(pk=1).subject == "Kept"
    assert CancellationReason.objects.count() == 10
    again = set_up(REQUESTED, now=frozen_now)
    assert (new_kinds(again), again.password, again.key) == ([], "", "")
    assert [ApiKey.objects.count(), User.objects.count()] == [1, 1]
    assert EasyReturnShippingCompany.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.allow_repeated_queries("looks for each part before it makes it")
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"shop": "Other"},
            "Channel 1 is “Our shop”. Add another shop with",
        ),
        ({"shop": "Our shop", "storefront_url": "shop"}, "The storefront URL must be an http"),
    ],
)
def test_refused_name_changes_nothing(
    frozen_now: datetime, change: dict[str, str], sentence: str
) -> None:
    factories.create_channel(name="Our shop")
    with pytest.raises(InvalidChannel, match=re.escape(sentence)):
        set_up(REQUESTED._replace(**change), now=frozen_now)
    assert not CancellationReason.objects.exists()


def start(*words: str, **settings: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*TAKEBACK, *words],
        env=settings | {"COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*words: str, **settings: str) -> tuple[int, str, str]:
    process = start(*words, **settings)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


@contextmanager
def empty_database() -> Iterator[str]:
    """The URL of a new database beside that of the test; empty for SQLite in the data folder."""
    if connection.vendor == "sqlite":
        yield ""
        return
    url, name = database_url(), f"init_{uuid4().hex[:12]}"
    server = f"{url.rpartition('/')[0]}/postgres"
    with psycopg.connect(server, autocommit=True) as administration:
        administration.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{url.rpartition('/')[0]}/{name}"
        finally:
            administration.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def fresh(tmp_path: Path, db: None) -> Iterator[dict[str, str]]:
    """The environment of commands on an empty database of the kind of this test."""
    with empty_database() as url:
        more = {"DATABASE_URL": url} if url else {}
        yield environment(tmp_path / "data", **more)


@pytest.mark.thorough
def test_two_runs_at_once_make_each_part_once(fresh: dict[str, str]) -> None:
    lists = ["channels", "reasons", "carriers", "staff", "keys"]
    with ExitStack() as stack:
        runs = [stack.enter_context(start("init", *FLAGS, **fresh)) for _ in range(2)]
        results = [process.communicate(timeout=120) for process in runs]
    assert [process.returncode for process in runs] == [0, 0]
    assert {err for _, err in results} == {""}
    assert sorted("Password" in out for out, _ in results) == [False, True]
    assert [run(f"list-{name}", **fresh)[1].count("\n") - 1 for name in lists] == [1, 10, 2, 1, 1]


@pytest.mark.thorough
@pytest.mark.heavy
def test_shop_is_ready_after_the_commands_that_init_names(fresh: dict[str, str]) -> None:
    code, out, err = run("init", *FLAGS, **fresh)
    assert (code, err) == (0, "")
    assert [" ".join(line.split()) for line in out.splitlines()[1:7]] == [
        "made channel Our shop",
        "made reasons 10 of 10",
        "made drop-off carrier Counter",
        "made pickup carrier Courier",
        "made staff account mira",
        "made API key erp",
    ]
    assert run("worker", "--once", **fresh)[0] == 0
    code, out, _ = run("doctor", **fresh)
    assert (code, "failure" in out) == (0, False)
    code, out, err = run("init", **fresh)
    assert (code, err) == (0, "")
    assert {line.split()[0] for line in out.splitlines()[1:7]} == {"exists"}
    assert "tkb_live_" not in out
    assert "Password" not in out


def test_missing_options_are_named_without_a_terminal(fresh: dict[str, str]) -> None:
    assert run("init", "--shop", "Our shop", **fresh) == (
        2,
        "",
        "Error: Name what is missing: --drop-off, --staff, --email, --key. Nothing was set up.\n",
    )
    assert run("list-channels", **fresh)[0] == 1


@pytest.mark.thorough
@pytest.mark.heavy("sqlite")
def test_questions_are_asked_on_a_terminal(tmp_path: Path) -> None:
    terminal, inner = pty.openpty()
    inputs = ["Our shop", "", "Counter", "", "", "mira@shop.example", ""]
    with subprocess.Popen(
        [*TAKEBACK, "init"], env=environment(tmp_path), stdin=inner, stdout=inner, stderr=inner
    ) as process:
        os.close(inner)
        screen = ""
        for text in inputs:
            screen += _read_until(terminal, ": ")
            os.write(terminal, f"{text}\n".encode())
        screen += _read_until(terminal, "takeback doctor")
        assert wait_for_end(process) == 0
    os.close(terminal)
    assert "Name of the shop: " in screen
    assert "User name of the first staff member [admin]: " in screen
    account = run("list-staff", **environment(tmp_path))[1].splitlines()[1].split()
    assert account[:2] == ["admin", "mira@shop.example"]
    assert run("list-carriers", **environment(tmp_path))[1].count("\n") == 2


def _read_until(terminal: int, end: str) -> str:
    text, deadline = "", time.monotonic() + 60
    while end not in text:
        assert time.monotonic() < deadline, text
        if select.select([terminal], [], [], 1)[0]:
            text += os.read(terminal, 4096).decode()
    return text
