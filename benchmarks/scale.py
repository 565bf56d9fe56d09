"""Compares a small and a large shop: the same customers among more other customers."""

from contextlib import ExitStack

from benchmarks import case_filters, database, rounds
from benchmarks.report import Line
from benchmarks.server import serving
from benchmarks.shop import Shop

SMALL, LIMIT = 10_000, 1.3
REQUESTS_PER_ORDER = 3
OPERATIONS = {"look-up": "look-up", "list": "order list", "requests": "request list"} | {
    name: f"cases by {name}" for name in case_filters.OPERATIONS
}


def shop_with(requests: int) -> Shop:
    """A shop with this many requests, one per item; each probe has fifty."""
    orders = SMALL // REQUESTS_PER_ORDER + 1_000
    return Shop(orders, SMALL, has_probes=True, copies=requests // SMALL - 1)


def measure(server_url: str, requests: int, *, times: int, seconds: float) -> list[Line]:
    """The p50 of each operation in the larger shop, relative to the smaller one."""
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
        summaries = rounds.measured(subjects, rounds=times, seconds=seconds)
    lines = []
    for operation, name in OPERATIONS.items():
        small = summaries[f"{operation} at {SMALL}"].p50_ms
        large = summaries[f"{operation} at {requests}"].p50_ms
        figure = f"{name}, p50 at {requests:,} requests against {SMALL:,}"
        note = f"{small:.1f} ms and {large:.1f} ms"
        lines.append(Line(figure, large / small, limit=LIMIT, note=note))
    return lines
