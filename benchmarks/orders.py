"""Order list, guest look-up and new case against their floors; memory of two workers."""

from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks import database, rounds
from benchmarks.report import Line
from benchmarks.response_differences import differences
from benchmarks.rounds import CONNECTIONS, NOISY, Place, Summary
from benchmarks.server import REFERENCE, serving
from benchmarks.shop import Shop

LIST_LIMIT, LOOK_UP_LIMIT, CREATE_LIMIT, REFERENCE_SHARE, MEMORY_MIB = 1.6, 2.5, 2.3, 8, 220


@dataclass(frozen=True, slots=True)
class Plan:
    """The shop, the number of rounds, and the seconds of a run."""

    shop: Shop
    rounds: int
    seconds: float


def measure(server_url: str, plan: Plan) -> tuple[list[Line], list[str]]:
    """The lines of the table, and a description of the run."""
    shop = plan.shop
    url = database.loaded(server_url, shop)
    postmaster = database.postmaster_of(url)
    with ExitStack() as stack:
        ours = stack.enter_context(serving(url))
        reference = stack.enter_context(serving(url, REFERENCE))
        different = differences(ours, reference, shop)
        if different:
            raise SystemExit("The reference differs:\n" + "\n".join(different[:20]))
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
        summaries = rounds.measured(subjects, rounds=plan.rounds, seconds=plan.seconds)
        workers, total = ours.workers_mib(), ours.all_mib()
    return _lines(summaries, workers, total), _about(plan, summaries)


def _lines(summaries: dict[str, Summary], workers: float, total: float) -> list[Line]:
    cpu = {name: summary.cpu_ms for name, summary in summaries.items()}
    reference = cpu["list: DRF reference"] / cpu["list"]
    limits = {"list": LIST_LIMIT, "look-up": LOOK_UP_LIMIT, "create": CREATE_LIMIT}
    ratios = [
        Line(f"{name}, CPU against its floor", cpu[name] / cpu[f"{name}: floor"], limit=limit)
        for name, limit in limits.items()
    ]
    name = "list, CPU of the DRF reference against ours"
    return [
        *ratios,
        Line(name, reference, limit=REFERENCE_SHARE, is_minimum=True),
        Line(
            "memory, two workers",
            workers,
            "MiB",
            MEMORY_MIB,
            f"with their supervisor {total:.0f} MiB",
        ),
        *(_per_request(name, summary) for name, summary in summaries.items()),
    ]


def _per_request(name: str, summary: Summary) -> Line:
    note = f"{summary.app_ms:.2f} application + {summary.database_ms:.2f} PostgreSQL"
    if summary.p50_ms:
        note += f"; p50 {summary.p50_ms:.0f} ms, p99 {summary.p99_ms:.0f} ms"
    return Line(f"{name}, CPU per request", summary.cpu_ms, "ms", note=note)


def _about(plan: Plan, summaries: dict[str, Summary]) -> list[str]:
    noisy = sum(summary.noisy for summary in summaries.values())
    runs = sum(summary.runs for summary in summaries.values())
    shop = plan.shop
    lists, look_ups = summaries["list"].bytes / 1000, summaries["look-up"].bytes / 1000
    return [
        f"{shop.orders:,} orders, {3 * shop.orders:,} items, {shop.requests:,} requests;",
        f"a list of {lists:.0f} kB, a look-up of {look_ups:.0f} kB;",
        f"medians of {plan.rounds} rounds of {plan.seconds:g} s, {CONNECTIONS} connections;",
        f"in {noisy} of {runs} runs other processes took more than {NOISY:.0%} of the machine.",
    ]
