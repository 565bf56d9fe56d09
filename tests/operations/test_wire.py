"""What the real server makes of bytes that are no proper HTTP (T rows of the bad-input catalogue).

Each case is followed on its connection by a proper question. So the statuses tell how far the
server followed: (400,) means refused and hung up, (400, 200) that it answered and still knew
where the next request began. A guest's look-up that gets as far as our code is counted by its
limits; nothing else may be written.
"""

import http.client
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from takeback.limits.models import Counter
from tests.channel.shop import rows
from tests.rigs.serving import Server, database_url, serving

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.heavy]

HUNG_UP: tuple[int, ...] = ()
CHUNKED = b"Transfer-Encoding: chunked"
NOBODY = b"000000"
"""Each case puts its own number here, so that the limits count it by itself."""
PAIR = b'{"number": "%s", "email": "%s@example.com"}' % (NOBODY, NOBODY)
LENGTH = len(PAIR)


def in_chunks(size: int, body: bytes = PAIR) -> bytes:
    """A body in chunks of this many bytes."""
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])


def padded(length: int) -> bytes:
    """A pair with as much around it as it takes, in chunks."""
    return in_chunks(4_096, PAIR.ljust(length))


CHUNKS = in_chunks(LENGTH)
FORM = in_chunks(9, b"number=%s&email=%s%%40example.com" % (NOBODY, NOBODY))
NEXT = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Case(NamedTuple):
    """Bytes, the statuses they get, and whether our code sees a look-up in them."""

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
    """A guest's question, proper unless told otherwise."""
    told = [b"POST %s %s" % (target, version), b"Content-Type: application/" + kind]
    told += [host] if host is not None else []
    told += [b"Content-Length: " + length] if length is not None else []
    return b"\r\n".join([*told, *more, b"", body])


def chunked(body: bytes, *more: bytes, kind: bytes = b"json") -> bytes:
    """The same in chunks."""
    return look_up(CHUNKED, *more, length=None, body=body, kind=kind)


REFUSED, ANSWERED, TOO_LARGE = (400,), (400, 200), (431,)

CASES = {
    "proper": Case(look_up(), ANSWERED, is_look_up=True),
    "T1 a longer second length": Case(look_up(b"Content-Length: 99"), REFUSED),
    "T1 a shorter second length": Case(look_up(b"Content-Length: 3"), REFUSED),
    # RFC 9110, 8.6 lets equal lengths count as one: there is nothing to disagree about.
    "T2 the same length twice": Case(
        look_up(b"Content-Length: %d" % LENGTH), ANSWERED, is_look_up=True
    ),
    "T2 a list of lengths": Case(look_up(length=b"%d, %d" % (LENGTH, LENGTH)), REFUSED),
    "T3 a length, then chunks": Case(look_up(CHUNKED), REFUSED),
    # RFC 9112, 6.1 lets chunks win over a length if the line ends with the answer, and it does.
    "T3 chunks, then a length": Case(
        chunked(CHUNKS, b"Content-Length: 5"), REFUSED, is_look_up=True
    ),
    "T4 xchunked": Case(look_up(b"Transfer-Encoding: xchunked", length=None), REFUSED),
    "T4 identity": Case(look_up(b"Transfer-Encoding: identity", length=None), REFUSED),
    "T4 chunked, identity": Case(
        look_up(b"Transfer-Encoding: chunked, identity", length=None, body=CHUNKS), REFUSED
    ),
    # Nothing is inflated: a body in chunks of anything but itself is none to us.
    "T4 gzip, chunked": Case(
        look_up(b"Transfer-Encoding: gzip, chunked", length=None, body=CHUNKS), ANSWERED
    ),
    "T8 proper chunks": Case(chunked(CHUNKS), ANSWERED, is_look_up=True),
    "T8 chunks of a byte": Case(
        chunked(in_chunks(1, PAIR.replace(NOBODY, b"bytes"))), ANSWERED, is_look_up=True
    ),
    "T8 chunks, then trailers": Case(
        chunked(CHUNKS.replace(b"0\r\n\r\n", b"0\r\nX-A: b\r\n\r\n")), ANSWERED, is_look_up=True
    ),
    "T8 no chunks": Case(chunked(b"0\r\n\r\n"), ANSWERED),
    "T8 a form in chunks": Case(
        chunked(FORM, kind=b"x-www-form-urlencoded"), ANSWERED, is_look_up=True
    ),
    "T8 as much as a body may be": Case(chunked(padded(65_536)), ANSWERED, is_look_up=True),
    "T8 a byte more": Case(chunked(padded(65_537)), (413, 200)),
    # The server gives us what came before the break, as if that were all: half an object is
    # refused, and a whole one is whole.
    "T8 a break in the object": Case(
        chunked(in_chunks(9).replace(b"9\r\n", b"x\r\n").replace(b"x", b"9", 1)), REFUSED
    ),
    "T8 a break after the object": Case(
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
    # RFC 9112, 2.2 lets a bare line feed end a line of the head, and this server does; there is
    # nothing to smuggle in, because lengths and chunks are read strictly (T1 to T5, T8).
    "T11 bare line feeds": Case(look_up().replace(b"\r\n", b"\n"), ANSWERED, is_look_up=True),
    "T11 a folded header": Case(look_up(b"X-A: b\r\n c"), REFUSED),
    "T11 a space before the colon": Case(look_up(host=b"Host : localhost"), REFUSED),
    "T12 no Host": Case(look_up(host=None), ANSWERED),
    "T12 two Hosts": Case(look_up(b"Host: localhost"), ANSWERED),
    "T12 two different Hosts": Case(look_up(b"Host: evil.example"), ANSWERED),
    # Shorter than this it is left to the route, which knows no such path.
    "T14 a request line of 9,000 bytes": Case(look_up(target=b"/" + b"a" * 9_000), (404, 200)),
    "T14 a request line of 80,000 bytes": Case(look_up(target=b"/" + b"a" * 80_000), TOO_LARGE),
    "T15 101 headers": Case(look_up(*(b"X-%d: a" % n for n in range(98))), TOO_LARGE),
    # T36 wants a session id of ten kilobytes to be read, so one of nine cannot be too much.
    "T15 a header of 9 KiB": Case(look_up(b"X-A: " + b"a" * 9_216), ANSWERED, is_look_up=True),
    "T15 64 KiB of headers": Case(
        look_up(*(b"X-%d: " % n + b"a" * 1_024 for n in range(64))), TOO_LARGE
    ),
    "T16 a tab in a value": Case(look_up(b"X-A: a\tb"), ANSWERED, is_look_up=True),
    "T21 HTTP/0.9": Case(b"GET /health/live\r\n\r\n", REFUSED),
    "T21 HTTP/1.2": Case(look_up(version=b"HTTP/1.2"), REFUSED),
    "T21 HTTP/2.0": Case(look_up(version=b"HTTP/2.0"), REFUSED),
    "T21 HTTP/3.7": Case(look_up(version=b"HTTP/3.7"), REFUSED),
    "T21 the preface of HTTP/2": Case(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0", HUNG_UP),
    "T34 a hello of TLS": Case(bytes.fromhex("1603010200010001fc0303") + b"\1" * 500, REFUSED),
    "T38 an unknown expectation": Case(look_up(b"Expect: a-miracle"), ANSWERED, is_look_up=True),
}
CASES |= {
    f"T5 {length!r}": Case(look_up(length=length), REFUSED)
    for length in (b"-1", b"+31", b"0x1f", b"31 31", b"1e2", b"", b"9" * 23)
}
CASES |= {
    f"T12 Host: {name[:9].decode()}": Case(look_up(host=b"Host: " + name), ANSWERED)
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
# RFC 9110, 5.5 allows them; what we make of a header we check ourselves.
CASES |= {
    f"T16 {byte!r} in a value": Case(look_up(b"X-A: a%sb" % byte), ANSWERED, is_look_up=True)
    for byte in (b"\x80", b"\xff")
}


@pytest.fixture(scope="module")
def wire(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real server on the test's own database, with one worker: if it hangs, all hangs."""
    folder = tmp_path_factory.mktemp("wire")
    database = {"DATABASE_URL": database_url(), "STOREFRONT_SERVERS": "127.0.0.0/8"}
    with serving(folder, "--workers", "1", **database) as server:
        yield server


def said(server: Server, *parts: bytes) -> bytes:
    """All that the server says until it hangs up; it must, within ten seconds."""
    heard = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as line:
        try:
            for part in parts:
                line.sendall(part)
            while heard_now := line.recv(65_536):
                heard += heard_now
        except (ConnectionResetError, BrokenPipeError):
            pass  # it hung up while we still spoke
    return heard


def statuses(heard: bytes) -> tuple[int, ...]:
    """The statuses of the answers, in their order."""
    return tuple(int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", heard))


def outcome(server: Server, name: str) -> tuple[tuple[int, ...], bool, bool]:
    """What a case gets, whether our code answered it, and whether a limit counted it."""
    case, number = CASES[name], b"%06d" % list(CASES).index(name)
    counted, before = Counter.objects.count(), rows()
    heard = said(server, case.sent.replace(NOBODY, number) + NEXT)
    assert server.request("/health/live").status == 200, name
    # Of a head that is too large the answer may be lost, when the line breaks while we speak.
    told = statuses(heard) or (case.statuses if case.statuses == TOO_LARGE else HUNG_UP)
    assert rows() == before, name
    return told, b"order_lookup_100_1" in heard, Counter.objects.count() > counted


def test_the_server_follows_only_what_it_understands(wire: Server) -> None:
    outcomes = {name: outcome(wire, name) for name in CASES}

    assert outcomes == {
        name: (case.statuses, case.is_look_up, case.is_look_up) for name, case in CASES.items()
    }


def test_sixty_mebibytes_are_refused_long_before_they_are_read(wire: Server) -> None:
    # T9
    mebibyte = b"100000\r\n" + b"a" * 2**20 + b"\r\n"
    length = b"%d" % (60 * 2**20)
    before = rows()

    # The server hangs up while we speak, so its answer may be lost; the rest cannot be sent.
    assert statuses(said(wire, chunked(b""), *[mebibyte] * 60)) in {REFUSED, HUNG_UP}
    assert statuses(said(wire, look_up(length=length, body=b""))) == (413,)
    assert rows() == before
    assert wire.request("/health/live").status == 200


def test_many_questions_on_one_line_are_answered_in_order(wire: Server, long_run: bool) -> None:
    # T34
    asked = [b"GET /health/%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % p for p in (b"live", b"nope")]
    assert statuses(said(wire, b"".join(asked) * 50, NEXT)) == (200, 404) * 50 + (200,)

    line = http.client.HTTPConnection("127.0.0.1", wire.port, timeout=10)
    for _ in range(10_000 if long_run else 200):
        line.request("GET", "/health/live")
        answer = line.getresponse()
        assert (answer.status, answer.read()) == (200, b'{"status":"ok"}')
    line.close()


@pytest.mark.parametrize(
    ("ranges", "status"), [("bytes=0-9", 206), ("bytes=9-5", 416), ("bytes=" + "0-," * 999, 200)]
)
def test_parts_of_a_file_are_no_more_than_the_file(wire: Server, ranges: str, status: int) -> None:
    # T35
    whole = wire.request("/static/home/portal.css").body

    answer = wire.request("/static/home/portal.css", range=ranges)

    assert answer.status == status
    assert answer.body == {200: whole, 206: whole[:10]}.get(status, answer.body)
    assert len(answer.body) <= len(whole)


def test_who_does_not_read_an_answer_keeps_nobody_waiting(wire: Server) -> None:
    # T33
    with ExitStack() as stack:
        for _ in range(100):
            line = stack.enter_context(socket.socket())
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            line.connect(("127.0.0.1", wire.port))
            line.sendall(b"GET /api/schema/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert wire.request("/health/live").status == 200


def test_a_head_that_stops_is_hung_up_on(wire: Server, long_run: bool) -> None:
    # T33
    if not long_run:
        pytest.skip("waits for ten seconds: ./dev check --long")
    with socket.create_connection(("127.0.0.1", wire.port), timeout=30) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost")
        assert line.recv(1) == b""


@pytest.mark.parametrize("more", [(), (b"Expect: 100-continue",)], ids=["T6", "T38"])
def test_a_worker_is_free_again_when_a_caller_leaves_in_the_middle_of_a_body(
    wire: Server, more: tuple[bytes, ...]
) -> None:
    # Until then it waits: the server puts no limit on a body's time, and what the rows want (an
    # end after 30 seconds, nobody else affected) is nginx's: see decision 0012.
    before = rows()
    with socket.create_connection(("127.0.0.1", wire.port), timeout=10) as line:
        line.sendall(look_up(*more, body=b"{"))

    assert wire.request("/health/live").status == 200
    assert rows() == before
