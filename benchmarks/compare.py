"""Compares two checkouts: `./dev bench compare --with PATH`, for CPU and memory.

Each checkout loads the same shop into its own database and starts its own server; one client
sends the same requests to both in turns. The other checkout is run by its own interpreter, in
`.venv` or in a folder named like this environment, and only through its command line: its modules
may differ. Use interpreters that were built alike.
"""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

from benchmarks import database, rounds
from benchmarks.report import Line
from benchmarks.rounds import Place, Run, Subject
from benchmarks.server import THIS, Checkout, Server, serving
from benchmarks.shop import Shop

OPERATIONS = ("list", "look-up", "create")
MOST_PERCENT, MEMORY_MIB = 2, 217

Pair = tuple[Run, Run]
"""A measurement of the other checkout, and one of this checkout."""


def other_checkout(root: Path) -> Checkout:
    """The checkout in this folder; exits if it has no environment."""
    for name in (Path(sys.prefix).name, ".venv"):
        if (root / name / "bin" / "takeback").exists():
            return Checkout(root.resolve(), (root / name).resolve())
    raise SystemExit(f"{root} has no .venv: run its tests once, or create it")


def measure(
    server_url: str, other: Checkout, shop: Shop, *, pairs: int, seconds: float
) -> tuple[list[Line], list[str]]:
    """The lines of the table, and a description of the run."""
    versions = {_version(checkout) for checkout in (other, THIS)}
    if len(versions) > 1:
        raise SystemExit(f"The checkouts have different interpreters: {sorted(versions)}")
    with ExitStack() as stack:
        servers, subjects = [], []
        for label, checkout in (("other", other), ("this", THIS)):
            url = database.loaded(server_url, shop, checkout)
            place = Place(url, database.postmaster_of(url), shop)
            server = stack.enter_context(serving(url, checkout=checkout))
            servers.append(server)
            subjects.append(_subjects(label, server, place))
        measured = _in_turns(*subjects, pairs=pairs, seconds=seconds)
        memory = [server.workers_mib() for server in servers]
    about = f"Medians of {pairs} pairs of {seconds:g} s; {shop.orders:,} orders; {versions.pop()}."
    return [*_lines(measured), *_memory(*memory)], [about]


def _version(checkout: Checkout) -> str:
    command = [str(checkout.python), "-c", "import sys; print(sys.version)"]
    return subprocess.check_output(command, text=True).strip()


def _subjects(label: str, server: Server, place: Place) -> dict[str, Subject]:
    return {
        operation: rounds.of_server(f"{operation} ({label})", operation, server=server, place=place)
        for operation in OPERATIONS
    }


def _in_turns(
    other: Mapping[str, Subject], this: Mapping[str, Subject], *, pairs: int, seconds: float
) -> dict[str, list[Pair]]:
    """Each operation of both checkouts in every pair; the first one alternates."""
    measured: dict[str, list[Pair]] = {operation: [] for operation in OPERATIONS}
    for number in range(pairs):
        for operation in OPERATIONS:
            subjects = [other[operation], this[operation]]
            runs = {}
            for subject in subjects if number % 2 == 0 else reversed(subjects):
                runs[subject.name] = rounds.quietest(subject, seconds)
                rounds.show(f"pair {number + 1}", subject.name, runs[subject.name])
            before, after = (runs[subject.name] for subject in subjects)
            measured[operation].append((before, after))
    return measured


def _lines(measured: Mapping[str, Sequence[Pair]]) -> list[Line]:
    lines = []
    for operation, pairs in measured.items():
        percent = [100 * (after.cpu_ms / before.cpu_ms - 1) for before, after in pairs]
        low, _, high = quantiles(percent, n=4)
        before = median(before.cpu_ms for before, _ in pairs)
        after = median(after.cpu_ms for _, after in pairs)
        note = f"quarters {low:+.1f} to {high:+.1f} %; {before:.2f} ms and {after:.2f} ms"
        lines.append(Line(f"{operation}, CPU", median(percent), "%", MOST_PERCENT, note))
    return lines


def _memory(before: float, after: float) -> list[Line]:
    note = f"the other checkout {before:.1f} MiB, {100 * (after / before - 1):+.1f} %"
    return [Line("memory, two workers", after, "MiB", MEMORY_MIB, note)]
