"""One HTTP request to a provider: it ends within a time, reads a limited body and never repeats.

Time limits of HTTP clients count each read, so that a server which sends a byte per second would
hold a sender for hours. Here a timer closes the connection at the end of the total time.
"""

import logging
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from socket import SHUT_RDWR
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    import httpx2

# It writes every URL to the log, and with it the provider's ids.
logging.getLogger("httpx2").setLevel(logging.WARNING)

TOTAL_SECONDS = 18.0
CONNECT_SECONDS = 5.0
MAX_BODY_BYTES = 65_536
_MAX_RETRY_AFTER = 86_400


class Reply(NamedTuple):
    """The status and the body of a response; `retry_after` is its header in seconds."""

    status: int
    body: bytes
    retry_after: int | None = None


class NoReply(Exception):
    """There is no complete response; the text is a code for logs."""


class _Deadline:
    """Closes the connection of a request when its time is over."""

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._socket: Any = None
        self._timer = threading.Timer(seconds, self._close)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """The client reports each step; a connected stream gives its socket."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")
            if self.is_over:
                self._close()

    def _close(self) -> None:
        self.is_over = True
        if self._socket is not None:
            # A blocked read of the other thread ends at once.
            with suppress(OSError):
                self._socket.shutdown(SHUT_RDWR)


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Loading the certificates takes longer than a request."""
    return ssl.create_default_context()


def send_request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes = b"",
    seconds: float = TOTAL_SECONDS,
    max_bytes: int | None = MAX_BODY_BYTES,
) -> Reply:
    """Send a request without redirects, proxies and compression. Raises NoReply."""
    import httpx2  # 3 MB that a web worker, which sends no requests, does without

    timeout = httpx2.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS))
    own = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "takeback"}
    with _Deadline(seconds) as deadline:
        try:
            with (
                httpx2.Client(
                    verify=_tls(), trust_env=False, follow_redirects=False, timeout=timeout
                ) as client,
                client.stream(
                    method,
                    url,
                    headers={**own, **headers},
                    content=body,
                    extensions={"trace": deadline.trace},
                ) as response,
            ):
                reply = _read(response, max_bytes)
        except httpx2.TimeoutException as error:
            raise NoReply("timeout") from error
        except httpx2.ConnectError as error:
            raise NoReply("not_connected") from error
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, OSError) as error:
            raise NoReply("timeout" if deadline.is_over else "connection_lost") from error
        if deadline.is_over:
            raise NoReply("timeout")
        return reply


def _read(response: "httpx2.Response", max_bytes: int | None) -> Reply:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise NoReply("compressed")
    chunks, size = [], 0
    for chunk in response.iter_raw():
        size += len(chunk)
        if max_bytes is not None and size > max_bytes:
            raise NoReply("too_large")
        chunks.append(chunk)
    return Reply(
        response.status_code,
        b"".join(chunks),
        _seconds(response.headers.get("Retry-After", "")),
    )


def _seconds(text: str) -> int | None:
    """Whole seconds up to a day; a date is ignored."""
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(_MAX_RETRY_AFTER))
    return min(int(text), _MAX_RETRY_AFTER) if is_number else None
