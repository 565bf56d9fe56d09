"""API keys: their format, their life, and the commands that issue and revoke them."""

import re
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from typer import Typer
from typer.testing import CliRunner

from takeback.accounts import api_keys
from takeback.accounts.api_keys import AccessError, issue_key, record_use, revoke_key, rotate_key
from takeback.accounts.models import ApiKey
from takeback.accounts.queries import key_in_channel
from takeback.cli import issue_key as cli_issue_key
from takeback.cli import revoke_key as cli_revoke_key
from tests import factories

NOW = factories.NOW
DAY = timedelta(days=1)


def test_key_consists_of_prefix_public_id_secret_and_checksum() -> None:
    key = api_keys.generate_key()

    assert re.fullmatch(r"tkb_live_[0-9A-Za-z]{8}[0-9A-Za-z]{43}[0-9A-Za-z]{6}", key.text)
    assert key.public_id == key.text[9:17]
    assert key.digest == sha256(key.text.encode()).hexdigest()
    assert api_keys.public_id_of(key.text) == key.public_id


def test_public_ids_are_unique() -> None:
    assert len({api_keys.generate_key().public_id for _ in range(500)}) == 500


@given(place=st.integers(0, 65), character=st.sampled_from("0aZ_ \u0661\x00"))
def test_key_with_a_changed_character_is_malformed(place: int, character: str) -> None:
    text = api_keys.generate_key().text
    changed = text[:place] + character + text[place + 1 :]

    assert api_keys.public_id_of(changed) == (
        api_keys.public_id_of(text) if changed == text else None
    )


@pytest.mark.parametrize("text", ["", "tkb_live_", "x" * 66, "tkb_live_" + "0" * 57, "y" * 2**20])
def test_malformed_key_has_no_public_id(text: str) -> None:
    assert api_keys.public_id_of(text) is None


def test_key_matches_its_own_digest_only() -> None:
    key = api_keys.generate_key()

    assert api_keys.matches(key.text, key.digest)
    assert not api_keys.matches(api_keys.generate_key().text, key.digest)
    assert not api_keys.matches(key.text, None)


@pytest.mark.django_db
def test_only_the_hash_of_a_key_is_stored() -> None:
    factories.create_channel()

    key = issue_key("erp", channel_ids=[1], scopes=["decide", "read"], now=NOW)

    (row,) = ApiKey.objects.values()
    stored: dict[str, Any] = dict(row)
    assert stored.pop("id")
    assert stored == {
        "name": "erp",
        "public_id": key.public_id,
        "secret_hash": key.digest,
        "scopes": ["read", "decide"],
        "user_id": None,
        "original_id": None,
        "created_at": NOW,
        "expires_at": None,
        "revoked_at": None,
        "last_used_at": None,
    }
    secret = key.text[17:60]
    assert secret not in str(stored)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("channels", "scopes", "ends"),
    [
        ([1], ["write"], None),
        ([1], [], None),
        ([], ["read"], None),
        ([1, 99], ["read"], None),
        ([1], ["read"], NOW),
    ],
)
def test_invalid_key_is_not_issued(channels: list[int], scopes: list[str], ends: object) -> None:
    factories.create_channel()

    with pytest.raises(AccessError):
        issue_key("erp", channel_ids=channels, scopes=scopes, now=NOW, expires_at=ends)  # type: ignore[arg-type]

    assert ApiKey.objects.count() == 0


@pytest.mark.django_db
def test_rotated_key_has_the_same_rights_and_the_old_one_expires() -> None:
    factories.create_channel()
    factories.create_channel(pk=2)
    old = issue_key("erp", channel_ids=[1, 2], scopes=["read"], now=NOW, expires_at=NOW + 90 * DAY)
    later = NOW + 30 * DAY

    new = rotate_key(old.public_id, overlap=DAY, now=later)

    ends = dict(ApiKey.objects.values_list("public_id", "expires_at"))
    assert ends == {old.public_id: later + DAY, new.public_id: later + 90 * DAY}
    row = ApiKey.objects.get(public_id=new.public_id)
    assert (row.name, row.scopes) == ("erp", ["read"])
    assert set(row.channels.values_list("pk", flat=True)) == {1, 2}


@pytest.mark.django_db
def test_rotation_never_extends_the_old_key() -> None:
    factories.create_channel()
    old = issue_key("erp", channel_ids=[1], scopes=["read"], now=NOW, expires_at=NOW + DAY)

    rotate_key(old.public_id, overlap=10 * DAY, now=NOW)

    assert ApiKey.objects.get(public_id=old.public_id).expires_at == NOW + DAY


@pytest.mark.django_db
def test_revoked_key_is_neither_rotated_nor_revoked_again() -> None:
    factories.create_channel()
    key = issue_key("erp", channel_ids=[1], scopes=["read"], now=NOW)
    revoke_key(key.public_id, now=NOW)

    with pytest.raises(AccessError):
        rotate_key(key.public_id, overlap=DAY, now=NOW)
    with pytest.raises(AccessError):
        revoke_key(key.public_id, now=NOW)
    with pytest.raises(AccessError):
        revoke_key("unknown1", now=NOW)
    assert ApiKey.objects.get().revoked_at == NOW


@pytest.mark.django_db
def test_last_use_is_recorded_once_a_minute() -> None:
    factories.create_channel()
    key = issue_key("erp", channel_ids=[1], scopes=["read"], now=NOW)
    row = ApiKey.objects.get(public_id=key.public_id)

    updates = []
    for seconds in (0, 1, 59, 60, 61, 119, 120):
        with CaptureQueriesContext(connection) as captured:
            record_use(row.pk, row.last_used_at, NOW + timedelta(seconds=seconds))
        row.refresh_from_db()
        updates.append(len(captured))

    assert updates == [1, 0, 0, 1, 0, 0, 1]
    assert row.last_used_at == NOW + timedelta(seconds=120)


@pytest.mark.django_db
def test_compiled_key_query_returns_the_rows_of_the_orm() -> None:
    factories.create_channel()
    factories.create_channel(pk=2, is_active=False)
    factories.create_channel(pk=3)
    key = issue_key("erp", channel_ids=[1, 2], scopes=["read"], now=NOW)

    is_active = {}
    for channel in (1, 2, 3):
        arguments = {"public_id": key.public_id, "channel_id": channel}
        (row,) = key_in_channel(**arguments)
        assert row == key_in_channel.fetch(key_in_channel.queryset(**arguments))[0]
        is_active[channel] = row.channel_is_active

    assert is_active == {1: True, 2: False, 3: None}


@pytest.mark.django_db
def test_unknown_public_id_also_reads_a_row() -> None:
    assert key_in_channel(public_id="unknown1", channel_id=1) == []
    factories.create_channel()
    first, second = (issue_key(n, channel_ids=[1], scopes=["read"], now=NOW) for n in "ab")

    hashes = {
        name: [row.secret_hash for row in key_in_channel(public_id=name, channel_id=1)]
        for name in ("unknown1", first.public_id, second.public_id)
    }

    assert hashes["unknown1"] == hashes[first.public_id] == [first.digest]
    assert hashes[second.public_id] == [second.digest]


def _run(*words: str) -> tuple[int, str, str]:
    app = Typer()
    app.command("issue-key")(cli_issue_key.issue_key)
    app.command("revoke-key")(cli_revoke_key.revoke_key)
    done = CliRunner().invoke(app, words)
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.django_db
def test_issue_key_prints_the_key() -> None:
    factories.create_channel()
    factories.create_channel(pk=2)
    limits = ["--channel", "1", "--channel", "2", "--scope", "read", "--scope", "decide"]

    code, out, _ = _run("issue-key", "--name", "erp", *limits, "--expires-days", "30")

    text = out.strip()
    row = ApiKey.objects.get(public_id=api_keys.public_id_of(text))
    assert (code, row.name, row.scopes) == (0, "erp", ["read", "decide"])
    assert row.secret_hash == api_keys.digest(text)
    assert set(row.channels.values_list("pk", flat=True)) == {1, 2}
    assert row.expires_at is not None
    assert row.expires_at - row.created_at == 30 * DAY


@pytest.mark.django_db
def test_commands_rotate_and_revoke_a_key() -> None:
    factories.create_channel()
    _, out, _ = _run("issue-key", "--name", "erp", "--channel", "1", "--scope", "read")
    old = str(api_keys.public_id_of(out.strip()))

    code, out, _ = _run("issue-key", "--rotate", old, "--overlap-hours", "24")

    new = str(api_keys.public_id_of(out.strip()))
    assert code == 0
    ends = dict(ApiKey.objects.values_list("public_id", "expires_at"))
    assert ends[new] is None
    assert ends[old] is not None
    assert _run("revoke-key", new)[0] == 0
    assert ApiKey.objects.get(public_id=new).revoked_at is not None


@pytest.mark.django_db
@pytest.mark.parametrize(
    "words",
    [
        ["issue-key"],
        ["issue-key", "--name", "erp", "--channel", "99", "--scope", "read"],
        ["issue-key", "--name", "erp", "--channel", "1", "--scope", "all"],
        ["issue-key", "--rotate", "unknown1"],
        ["revoke-key", "unknown1"],
    ],
)
def test_refused_key_command_prints_the_reason_and_exits_with_2(words: list[str]) -> None:
    factories.create_channel()

    code, out, err = _run(*words)

    assert (code, out) == (2, "")
    assert err.startswith("Error: ")
    assert ApiKey.objects.count() == 0
