"""Replies, and the ways in which they fail to arrive."""

import gzip
import os
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler

from takeback.refund_providers.sandbox_server.documents import Document, encode
from takeback.refund_providers.sandbox_server.failures import Failure, Script

HANG_SECONDS = 30.0
SLOW_SECONDS = 0.2
"""The time between two bytes of a slow reply: each of them renews a client's time limit."""
REDIRECTED = "/v1/redirected"
_HUGE_BYTES, _DEPTH = 1_048_576, 60_000
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Delivery(StrEnum):
    """How a reply is written."""

    WRITTEN = "written"
    NEVER = "never"
    RESET = "reset"
    TRUNCATED = "truncated"
    SLOW_HEADERS = "slow_headers"
    SLOW_BODY = "slow_body"


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply to a request; it waits until the event `waits_for` is delivered."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    delivery: Delivery = Delivery.WRITTEN
    seconds: float = 0
    waits_for: int | None = None


def json_reply(status: int, document: Document) -> Reply:
    return Reply(status, encode(document))


def refusal(status: int, code: str, **headers: str) -> Reply:
    """A refusal in the form of the merchant API."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, encode({"error": {"code": code, "message": f"refused: {code}"}}), named)


_SERVER_ERROR = (HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error")
_DUPLICATE = (HTTPStatus.CONFLICT, "already_refunded")
_REFUSALS: dict[Failure, tuple[HTTPStatus, str]] = {
    Failure.ERROR_500: _SERVER_ERROR,
    Failure.COMMIT_THEN_500: _SERVER_ERROR,
    Failure.DUPLICATE_REFUSED: _DUPLICATE,
    Failure.COMMIT_THEN_DUPLICATE: _DUPLICATE,
    Failure.RATE_LIMIT: (HTTPStatus.TOO_MANY_REQUESTS, "rate_limited"),
    Failure.KEY_IN_USE: (HTTPStatus.CONFLICT, "key_in_use"),
    Failure.UNAUTHORIZED: (HTTPStatus.UNAUTHORIZED, "unauthorized"),
}
_DELIVERIES: dict[Failure, Delivery] = {
    Failure.TIMEOUT_BEFORE: Delivery.NEVER,
    Failure.COMMIT_THEN_TIMEOUT: Delivery.NEVER,
    Failure.RESET_BEFORE: Delivery.RESET,
    Failure.COMMIT_THEN_RESET: Delivery.RESET,
    Failure.TRUNCATED: Delivery.TRUNCATED,
    Failure.SLOW_HEADERS: Delivery.SLOW_HEADERS,
    Failure.SLOW_BODY: Delivery.SLOW_BODY,
}
_BODIES: dict[Failure, Callable[[bytes], bytes]] = {
    Failure.EMPTY: lambda _: b"",
    Failure.MALFORMED: lambda body: body[:-1],
    Failure.DUPLICATE_KEY: lambda body: body[:-1] + b', "amount": "0.01", "captured": "0.01"}',
    Failure.DEEP: lambda _: b"[" * _DEPTH,
    Failure.NOT_JSON: lambda _: b"<html>Bad gateway</html>",
    Failure.HUGE: lambda body: body[:-1] + b" " * _HUGE_BYTES + b"}",
    Failure.COMPRESSED: gzip.compress,
}


def failed_reply(reply: Reply, script: Script | None) -> Reply:
    """The reply to a request as its script changes it."""
    if script is None:
        return reply
    failure = script.failure
    if failure in _REFUSALS:
        seconds = script.options.get("seconds")
        is_limited = failure is Failure.RATE_LIMIT and seconds is not None
        headers = {"Retry_After": str(seconds)} if is_limited else {}
        status, code = _REFUSALS[failure]
        return refusal(status, code, **headers)
    if failure is Failure.REDIRECT:
        return Reply(HTTPStatus.TEMPORARY_REDIRECT, b"", {"Location": REDIRECTED})
    if failure is Failure.CUSTOM_REPLY:
        text = str(script.options.get("body", ""))
        return Reply(int(script.options.get("status", reply.status)), text.encode())
    headers = {"Content-Encoding": "gzip"} if failure is Failure.COMPRESSED else {}
    body = _BODIES[failure](reply.body) if failure in _BODIES else reply.body
    return replace(
        reply, body=body, headers=headers, delivery=_DELIVERIES.get(failure, reply.delivery)
    )


class Writer:
    """Writes replies to connections, and stops when the server does."""

    def __init__(self, stopping: threading.Event) -> None:
        self.stopping = stopping

    def write(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        handler.close_connection = True
        if reply.seconds:
            self.stopping.wait(reply.seconds)
        match reply.delivery:
            case Delivery.NEVER:
                self.stopping.wait(HANG_SECONDS)
            case Delivery.RESET:
                _reset(handler)
            case Delivery.SLOW_HEADERS:
                # Without Content-Length, so that the head can go on for ever.
                self._drip(handler, b"HTTP/1.1 200 OK\r\n" + b"X-Slow: slow\r\n" * 1_000)
            case _:
                self._write_head(handler, reply)
                self._write_body(handler, reply)

    def _write_head(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        handler.send_response(reply.status)
        handler.send_header("Content-Type", reply.content_type)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(reply.body)))
        handler.send_header("Connection", "close")
        handler.end_headers()

    def _write_body(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        with suppress(OSError):
            if reply.delivery is Delivery.SLOW_BODY:
                self._drip(handler, reply.body)
            elif reply.delivery is Delivery.TRUNCATED:
                handler.wfile.write(reply.body[: len(reply.body) // 2])
            else:
                handler.wfile.write(reply.body)

    def _drip(self, handler: BaseHTTPRequestHandler, data: bytes) -> None:
        with suppress(OSError):
            for index in range(len(data)):
                handler.wfile.write(data[index : index + 1])
                if self.stopping.wait(SLOW_SECONDS):
                    return


def _reset(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection so that the client's read fails, instead of ending."""
    connection = handler.connection
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    os.close(connection.detach())
