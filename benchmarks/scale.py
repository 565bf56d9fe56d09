"""Whether a page takes longer in a large shop: the same customers among more of the others."""

from contextlib import ExitStack

from benchmarks import database, finding, rounds
from benchmarks.report import Line
from benchmarks.server import serving
from benchmarks.shop import Shop

SMALL, LIMIT = 10_000, 1.3
REQUESTS_PER_ORDER = 3
OPERATIONS = {"look-up": "look-up", "list": "order list", "requests": "request list"} | {
    name: f"cases by {name}" for name in finding.OPERATIONS
}


def shop_with(requests: int) -> Shop:
    """A shop with this many requests, one for each line, whose probes have fifty each."""
    orders = SMALL // REQUESTS_PER_ORDER + 1_000
    return Shop(orders, SMALL, has_probes=True, copies=requests // SMALL - 1)


def measure(server_url: str, requests: int, *, times: int, seconds: float) -> list[Line]:
    """How much longer half of the calls take in the larger shop; both are asked in turns."""
    with ExitStack() as stack:
        subjects = []
        for size in (SMALL, requests):
            shop = shop_with(size)
            url = database.loaded(server_url, shop)
            place = rounds.Place(url, database.postmaster_of(url), shop)
            server = stack.enter_context(serving(url))
            subjects += [
                rounds.of_server(
                    f"{operation} at {size}",
                    operation,
                    server=server,
                    place=place,
                    connections=1,
                )
                for operation in OPERATIONS
            ]
        found = rounds.measured(subjects, rounds=times, seconds=seconds)
    return [
        Line(
            f"{name}, p50 at {requests:,} requests against {SMALL:,}",
            found[f"{operation} at {requests}"].p50_ms / found[f"{operation} at {SMALL}"].p50_ms,
            limit=LIMIT,
            note=f"{found[f'{operation} at {SMALL}'].p50_ms:.1f} ms"
            f" and {found[f'{operation} at {requests}'].p50_ms:.1f} ms",
        )
        for operation, name in OPERATIONS.items()
    ]
