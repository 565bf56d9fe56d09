"""The folder of a demo: its lock, its database, its images and mails, and demo.json."""

import fcntl
import os
import shutil
from pathlib import Path
from typing import Final

WITNESSES: Final = (
    "database_generation",
    "refund_requests",
    "refund_requests.old",
    "refund_requests.restored",
)
"""The files by which workers notice a restored database (`refunds.epoch`)."""


class Unusable(Exception):
    """The demo cannot run here; the text is the reason."""


class Folder:
    """The files of a demo. It needs no Django, because it is used before the settings load."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.published = self.path / "demo.json"
        self.prepared = self.path / "demo.json.prepared"
        self.lock = self.path / "demo.lock"
        self.database = self.path / "takeback.sqlite3"
        self.mails = self.path / "mails"
        self.images = self.path / "media" / "cases"
        self.sandbox = self.path / "sandbox"

    def claim(self) -> None:
        """Lock the folder for this process and the server that replaces it."""
        if self.database.exists() and not self.lock.exists():
            raise Unusable(f"{self.path} holds a shop that is not a demo; choose another --data.")
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self.lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unusable(f"A demo is already running in {self.path}.") from None
        os.set_inheritable(handle, True)  # noqa: FBT003 - the server keeps the lock

    def unpublish(self) -> bytes:
        """Hide the previous demo.json until this server answers, and return its content."""
        if self.published.exists():
            self.published.replace(self.prepared)
        return self.prepared.read_bytes() if self.prepared.exists() else b""

    def prepare(self, content: bytes) -> None:
        """Write the content of demo.json, which is published when the server answers."""
        self.prepared.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(self.prepared, flags, 0o600), "wb") as file:
            file.write(content)

    def wipe(self) -> None:
        """Delete the shop with its images, its mails, its payments and demo.json."""
        for name in (self.database.name, f"{self.database.name}-wal", f"{self.database.name}-shm"):
            (self.path / name).unlink(missing_ok=True)
        # Only the files that the demo writes: the folder may contain others.
        for mail in self.mails.glob("*.log"):
            mail.unlink()
        shutil.rmtree(self.images, ignore_errors=True)
        # A new database is not an old one that was restored.
        for name in WITNESSES:
            (self.path / name).unlink(missing_ok=True)
        self.published.unlink(missing_ok=True)
        self.prepared.unlink(missing_ok=True)
