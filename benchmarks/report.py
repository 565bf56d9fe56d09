"""The table of goals and measured figures: on the screen, and in the documentation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from benchmarks import processes
from benchmarks.server import ROOT

PAGE = ROOT / "docs" / "reference" / "performance.md"
_BEGIN, _END = "<!-- {name}: begin -->", "<!-- {name}: end -->"


@dataclass(frozen=True, slots=True)
class Line:
    """A measured figure and its goal; `limit` is None where there is no goal."""

    name: str
    value: float
    unit: str = "x"
    limit: float | None = None
    note: str = ""
    is_minimum: bool = False

    @property
    def is_within_limit(self) -> bool:
        """Whether the value is at most its limit; at least, if the limit is a minimum."""
        if self.limit is None:
            return True
        return self.value >= self.limit if self.is_minimum else self.value <= self.limit

    def cells(self) -> tuple[str, str, str, str, str]:
        """The cells of its row: name, goal, value, result, note."""
        sign = "≥" if self.is_minimum else "≤"
        goal = "" if self.limit is None else f"{sign} {self.limit:g} {self.unit}"
        result = "" if self.limit is None else ("ok" if self.is_within_limit else "NOT")
        return self.name, goal, f"{self.value:.2f} {self.unit}", result, self.note


_HEADINGS = ("figure", "goal", "measured", "", "details")


def show(lines: Sequence[Line]) -> None:
    """Print the table."""
    table = Table(*_HEADINGS, caption=processes.interpreter())
    for line in lines:
        table.add_row(*line.cells(), style=None if line.is_within_limit else "bold red")
    Console().print(table)


def write(name: str, lines: Sequence[Line], *, about: Sequence[str]) -> None:
    """Replace the table of this measurement in the page."""
    begin, end = _BEGIN.format(name=name), _END.format(name=name)
    rows = [_HEADINGS, ("---",) * len(_HEADINGS), *(line.cells() for line in lines)]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
    machine = f"{processes.machine()}, {processes.interpreter()}"
    introduction = [f"Measured on {datetime.now(UTC):%Y-%m-%d}, {machine}.", *about]
    page = PAGE.read_text(encoding="utf-8")
    if begin not in page:
        raise SystemExit(f"{PAGE.name} has no table of {name}: add {begin} and {end}")
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    measured = "\n\n".join([begin, " ".join(introduction), table, end])
    PAGE.write_text(f"{before}{measured}{after}", encoding="utf-8")
