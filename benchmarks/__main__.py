"""`./dev bench [NAME ...]` measures the goals; `./dev bench compare --with PATH` two checkouts."""

import argparse
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    bodies,
    compare,
    database,
    importing,
    orders,
    refunds,
    refusal_times,
    report,
    scale,
)
from benchmarks.orders import Plan
from benchmarks.report import Line
from benchmarks.shop import Shop

USUAL = ("orders", "importing", "scale", "bodies", "refunds")
_ORDERS = "by default 200,000; compare: 20,000"
_PAIRS = "by default 10 for compare and 4,000 for refusal_times"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(_MEASURES)}")
    parser.add_argument("--orders", type=int, help=f"orders in the shop, {_ORDERS}")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each figure")
    parser.add_argument("--seconds", type=float, default=4, help="length of a run")
    parser.add_argument(
        "--requests", type=int, default=100_000, help="scale: requests in the larger shop"
    )
    parser.add_argument("--pairs", type=int, help=f"pairs of runs or requests, {_PAIRS}")
    parser.add_argument("--with", type=Path, dest="other", help="compare: the other checkout")
    parser.add_argument("--write", action="store_true", help=f"into {report.PAGE.name}")
    options = parser.parse_args()
    if set(options.names) - _MEASURES.keys():
        parser.error(f"there are {', '.join(_MEASURES)}")
    is_within_limits = True
    for name in options.names or USUAL:
        lines, about = _MEASURES[name](options)
        report.show(lines)
        print(*about)
        if options.write:
            report.write(name, lines, about=about)
        is_within_limits &= all(line.is_within_limit for line in lines)
    raise SystemExit(0 if is_within_limits else 1)


Measured = tuple[list[Line], list[str]]


def _shop(orders: int) -> Shop:
    return Shop(orders, orders * Shop().requests // Shop().orders)


def _orders(options: argparse.Namespace) -> Measured:
    shop = _shop(options.orders or Shop().orders)
    with database.server() as url:
        return orders.measure(url, Plan(shop, options.rounds, options.seconds))


def _compare(options: argparse.Namespace) -> Measured:
    if options.other is None:
        raise SystemExit("compare needs another checkout: --with PATH")
    other, shop = compare.other_checkout(options.other), _shop(options.orders or 20_000)
    pairs = options.pairs or 10
    with database.server() as url:
        return compare.measure(url, other, shop, pairs=pairs, seconds=options.seconds)


def _importing(_: argparse.Namespace) -> Measured:
    result = importing.run()
    share = Line(
        "import, share of COPY's rate", result.ratio, limit=importing.GOAL, is_minimum=True
    )
    rates = [Line(row.name, row.rows_per_second, "rows/s") for row in result.table]
    return [share, *rates], []


def _scale(options: argparse.Namespace) -> Measured:
    with database.server() as url:
        lines = scale.measure(url, options.requests, times=options.rounds, seconds=options.seconds)
    return lines, [f"Medians of {options.rounds} rounds of {options.seconds:g} s, one connection."]


def _bodies(_: argparse.Namespace) -> Measured:
    return bodies.measure(), [f"Medians of {bodies.ROUNDS} rounds, bodies of 27 MB."]


def _refunds(_: argparse.Namespace) -> Measured:
    return refunds.measure(), ["One worker with the usual settings."]


def _refusal_times(options: argparse.Namespace) -> Measured:
    pairs = options.pairs or 4_000
    with database.server() as url:
        return refusal_times.measure(url, pairs), [f"{pairs:,} pairs of requests each."]


_MEASURES: dict[str, Callable[[argparse.Namespace], Measured]] = {
    "orders": _orders,
    "importing": _importing,
    "scale": _scale,
    "bodies": _bodies,
    "refunds": _refunds,
    "refusal_times": _refusal_times,
    "compare": _compare,
}


if __name__ == "__main__":
    main()
