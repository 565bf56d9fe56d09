"""`./dev bench [orders|importing|scale|bodies|silence]`: the goals, measured; silence by name."""

import argparse
from collections.abc import Callable

from benchmarks import bodies, database, importing, orders, report, scale, silence
from benchmarks.orders import Wanted
from benchmarks.report import Line
from benchmarks.shop import Shop

USUAL = ("orders", "importing", "scale", "bodies")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(_MEASURES)}")
    parser.add_argument("--orders", type=int, default=Shop().orders, help="orders in the shop")
    parser.add_argument("--rounds", type=int, default=5, help="times that each figure is taken")
    parser.add_argument("--seconds", type=float, default=4, help="length of a run")
    parser.add_argument(
        "--requests", type=int, default=100_000, help="scale: requests in the larger shop"
    )
    parser.add_argument("--pairs", type=int, default=4_000, help="silence: calls of each kind")
    parser.add_argument("--write", action="store_true", help=f"into {report.PAGE.name}")
    given = parser.parse_args()
    if set(given.names) - _MEASURES.keys():
        parser.error(f"there are {', '.join(_MEASURES)}")
    is_kept = True
    for name in given.names or USUAL:
        lines, about = _MEASURES[name](given)
        report.show(lines)
        print(*about)
        if given.write:
            report.write(name, lines, about=about)
        is_kept &= all(line.is_kept for line in lines)
    raise SystemExit(0 if is_kept else 1)


Measured = tuple[list[Line], list[str]]


def _orders(given: argparse.Namespace) -> Measured:
    shop = Shop(given.orders, given.orders * Shop().requests // Shop().orders)
    with database.server() as url:
        return orders.measure(url, Wanted(shop, given.rounds, given.seconds))


def _importing(_: argparse.Namespace) -> Measured:
    result = importing.run()
    share = Line("import, share of COPY's rate", result.ratio, limit=importing.GOAL, is_floor=True)
    rates = [Line(row.what, row.rows_per_second, "rows/s") for row in result.table]
    return [share, *rates], []


def _scale(given: argparse.Namespace) -> Measured:
    with database.server() as url:
        lines = scale.measure(url, given.requests, times=given.rounds, seconds=given.seconds)
    return lines, [f"Medians of {given.rounds} rounds of {given.seconds:g} s, one connection."]


def _bodies(_: argparse.Namespace) -> Measured:
    return bodies.measure(), [f"Medians of {bodies.ROUNDS} rounds, bodies of 27 MB."]


def _silence(given: argparse.Namespace) -> Measured:
    with database.server() as url:
        return silence.measure(url, given.pairs), [f"{given.pairs:,} pairs of calls each."]


_MEASURES: dict[str, Callable[[argparse.Namespace], Measured]] = {
    "orders": _orders,
    "importing": _importing,
    "scale": _scale,
    "bodies": _bodies,
    "silence": _silence,
}


if __name__ == "__main__":
    main()
