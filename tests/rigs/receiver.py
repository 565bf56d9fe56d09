"""Receives the events of a provider, as the route for callbacks does."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class ReceivedEvent(NamedTuple):
    """An event as it arrived."""

    headers: dict[str, str]
    body: bytes


class Receiver:
    """The events in the order of their arrival, and the status of the responses to them."""

    def __init__(self) -> None:
        self.events: list[ReceivedEvent] = []
        self.status = 200
        self._changed = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.add(ReceivedEvent(dict(self.headers), body))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                """Tests print nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_address[1]}/"

    def add(self, event: ReceivedEvent) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def wait_for(self, count: int, seconds: float = 10) -> list[ReceivedEvent]:
        """The events, of which there are at least so many."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.events) >= count, seconds)
            return list(self.events)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that ends with the block."""
    receiver = Receiver()
    thread = threading.Thread(target=receiver.http.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.http.shutdown()
        receiver.http.server_close()
        thread.join()
