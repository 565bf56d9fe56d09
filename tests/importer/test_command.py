"""`takeback import` prints counts and reasons, and exits with 0, 1 or 2."""

import json
from pathlib import Path

import pytest
import zeal
from typer.testing import CliRunner, Result

from takeback.archive.models import OldOrder, OldOrderItem
from takeback.cli.main import app
from takeback.orders.models import Order
from tests.factories import create_channel
from tests.importer.files import EXAMPLE, ONCE_PER_BATCH, line, write
from tests.importer.test_old_orders import ITEM, ORDER, _write

pytestmark = pytest.mark.django_db


def run(*arguments: str | Path) -> Result:
    """The command with these arguments."""
    with zeal.zeal_ignore(ONCE_PER_BATCH):
        return CliRunner().invoke(app, ["import", *map(str, arguments)], env={"COLUMNS": "200"})


def test_counts_and_a_control_total_are_printed(tmp_path: Path) -> None:
    create_channel()
    path = write(
        tmp_path, line(number="1"), line(number="C2", quantity=-1), line(number="C3", quantity=-9)
    )

    done = run("orders", path, "--mapping", EXAMPLE, "--report", tmp_path / "report.jsonl")

    assert done.exit_code == 0, done.output
    cells = [entry.strip().split(maxsplit=1) for entry in done.output.splitlines()]
    assert ["-10.20", "GBP: sum of all readable lines"] in cells
    assert ["1", "order created"] in cells
    assert ["1", "partly_matched"] in cells
    assert json.loads((tmp_path / "report.jsonl").read_text()) == {
        "line": 4,
        "number": "C3",
        "code": "partly_matched",
        "reason": "only 5 of 9 units could be matched",
    }


def test_the_default_report_is_in_the_data_folder(
    tmp_path: Path, settings: pytest.FixtureRequest
) -> None:
    create_channel()
    settings.DATA_DIR = tmp_path / "data"  # type: ignore[attr-defined]

    done = run("orders", write(tmp_path, line(quantity="six")), "--mapping", EXAMPLE)

    report = tmp_path / "data" / "imports" / "orders.csv.report.jsonl"
    assert json.loads(report.read_text())["code"] == "quantity"
    assert str(report) in done.output


def test_strict_exits_with_1_when_a_row_was_refused(tmp_path: Path) -> None:
    create_channel()
    path = write(tmp_path, line(number="1"), line(number="2", quantity="six"))
    report = ("--report", tmp_path / "report.jsonl")

    assert run("orders", path, "--mapping", EXAMPLE, *report).exit_code == 0
    assert run("orders", path, "--mapping", EXAMPLE, *report, "--strict").exit_code == 1


def test_a_truncated_file_exits_with_1(tmp_path: Path) -> None:
    create_channel()
    path = write(tmp_path, *(line(number=number) for number in "123"), end="")

    done = run("orders", path, "--mapping", EXAMPLE, "--report", tmp_path / "report.jsonl")

    assert done.exit_code == 1
    assert "Not read to its end: the last line has no line break" in done.output
    assert list(Order.objects.values_list("number", flat=True)) == ["1"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["orders.csv"], "needs --mapping"),
        (["orders.xls"], "must end in .csv or .jsonl"),
        (["orders.csv", "--mapping", "wrong.toml"], "not valid TOML"),
        (["orders.csv", "--mapping", "empty.toml"], "section [address] is missing"),
        (["orders.csv", "--mapping", str(EXAMPLE), "--channel", "7"], "There is no channel 7"),
    ],
)
def test_an_unusable_file_or_mapping_is_a_wrong_argument(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    create_channel()
    monkeypatch.chdir(tmp_path)
    write(tmp_path, line())
    write(tmp_path, line(), name="orders.xls")
    (tmp_path / "wrong.toml").write_text("[order")
    (tmp_path / "empty.toml").write_text("")

    done = run("orders", *arguments)

    assert done.exit_code == 2
    assert message in " ".join(done.output.replace("│", " ").split())
    assert Order.objects.count() == 0


def test_old_orders_are_imported_with_their_items(tmp_path: Path) -> None:
    create_channel()
    orders, items = _write(tmp_path / "old.csv", ORDER), _write(tmp_path / "items.csv", ITEM)

    done = run("old-orders", orders, "--items", items, "--report", tmp_path / "report.jsonl")

    assert done.exit_code == 0, done.output
    assert (OldOrder.objects.count(), OldOrderItem.objects.count()) == (1, 1)
    assert (tmp_path / "report.items.jsonl").read_text() == ""
