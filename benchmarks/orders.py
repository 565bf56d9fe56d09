"""The order list, the guest look-up and a new case against their floors; what two workers weigh."""

from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks import database, rounds
from benchmarks.compare import differences
from benchmarks.report import Line
from benchmarks.rounds import CONNECTIONS, NOISY, Place, Summary
from benchmarks.server import REFERENCE, serving
from benchmarks.shop import Shop

LIST_LIMIT, LOOK_UP_LIMIT, CREATE_LIMIT, REFERENCE_SHARE, MEMORY_MIB = 1.6, 2.5, 2.3, 8, 220


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much is measured."""

    shop: Shop
    rounds: int
    seconds: float


def measure(server_url: str, wanted: Wanted) -> tuple[list[Line], list[str]]:
    """The table's lines, and what there is to say about the run."""
    shop = wanted.shop
    url = database.loaded(server_url, shop)
    postmaster = database.postmaster_of(url)
    with ExitStack() as stack:
        ours = stack.enter_context(serving(url))
        reference = stack.enter_context(serving(url, REFERENCE))
        found = differences(ours, reference, shop)
        if found:
            raise SystemExit("The reference says something else:\n" + "\n".join(found[:20]))
        place = Place(url, postmaster, shop)
        subjects = [
            rounds.of_floor("list: floor", "list", place=place),
            rounds.of_server("list", "list", server=ours, place=place),
            rounds.of_server("list: DRF reference", "list", server=reference, place=place),
            rounds.of_floor("look-up: floor", "look-up", place=place),
            rounds.of_server("look-up", "look-up", server=ours, place=place),
            rounds.of_floor("create: floor", "create", place=place),
            rounds.of_server("create", "create", server=ours, place=place),
        ]
        summaries = rounds.measured(subjects, rounds=wanted.rounds, seconds=wanted.seconds)
        workers, whole = ours.workers_mib(), ours.all_mib()
    return _lines(summaries, workers, whole), _about(wanted, summaries)


def _lines(found: dict[str, Summary], workers: float, whole: float) -> list[Line]:
    cpu = {name: one.cpu_ms for name, one in found.items()}
    reference = cpu["list: DRF reference"] / cpu["list"]
    limits = {"list": LIST_LIMIT, "look-up": LOOK_UP_LIMIT, "create": CREATE_LIMIT}
    ratios = [
        Line(f"{name}, CPU against its floor", cpu[name] / cpu[f"{name}: floor"], limit=limit)
        for name, limit in limits.items()
    ]
    what = "list, CPU of the DRF reference against ours"
    return [
        *ratios,
        Line(what, reference, limit=REFERENCE_SHARE, is_floor=True),
        Line(
            "memory, two workers",
            workers,
            "MiB",
            MEMORY_MIB,
            f"with the process that watches over them {whole:.0f} MiB",
        ),
        *(_per_call(name, one) for name, one in found.items()),
    ]


def _per_call(name: str, one: Summary) -> Line:
    note = f"{one.app_ms:.2f} application + {one.database_ms:.2f} PostgreSQL"
    if one.p50_ms:
        note += f"; p50 {one.p50_ms:.0f} ms, p99 {one.p99_ms:.0f} ms"
    return Line(f"{name}, CPU per call", one.cpu_ms, "ms", note=note)


def _about(wanted: Wanted, found: dict[str, Summary]) -> list[str]:
    noisy = sum(one.noisy for one in found.values())
    runs = sum(one.runs for one in found.values())
    shop = wanted.shop
    lists, look_ups = found["list"].bytes / 1000, found["look-up"].bytes / 1000
    return [
        f"{shop.orders:,} orders, {3 * shop.orders:,} lines, {shop.requests:,} requests;",
        f"a list of {lists:.0f} kB, a look-up of {look_ups:.0f} kB;",
        f"medians of {wanted.rounds} rounds of {wanted.seconds:g} s, {CONNECTIONS} connections;",
        f"in {noisy} of {runs} runs others took more than {NOISY:.0%} of the machine.",
    ]
