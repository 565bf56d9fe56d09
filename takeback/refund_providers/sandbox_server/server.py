"""The HTTP server of the sandbox; it listens on this machine only."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from takeback.refund_providers.sandbox_server import admin_api
from takeback.refund_providers.sandbox_server.admin_api import AdminApi
from takeback.refund_providers.sandbox_server.events import Sender
from takeback.refund_providers.sandbox_server.ledger import Ledger
from takeback.refund_providers.sandbox_server.merchant_api import MerchantApi, Request
from takeback.refund_providers.sandbox_server.replies import Reply, Writer, refusal

HOST = "127.0.0.1"
FILE = "sandbox.sqlite3"
_MAX_BODY_BYTES = 1_048_576
_JSON = "application/json"


class SandboxServer:
    """A sandbox on a port; `with` runs it in a thread of its own.

    `ledger` is its truth, for code in the same process.
    """

    def __init__(self, path: Path | str, *, port: int = 0, is_durable: bool = True) -> None:
        self.ledger = Ledger(path, is_durable=is_durable)
        self.stopping = threading.Event()
        self.sender = Sender(self.ledger, self.stopping)
        self.merchant = MerchantApi(self.ledger, self.sender)
        self.admin = AdminApi(self.ledger, self.sender)
        self.writer = Writer(self.stopping)
        self._http = _HttpServer((HOST, port), _Handler)
        self._http.sandbox = self
        self.port: int = self._http.server_address[1]
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The base URL of accounts that use this sandbox."""
        return f"http://{HOST}:{self.port}"

    def serve(self) -> None:
        """Serve until `stop`."""
        self.sender.start()
        self._http.serve_forever(poll_interval=0.05)

    def stop(self) -> None:
        """End hanging replies and the server; its port and its file are free afterwards."""
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self.sender.wait_for_end()
        self.ledger.close()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve, name="sandbox", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._thread:
            self._thread.join()

    def reply_to(self, request: Request, *, host: str, content_type: str) -> Reply:
        """The reply to any request."""
        if host.rpartition(":")[0] not in {HOST, "localhost"}:
            # A page in a browser of this machine must not reach it under another name.
            return refusal(421, "unknown_host")
        if request.method == "POST" and content_type.partition(";")[0].strip() != _JSON:
            return refusal(415, "json_expected")
        if request.path.startswith(admin_api.PREFIX):
            return self.admin.reply_to(request.method, request.path, request.body)
        return self.merchant.reply_to(request)


class _HttpServer(ThreadingHTTPServer):
    """One thread per connection; a client that disconnects is no error."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    sandbox: SandboxServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A broken connection is what the sandbox is for; anything else is printed."""
        import sys

        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _HttpServer

    def do_GET(self) -> None:
        self._respond()

    def do_POST(self) -> None:
        self._respond()

    def _respond(self) -> None:
        sandbox = self.server.sandbox
        body = self._body()
        if body is None:
            self.close_connection = True
            return
        reply = sandbox.reply_to(
            Request(
                self.command,
                self.path,
                self.headers.get("Authorization", ""),
                self.headers.get("Idempotency-Key"),
                body,
            ),
            host=self.headers.get("Host", ""),
            content_type=self.headers.get("Content-Type", ""),
        )
        if reply.waits_for is not None:
            sandbox.sender.wait_for(reply.waits_for)
        sandbox.writer.write(self, reply)

    def _body(self) -> bytes | None:
        """The body; None if the client disconnects before its end: that is no request."""
        text = self.headers.get("Content-Length", "0")
        length = min(int(text) if text.isascii() and text.isdigit() else 0, _MAX_BODY_BYTES)
        body = self.rfile.read(length)
        return body if len(body) == length else None

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
        """The ledger keeps the log of requests."""
