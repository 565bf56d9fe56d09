"""Which order numbers a file has had, however many: kept on disk, not in memory."""

import sqlite3


class SeenNumbers:
    """A set that only grows, in a scratch file which disappears with it."""

    def __init__(self) -> None:
        self._scratch = sqlite3.connect("")  # an empty name: a private file, deleted when closed
        self._scratch.execute("PRAGMA synchronous=OFF")
        self._scratch.execute("CREATE TABLE seen (number TEXT PRIMARY KEY) WITHOUT ROWID")

    def is_new(self, number: str) -> bool:
        """Whether the number has not been asked for before; from now on it has."""
        added = self._scratch.execute("INSERT OR IGNORE INTO seen VALUES (?)", [number])
        return added.rowcount == 1

    def close(self) -> None:
        """Let go of the scratch file."""
        self._scratch.close()
