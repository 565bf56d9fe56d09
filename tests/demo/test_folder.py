"""The folder of a demo: whose it is, and when demo.json may be read."""

import json
from pathlib import Path

import pytest

from takeback.demo.folder import Folder, Unusable


def test_what_an_earlier_start_published_is_withdrawn_but_remembered(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.published.write_text('{"url": "http://old"}')
    assert folder.withdraw() == {"url": "http://old"}
    assert not folder.published.exists()
    assert folder.withdraw() == {"url": "http://old"}


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"'])
def test_a_broken_file_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    folder = Folder(tmp_path)
    folder.published.write_text(text)
    assert folder.withdraw() == {}


def test_what_is_prepared_is_for_its_owner_only_and_not_yet_published(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.prepare({"url": "http://new"})
    folder.prepare({"url": "http://newer"})
    assert json.loads(folder.prepared.read_text()) == {"url": "http://newer"}
    assert folder.prepared.stat().st_mode & 0o777 == 0o600
    assert not folder.published.exists()


def test_a_folder_is_made_and_serves_one_demo_at_a_time(tmp_path: Path) -> None:
    Folder(tmp_path / "new" / "demo").claim()
    with pytest.raises(Unusable, match=r"already running in .*new/demo"):
        Folder(tmp_path / "new" / "demo").claim()


def test_a_folder_with_another_shop_is_left_alone(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.database.write_text("a real shop")
    with pytest.raises(Unusable, match="not a demo; choose another --data"):
        folder.claim()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["takeback.sqlite3"]


def test_wiping_forgets_the_shop_and_keeps_the_lock_and_the_secrets(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.claim()
    for name in ("takeback.sqlite3", "takeback.sqlite3-wal", "demo.json", "secret_key"):
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
