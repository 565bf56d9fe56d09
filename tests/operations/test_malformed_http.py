"""The real server and bytes that are not valid HTTP.

Each case is followed by a valid request on its connection, so that the statuses show how far the
server could parse: (400,) means that it refused and closed the connection, (400, 200) that it
responded and still knew where the next request began. A guest look-up that reaches our code is
counted by its rate limits; nothing else may be written. The names T1 to T38 group the cases.
"""

import http.client
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from takeback.limits.models import Counter
from tests.channel.shop import row_counts
from tests.rigs.serving import Server, database_url, serving

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.heavy]

CLOSED: tuple[int, ...] = ()
CHUNKED = b"Transfer-Encoding: chunked"
UNKNOWN = b"000000"
"""Each case puts its own number here, so that the limits count it separately."""
PAIR = b'{"number": "%s", "email": "%s@example.com"}' % (UNKNOWN, UNKNOWN)
LENGTH = len(PAIR)
SECONDS = 60
"""A limit for sockets that only a hanging server reaches."""


def in_chunks(size: int, body: bytes = PAIR) -> bytes:
    """A body in chunks of this many bytes."""
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])


def padded(length: int) -> bytes:
    """The body padded to this length, in chunks."""
    return in_chunks(4_096, PAIR.ljust(length))


CHUNKS = in_chunks(LENGTH)
FORM = in_chunks(9, b"number=%s&email=%s%%40example.com" % (UNKNOWN, UNKNOWN))
NEXT = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Case(NamedTuple):
    """Bytes, the statuses of their responses, and whether our code receives a look-up."""

    sent: bytes
    statuses: tuple[int, ...]
    is_look_up: bool = False


def look_up(
    *more: bytes,
    length: bytes | None = b"%d" % LENGTH,
    body: bytes = PAIR,
    host: bytes | None = b"Host: localhost",
    target: bytes = b"/users/orders/anonymous/",
    version: bytes = b"HTTP/1.1",
    kind: bytes = b"json",
) -> bytes:
    """A guest look-up, valid by default."""
    head = [b"POST %s %s" % (target, version), b"Content-Type: application/" + kind]
    head += [host] if host is not None else []
    head += [b"Content-Length: " + length] if length is not None else []
    return b"\r\n".join([*head, *more, b"", body])


def chunked(body: bytes, *more: bytes, kind: bytes = b"json") -> bytes:
    """A guest look-up with a chunked body."""
    return look_up(CHUNKED, *more, length=None, body=body, kind=kind)


REFUSED, ACCEPTED, TOO_LARGE = (400,), (400, 200), (431,)

CASES = {
    "valid": Case(look_up(), ACCEPTED, is_look_up=True),
    "T1 a longer second length": Case(look_up(b"Content-Length: 99"), REFUSED),
    "T1 a shorter second length": Case(look_up(b"Content-Length: 3"), REFUSED),
    # RFC 9110, 8.6 allows equal lengths: they cannot contradict each other.
    "T2 the same length twice": Case(
        look_up(b"Content-Length: %d" % LENGTH), ACCEPTED, is_look_up=True
    ),
    "T2 a list of lengths": Case(look_up(length=b"%d, %d" % (LENGTH, LENGTH)), REFUSED),
    "T3 a length, then chunks": Case(look_up(CHUNKED), REFUSED),
    # RFC 9112, 6.1 lets chunks override a length if the connection is closed, as it is here.
    "T3 chunks, then a length": Case(
        chunked(CHUNKS, b"Content-Length: 5"), REFUSED, is_look_up=True
    ),
    "T4 xchunked": Case(look_up(b"Transfer-Encoding: xchunked", length=None), REFUSED),
    "T4 identity": Case(look_up(b"Transfer-Encoding: identity", length=None), REFUSED),
    "T4 chunked, identity": Case(
        look_up(b"Transfer-Encoding: chunked, identity", length=None, body=CHUNKS), REFUSED
    ),
    # The server decompresses nothing: a compressed body is an empty one.
    "T4 gzip, chunked": Case(
        look_up(b"Transfer-Encoding: gzip, chunked", length=None, body=CHUNKS), ACCEPTED
    ),
    "T8 valid chunks": Case(chunked(CHUNKS), ACCEPTED, is_look_up=True),
    "T8 chunks of a byte": Case(
        chunked(in_chunks(1, PAIR.replace(UNKNOWN, b"bytes"))), ACCEPTED, is_look_up=True
    ),
    "T8 chunks, then trailers": Case(
        chunked(CHUNKS.replace(b"0\r\n\r\n", b"0\r\nX-A: b\r\n\r\n")), ACCEPTED, is_look_up=True
    ),
    "T8 no chunks": Case(chunked(b"0\r\n\r\n"), ACCEPTED),
    "T8 a form in chunks": Case(
        chunked(FORM, kind=b"x-www-form-urlencoded"), ACCEPTED, is_look_up=True
    ),
    "T8 the largest body": Case(chunked(padded(65_536)), ACCEPTED, is_look_up=True),
    "T8 a byte more than the largest body": Case(chunked(padded(65_537)), (413, 200)),
    # The server passes on the part before the invalid chunk as the body: half an object is
    # refused, a complete one is accepted.
    "T8 an invalid chunk in the object": Case(
        chunked(in_chunks(9).replace(b"9\r\n", b"x\r\n").replace(b"x", b"9", 1)), REFUSED
    ),
    "T8 an invalid chunk after the object": Case(
        chunked(CHUNKS.replace(b"0\r\n\r\n", b"x\r\n\r\n")), REFUSED, is_look_up=True
    ),
    "T7 a length shorter than the body": Case(look_up(length=b"%d" % (LENGTH - 5)), (400, 400)),
    "T8 a size beyond 64 bits": Case(chunked(b"fffffffffffffffff\r\n" + PAIR), REFUSED),
    "T8 a size of 64 bits": Case(chunked(b"ffffffffffffffff\r\n" + b" " * 65_537), (413,)),
    "T8 a negative size": Case(chunked(b"-5\r\n" + PAIR), REFUSED),
    "T8 a size with a prefix": Case(chunked(b"0x5\r\n" + PAIR), REFUSED),
    "T8 an endless extension": Case(
        chunked(CHUNKS.replace(b"\r\n", b";" + b"a" * 65_536 + b"\r\n", 1)), REFUSED
    ),
    "T8 a bare line feed": Case(chunked(CHUNKS.replace(b"\r\n", b"\n", 1)), REFUSED),
    # RFC 9112, 2.2 allows a bare line feed at the end of a header line. It hides no request,
    # because lengths and chunks are parsed strictly (T1 to T5, T8).
    "T11 bare line feeds": Case(look_up().replace(b"\r\n", b"\n"), ACCEPTED, is_look_up=True),
    "T11 a folded header": Case(look_up(b"X-A: b\r\n c"), REFUSED),
    "T11 a space before the colon": Case(look_up(host=b"Host : localhost"), REFUSED),
    "T12 no Host": Case(look_up(host=None), ACCEPTED),
    "T12 two Hosts": Case(look_up(b"Host: localhost"), ACCEPTED),
    "T12 two different Hosts": Case(look_up(b"Host: evil.example"), ACCEPTED),
    # No route has this path; longer request lines are refused by the server.
    "T14 a request line of 9,000 bytes": Case(look_up(target=b"/" + b"a" * 9_000), (404, 200)),
    "T14 a request line of 80,000 bytes": Case(look_up(target=b"/" + b"a" * 80_000), TOO_LARGE),
    "T15 101 headers": Case(look_up(*(b"X-%d: a" % n for n in range(98))), TOO_LARGE),
    # A session id may have ten kilobytes, so the limit of a header is above nine.
    "T15 a header of 9 KiB": Case(look_up(b"X-A: " + b"a" * 9_216), ACCEPTED, is_look_up=True),
    "T15 64 KiB of headers": Case(
        look_up(*(b"X-%d: " % n + b"a" * 1_024 for n in range(64))), TOO_LARGE
    ),
    "T16 a tab in a value": Case(look_up(b"X-A: a\tb"), ACCEPTED, is_look_up=True),
    "T21 HTTP/0.9": Case(b"GET /health/live\r\n\r\n", REFUSED),
    "T21 HTTP/1.2": Case(look_up(version=b"HTTP/1.2"), REFUSED),
    "T21 HTTP/2.0": Case(look_up(version=b"HTTP/2.0"), REFUSED),
    "T21 HTTP/3.7": Case(look_up(version=b"HTTP/3.7"), REFUSED),
    "T21 the preface of HTTP/2": Case(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0", CLOSED),
    "T34 a hello of TLS": Case(bytes.fromhex("1603010200010001fc0303") + b"\1" * 500, REFUSED),
    "T38 an unknown expectation": Case(look_up(b"Expect: a-miracle"), ACCEPTED, is_look_up=True),
}
CASES |= {
    f"T5 {length!r}": Case(look_up(length=length), REFUSED)
    for length in (b"-1", b"+31", b"0x1f", b"31 31", b"1e2", b"", b"9" * 23)
}
CASES |= {
    f"T12 Host: {name[:9].decode()}": Case(look_up(host=b"Host: " + name), ACCEPTED)
    for name in (b"a/b", b"a b", b"[::1", b"a" * 300, b"", b"localhost@evil", b"localhost,evil")
}
CASES |= {
    f"T16 {byte!r} in a name": Case(look_up(b"X-A%sB: a" % byte), REFUSED)
    for byte in (b"\0", b"\r", b"\x80", b"\xff", b" ")
}
CASES |= {
    f"T16 {byte!r} in a value": Case(look_up(b"X-A: a%sb" % byte), REFUSED)
    for byte in (b"\0", b"\r", b"\x01", b"\x7f")
}
# RFC 9110, 5.5 allows these bytes; our code validates the headers that it reads.
CASES |= {
    f"T16 {byte!r} in a value": Case(look_up(b"X-A: a%sb" % byte), ACCEPTED, is_look_up=True)
    for byte in (b"\x80", b"\xff")
}


@pytest.fixture(scope="module")
def server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real server on the test's database with a single worker: if it hangs, the tests fail."""
    folder = tmp_path_factory.mktemp("server")
    database = {"DATABASE_URL": database_url(), "STOREFRONT_SERVERS": "127.0.0.0/8"}
    with serving(folder, "--workers", "1", **database) as running:
        yield running


def send_bytes(server: Server, *parts: bytes) -> bytes:
    """All bytes that the server sends until it closes the connection."""
    received = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as connection:
        try:
            for part in parts:
                connection.sendall(part)
            while chunk := connection.recv(65_536):
                received += chunk
        except (ConnectionResetError, BrokenPipeError):
            pass  # the server closed the connection while we were sending
    return received


def statuses(received: bytes) -> tuple[int, ...]:
    return tuple(int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", received))


def outcome(server: Server, name: str) -> tuple[tuple[int, ...], bool, bool]:
    """The statuses of a case, whether our code responded, and whether a limit counted it."""
    case, number = CASES[name], b"%06d" % list(CASES).index(name)
    counters, before = Counter.objects.count(), row_counts()
    received = send_bytes(server, case.sent.replace(UNKNOWN, number) + NEXT)
    assert server.request("/health/live").status == 200, name
    # The response to a head that is too large may be lost while we are still sending.
    result = statuses(received) or (case.statuses if case.statuses == TOO_LARGE else CLOSED)
    assert row_counts() == before, name
    return result, b"order_lookup_100_1" in received, Counter.objects.count() > counters


def test_server_refuses_ambiguous_requests(server: Server) -> None:
    outcomes = {name: outcome(server, name) for name in CASES}

    assert outcomes == {
        name: (case.statuses, case.is_look_up, case.is_look_up) for name, case in CASES.items()
    }


def test_huge_body_is_refused_before_it_is_read(server: Server) -> None:
    # T9
    mebibyte = b"100000\r\n" + b"a" * 2**20 + b"\r\n"
    length = b"%d" % (60 * 2**20)
    before = row_counts()

    # The server closes the connection while we are sending, so its response may be lost.
    assert statuses(send_bytes(server, chunked(b""), *[mebibyte] * 60)) in {REFUSED, CLOSED}
    assert statuses(send_bytes(server, look_up(length=length, body=b""))) == (413,)
    assert row_counts() == before
    assert server.request("/health/live").status == 200


def test_pipelined_requests_are_answered_in_order(server: Server, long_run: bool) -> None:
    # T34
    pair = b"".join(
        b"GET /health/%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path for path in (b"live", b"nope")
    )
    assert statuses(send_bytes(server, pair * 50, NEXT)) == (200, 404) * 50 + (200,)

    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
    for _ in range(10_000 if long_run else 200):
        connection.request("GET", "/health/live")
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b'{"status":"ok"}')
    connection.close()


@pytest.mark.parametrize(
    ("ranges", "status"), [("bytes=0-9", 206), ("bytes=9-5", 416), ("bytes=" + "0-," * 999, 200)]
)
def test_range_response_is_part_of_the_file(server: Server, ranges: str, status: int) -> None:
    # T35
    file = server.request("/static/ui/style.css").body

    response = server.request("/static/ui/style.css", range=ranges)

    assert response.status == status
    assert response.body == {200: file, 206: file[:10]}.get(status, response.body)
    assert len(response.body) <= len(file)


def test_unread_responses_block_no_other_client(server: Server) -> None:
    # T33
    with ExitStack() as stack:
        for _ in range(100):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            client.connect(("127.0.0.1", server.port))
            client.sendall(b"GET /api/schema/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert server.request("/health/live").status == 200


def test_connection_with_an_incomplete_head_is_closed(server: Server, long_run: bool) -> None:
    # T33
    if not long_run:
        pytest.skip("waits for ten seconds: ./dev check --long")
    with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost")
        assert connection.recv(1) == b""


@pytest.mark.parametrize("more", [(), (b"Expect: 100-continue",)], ids=["T6", "T38"])
def test_worker_is_free_when_a_client_aborts_its_body(
    server: Server, more: tuple[bytes, ...]
) -> None:
    # Until the client aborts, the worker waits: nginx limits the time of a body (decision 0012).
    before = row_counts()
    with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as connection:
        connection.sendall(look_up(*more, body=b"{"))

    assert server.request("/health/live").status == 200
    assert row_counts() == before
