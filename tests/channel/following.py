"""Systems that follow a list of changes, as the page on channels tells them to."""

from collections.abc import Callable
from threading import Event
from typing import Any
from urllib.parse import urlencode

from django.db import connection

from tests.channel.sync import send
from tests.factories import HttpClient

START = "2020-01-01T00:00:00Z"
Document = dict[str, Any]


class Follower:
    """Keeps the newest document of each row, and the `modified_date` to continue after."""

    def __init__(self, caller: HttpClient, path: str, limit: int, *, by_link: bool = False) -> None:
        self.caller, self.path, self.limit, self.by_link = caller, path, limit, by_link
        self.rows: dict[int, Document] = {}
        self.cursor = START

    def poll(self) -> list[int]:
        """Read all pages that there are now; returns the ids of their rows in order."""
        query = urlencode({"modified_date__gt": self.cursor, "limit": self.limit})
        path: str | None = f"{self.path}?{query}"
        received = []
        while path:
            response = send(self.caller, "GET", path)
            assert response.status_code == 200, response.content
            page = response.json()
            for row in page["results"]:
                self.rows[row["pk"]] = row
                self.cursor = row["modified_date"]
                received.append(row["pk"])
            path = self._next(page)
        return received

    def _next(self, page: Document) -> str | None:
        if not page["results"] or page["next"] is None:
            return None
        if self.by_link:
            link: str = page["next"]
            return link[link.index("/api/") :]
        query = urlencode({"modified_date__gt": self.cursor, "limit": self.limit})
        return f"{self.path}?{query}"

    def run(self, stop: Event) -> None:
        """Poll until `stop` is set, and once more."""
        try:
            while not stop.wait(0.01):
                self.poll()
            self.poll()
        finally:
            connection.close()


def in_thread(act: Callable[[], object]) -> Callable[[], object]:
    """The act, after which its thread closes its connection."""

    def run() -> object:
        try:
            return act()
        finally:
            connection.close()

    return run
