"""The folder of a demo: its lock, its database file, and the file that says how to come in."""

import fcntl
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Unusable(Exception):
    """The demo cannot run in this folder; the text says why."""


class Folder:
    """Files of one demo. Nothing here needs Django: it is asked before the settings load."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.published = self.path / "demo.json"
        self.prepared = self.path / "demo.json.prepared"
        self.lock = self.path / "demo.lock"
        self.database = self.path / "takeback.sqlite3"
        self.mails = self.path / "mails"
        self.pictures = self.path / "media" / "cases"

    def claim(self) -> None:
        """Take the folder for this process and the server that follows it, until both are gone."""
        if self.database.exists() and not self.lock.exists():
            raise Unusable(f"{self.path} holds a shop that is not a demo; choose another --data.")
        self.path.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unusable(f"A demo is already running in {self.path}.") from None
        os.set_inheritable(handle, True)  # noqa: FBT003 - the server keeps the lock

    def withdraw(self) -> dict[str, Any]:
        """What an earlier start published; nobody is to read it while this one is not up."""
        if self.published.exists():
            self.published.replace(self.prepared)
        try:
            kept = json.loads(self.prepared.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}

    def prepare(self, entrance: Mapping[str, Any]) -> None:
        """Write down how to come in, to be published when the server answers."""
        self.prepared.unlink(missing_ok=True)
        with os.fdopen(
            os.open(self.prepared, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
        ) as file:
            json.dump(entrance, file, indent=2, ensure_ascii=False)
            file.write("\n")

    def wipe(self) -> None:
        """Forget the shop that lived here, its pictures and mails, and how to come in."""
        for name in (self.database.name, f"{self.database.name}-wal", f"{self.database.name}-shm"):
            (self.path / name).unlink(missing_ok=True)
        # Only what is ours by its form: somebody may have named a folder with more in it.
        for mail in self.mails.glob("*.log"):
            mail.unlink()
        shutil.rmtree(self.pictures, ignore_errors=True)
        self.published.unlink(missing_ok=True)
        self.prepared.unlink(missing_ok=True)
