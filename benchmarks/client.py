"""A caller with kept-alive connections: `python -m benchmarks.client list ...`, a process of its
own, so that its time is not counted as the server's."""

import argparse
import json
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

from benchmarks import finding
from benchmarks.asking import REASON, pairs_in
from benchmarks.shop import PROBES, Shop, guest_email, number_of, session_key

OPERATIONS = ("list", "requests", "look-up", "create", *finding.OPERATIONS)
Choose = Callable[[Random], bytes]


def request(method: str, path: str, *, headers: tuple[str, ...] = (), body: bytes = b"") -> bytes:
    """An HTTP request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept-Language: tr", *headers]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def list_of(customer: int) -> bytes:
    """A customer's orders."""
    return request(
        "GET", "/users/orders/", headers=(f"Cookie: osessionid={session_key(customer)}",)
    )


def requests_of(customer: int) -> bytes:
    """A customer's cancellation requests, all fifty on one page."""
    cookie = f"Cookie: osessionid={session_key(customer)}"
    return request("GET", "/users/orders/cancellation_requests/?limit=50", headers=(cookie,))


def look_up_of(order: int) -> bytes:
    """A guest's order, by number and e-mail address."""
    told = {"number": number_of(order), "email": guest_email(order)}
    return request("POST", "/users/orders/anonymous/", body=json.dumps(told).encode())


def create_of(item: int, customer: int) -> bytes:
    """A customer asks to cancel a line."""
    body = {"order_item": item, "reason": REASON, "cancellation_type": "cancel"}
    token = "t" * 32
    cookie = f"Cookie: osessionid={session_key(customer)}; csrftoken={token}"
    return request(
        "POST",
        "/users/orders/cancellation_requests/",
        headers=(cookie, f"X-CSRFToken: {token}"),
        body=json.dumps(body).encode(),
    )


def found_by(name: str, dice: Random) -> bytes:
    """A channel's cases, found by a filter."""
    key = f"Authorization: Token {finding.KEY}"
    return request("GET", finding.path_of(name, dice), headers=(key,))


def chooser(operation: str, shop: Shop, pairs: list[tuple[int, int]]) -> Choose:
    """Which request comes next; the scale's are those of its probes, whatever the shop's size."""
    if operation in finding.OPERATIONS:
        return lambda dice: found_by(operation, dice)
    if operation == "create":
        return lambda _: create_of(*pairs.pop())
    customers = PROBES if shop.has_probes else shop.customers
    guests = list(shop.guest_orders())
    if shop.has_probes:
        guests = guests[: PROBES * 10]
    if operation == "look-up":
        return lambda dice: look_up_of(dice.choice(guests))
    make = {"list": list_of, "requests": requests_of}[operation]
    return lambda dice: make(dice.randrange(customers))


class Caller:
    """One connection; every answer must be a 200."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call(self, wanted: bytes) -> bytes:
        """The body of the answer."""
        self.socket.sendall(wanted)
        answer = bytearray()
        while (end := answer.find(b"\r\n\r\n")) < 0:
            answer += self._more()
        head = bytes(answer[:end]).lower()
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(answer.decode(errors="replace")[:2_000])
        length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        while len(answer) < end + 4 + length:
            answer += self._more()
        return bytes(answer[end + 4 :])

    def _more(self) -> bytes:
        part = self.socket.recv(262_144)
        if not part:
            raise RuntimeError("the server closed the connection")
        return part


def calls(port: int, choose: Choose, *, seed: int, seconds: float) -> tuple[list[float], int]:
    """How long each call took, and how many bytes came in all."""
    caller, dice = Caller("127.0.0.1", port), Random(seed)
    times, size = [], 0
    end = time.perf_counter() + seconds
    while (started := time.perf_counter()) < end:
        size += len(caller.call(choose(dice)))
        times.append(time.perf_counter() - started)
    return times, size


def main() -> None:
    """The command line; prints one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("operation", choices=OPERATIONS)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--orders", type=int, required=True)
    parser.add_argument("--probes", action="store_true")
    parser.add_argument("--pairs", type=Path, help="create: lines to ask for, and their customers")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    pairs = pairs_in(given.pairs) if given.pairs else []
    choose = chooser(given.operation, Shop(given.orders, has_probes=given.probes), pairs)
    with ThreadPoolExecutor(given.connections) as pool:
        runs = [
            pool.submit(calls, given.port, choose, seed=given.seed + n, seconds=given.seconds)
            for n in range(given.connections)
        ]
        found = [run.result() for run in runs]
    times = sorted(one for some, _ in found for one in some)
    told = {
        "calls": len(times),
        "bytes": sum(size for _, size in found) // len(times),
        "p50_ms": 1000 * times[len(times) // 2],
        "p99_ms": 1000 * times[len(times) * 99 // 100],
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
