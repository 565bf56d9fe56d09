"""The table of goals and figures: on the screen, and as a page."""

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
    """A goal and what was found; `limit` is None where nothing is promised."""

    what: str
    value: float
    unit: str = "x"
    limit: float | None = None
    note: str = ""
    is_floor: bool = False

    @property
    def is_kept(self) -> bool:
        """A value may not exceed its limit, or fall below it where the limit is a least."""
        if self.limit is None:
            return True
        return self.value >= self.limit if self.is_floor else self.value <= self.limit

    def cells(self) -> tuple[str, str, str, str, str]:
        """As shown: what, goal, measured, verdict, note."""
        sign = "≥" if self.is_floor else "≤"
        goal = "" if self.limit is None else f"{sign} {self.limit:g} {self.unit}"
        verdict = "" if self.limit is None else ("ok" if self.is_kept else "NOT")
        return self.what, goal, f"{self.value:.2f} {self.unit}", verdict, self.note


_HEADINGS = ("what", "goal", "measured", "", "from")


def show(lines: Sequence[Line]) -> None:
    """Print the table."""
    table = Table(*_HEADINGS, caption=processes.interpreter())
    for line in lines:
        table.add_row(*line.cells(), style=None if line.is_kept else "bold red")
    Console().print(table)


def write(name: str, lines: Sequence[Line], *, about: Sequence[str]) -> None:
    """Replace what the page shows of this measurement; the words around its table stay."""
    begin, end = _BEGIN.format(name=name), _END.format(name=name)
    rows = [_HEADINGS, ("---",) * len(_HEADINGS), *(line.cells() for line in lines)]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
    where = f"{processes.machine()}, {processes.interpreter()}"
    told = [f"Measured on {datetime.now(UTC):%Y-%m-%d}, {where}.", *about]
    words = PAGE.read_text(encoding="utf-8")
    before, _, rest = words.partition(begin)
    _, _, after = rest.partition(end)
    measured = "\n\n".join([begin, " ".join(told), table, end])
    PAGE.write_text(f"{before}{measured}{after}", encoding="utf-8")
