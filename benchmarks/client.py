"""An HTTP client with persistent connections: `python -m benchmarks.client list ...`.

It is a separate process, so that its CPU time is not counted as the server's.
"""

import argparse
import json
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

from benchmarks import case_filters
from benchmarks.cancellable_items import REASON, read_items
from benchmarks.shop import PROBES, Shop, guest_email, number_of, session_key

OPERATIONS = ("list", "requests", "look-up", "create", *case_filters.OPERATIONS)
Choose = Callable[[Random], bytes]


def request(method: str, path: str, *, headers: tuple[str, ...] = (), body: bytes = b"") -> bytes:
    """The bytes of an HTTP request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept-Language: tr", *headers]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def list_of(customer: int) -> bytes:
    """The request for a customer's orders."""
    return request(
        "GET", "/users/orders/", headers=(f"Cookie: osessionid={session_key(customer)}",)
    )


def requests_of(customer: int) -> bytes:
    """The request for a customer's cancellation requests, all fifty on one page."""
    cookie = f"Cookie: osessionid={session_key(customer)}"
    return request("GET", "/users/orders/cancellation_requests/?limit=50", headers=(cookie,))


def look_up_of(order: int) -> bytes:
    """The look-up of a guest's order by number and e-mail address."""
    body = {"number": number_of(order), "email": guest_email(order)}
    return request("POST", "/users/orders/anonymous/", body=json.dumps(body).encode())


def create_of(item: int, customer: int) -> bytes:
    """A customer's request to cancel an item."""
    body = {"order_item": item, "reason": REASON, "cancellation_type": "cancel"}
    token = "t" * 32
    cookie = f"Cookie: osessionid={session_key(customer)}; csrftoken={token}"
    return request(
        "POST",
        "/users/orders/cancellation_requests/",
        headers=(cookie, f"X-CSRFToken: {token}"),
        body=json.dumps(body).encode(),
    )


def filtered_cases(name: str, dice: Random) -> bytes:
    """The request for a channel's cases with a filter."""
    key = f"Authorization: Token {case_filters.KEY}"
    return request("GET", case_filters.path_of(name, dice), headers=(key,))


def chooser(operation: str, shop: Shop, items: list[tuple[int, int]]) -> Choose:
    """A function that chooses the next request; in a shop with probes, one of its probes."""
    if operation in case_filters.OPERATIONS:
        return lambda dice: filtered_cases(operation, dice)
    if operation == "create":
        return lambda _: create_of(*items.pop())
    customers = PROBES if shop.has_probes else shop.customers
    guests = list(shop.guest_orders())
    if shop.has_probes:
        guests = guests[: PROBES * 10]
    if operation == "look-up":
        return lambda dice: look_up_of(dice.choice(guests))
    request_of = {"list": list_of, "requests": requests_of}[operation]
    return lambda dice: request_of(dice.randrange(customers))


class Connection:
    """One connection; every response must be a 200."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, message: bytes) -> bytes:
        """Send a request and return the body of its response."""
        self.socket.sendall(message)
        response = bytearray()
        while (end := response.find(b"\r\n\r\n")) < 0:
            response += self._receive()
        head = bytes(response[:end]).lower()
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(response.decode(errors="replace")[:2_000])
        length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        while len(response) < end + 4 + length:
            response += self._receive()
        return bytes(response[end + 4 :])

    def _receive(self) -> bytes:
        part = self.socket.recv(262_144)
        if not part:
            raise RuntimeError("the server closed the connection")
        return part


def timed_calls(port: int, choose: Choose, *, seed: int, seconds: float) -> tuple[list[float], int]:
    """The duration of each call in seconds, and the number of bytes of all responses."""
    connection, dice = Connection("127.0.0.1", port), Random(seed)
    times, size = [], 0
    end = time.perf_counter() + seconds
    while (started := time.perf_counter()) < end:
        size += len(connection.send(choose(dice)))
        times.append(time.perf_counter() - started)
    return times, size


def main() -> None:
    """The command line; prints one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("operation", choices=OPERATIONS)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--orders", type=int, required=True)
    parser.add_argument("--probes", action="store_true")
    parser.add_argument("--items", type=Path, help="create: items to cancel, with their customers")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    items = read_items(options.items) if options.items else []
    choose = chooser(options.operation, Shop(options.orders, has_probes=options.probes), items)
    with ThreadPoolExecutor(options.connections) as pool:
        runs = [
            pool.submit(
                timed_calls, options.port, choose, seed=options.seed + n, seconds=options.seconds
            )
            for n in range(options.connections)
        ]
        results = [run.result() for run in runs]
    times = sorted(seconds for connection, _ in results for seconds in connection)
    summary = {
        "calls": len(times),
        "bytes": sum(size for _, size in results) // len(times),
        "p50_ms": 1000 * times[len(times) // 2],
        "p99_ms": 1000 * times[len(times) * 99 // 100],
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
