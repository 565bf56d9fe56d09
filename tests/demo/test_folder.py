"""The folder of a demo belongs to one process, and demo.json is published by a running server."""

from pathlib import Path

import pytest

from takeback.demo.folder import WITNESSES, Folder, Unusable
from takeback.home.demo_accounts import parse_demo_accounts
from takeback.refunds import epoch


def test_the_previous_demo_json_is_hidden_but_not_lost(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert folder.unpublish() == b""
    folder.published.write_text("old")
    assert folder.unpublish() == b"old"
    assert not folder.published.exists()
    assert folder.unpublish() == b"old"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"x"', b'{"url": 5}'])
def test_a_broken_demo_json_is_ignored(content: bytes) -> None:
    assert parse_demo_accounts(content) is None


def test_a_prepared_file_is_private_and_not_published(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.prepare(b"new")
    folder.prepare(b"newer")
    assert folder.prepared.read_bytes() == b"newer"
    assert folder.prepared.stat().st_mode & 0o777 == 0o600
    assert not folder.published.exists()


def test_a_folder_is_created_and_locked_for_one_demo(tmp_path: Path) -> None:
    Folder(tmp_path / "new" / "demo").claim()
    with pytest.raises(Unusable, match=r"already running in .*new/demo"):
        Folder(tmp_path / "new" / "demo").claim()


def test_a_folder_with_another_shop_is_refused(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.database.write_text("a real shop")
    with pytest.raises(Unusable, match="not a demo; choose another --data"):
        folder.claim()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["takeback.sqlite3"]


def test_wiping_deletes_the_shop_but_not_the_lock_or_secrets(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.claim()
    shop = ("takeback.sqlite3", "takeback.sqlite3-wal", "demo.json")
    for name in (*shop, *WITNESSES, "secret_key"):
        (tmp_path / name).write_text("x")
    for name in ("mails/1.log", "mails/mine.txt", "media/cases/ab/ab.jpg", "media/mine.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    folder.wipe()
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(path.relative_to(tmp_path).as_posix() for path in left) == [
        "demo.lock",
        "mails/mine.txt",
        "media/mine.txt",
        "secret_key",
    ]


def test_a_wiped_shop_leaves_no_witness_of_a_restored_database() -> None:
    assert set(WITNESSES) == {
        epoch.MARKER,
        epoch.JOURNAL,
        f"{epoch.JOURNAL}.old",
        epoch.PENDING,
    }
