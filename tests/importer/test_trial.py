"""`takeback import orders --dry-run` and `takeback import propose` write nothing."""

import json
from pathlib import Path

import pytest

from takeback.accounts.models import User
from takeback.addresses.models import Address
from takeback.orders.models import Order, Snapshot
from takeback.outbox.models import Message
from tests.factories import create_channel
from tests.importer.files import EXAMPLE, line, write
from tests.importer.test_command import run

pytestmark = pytest.mark.django_db

LINES = [
    line(number="1"),
    line(number="1", sku="B", quantity=1, price="1"),
    line(number="2"),
    line(number="3", quantity="six"),
    line(number="4"),
    line(number="5"),
    line(number="C6", quantity=-1),
]
CUSTOMER = "registered c17850@example.com, Unknown street, Unknown city, United Kingdom"


def rows() -> list[int]:
    return [model.objects.count() for model in (Order, User, Address, Snapshot, Message)]


def test_a_dry_run_shows_three_orders_and_writes_nothing(
    tmp_path: Path, settings: pytest.FixtureRequest
) -> None:
    create_channel()
    settings.DATA_DIR = tmp_path / "data"  # type: ignore[attr-defined]

    done = run("orders", write(tmp_path, *LINES), "--mapping", EXAMPLE, "--dry-run")

    assert done.exit_code == 0, done.output
    output = done.stdout.splitlines()
    assert [text.split()[1] for text in output if text.startswith("Order ")] == ["1", "2", "4"]
    assert output[:3] == [
        f"Order 1 of 2010-12-01 08:26 UTC, delivered (550): 16.30 GBP, {CUSTOMER}",
        "    6 x 85123A 'WHITE HEART HOLDER': 15.30 GBP, delivered (550) 2010-12-01",
        "    1 x B 'WHITE HEART HOLDER': 1.00 GBP, delivered (550) 2010-12-01",
    ]
    cells = [" ".join(text.split()) for text in output]
    assert "orders.csv: dry run, nothing is written" in cells
    assert "4 orders created" in cells
    assert "1 quantity, such as line 5: not a quantity: 'six'" in cells
    assert rows() == [0] * 5
    assert not (tmp_path / "data").exists()


def test_a_dry_run_compares_with_the_orders_that_exist(tmp_path: Path) -> None:
    create_channel()
    run("orders", write(tmp_path, *LINES[:3]), "--mapping", EXAMPLE)
    before = rows()
    report = tmp_path / "report.jsonl"

    path = write(tmp_path, *LINES[:2], line(number="2", price="9.99"), line(number="9"))
    arguments = ("--mapping", EXAMPLE, "--dry-run", "--strict", "--report", report)
    done = run("orders", path, *arguments)

    assert done.exit_code == 1, done.output
    cells = [" ".join(text.split()) for text in done.stdout.splitlines()]
    assert {"1 order created", "1 order unchanged", "1 order refused"} <= set(cells)
    assert json.loads(report.read_text())["code"] == "fixed"
    assert rows() == before


def test_a_dry_run_of_json_lines_writes_nothing(tmp_path: Path) -> None:
    create_channel()
    path = tmp_path / "orders.jsonl"
    order = {
        "order": {
            "number": "1",
            "date_placed": "2026-03-01T10:00:00Z",
            "currency": "try",
            "customer": {"email": "jane@example.com"},
        },
        "order_item": [{"product": {"sku": "A", "name": "Scarf"}, "price": "10.10"}],
    }
    path.write_text(json.dumps(order) + "\n")

    done = run("orders", path, "--dry-run")

    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("Order 1 of 2026-03-01 10:00 UTC, approved (400): 10.10 TRY")
    assert rows() == [0] * 5


def test_a_mapping_is_proposed_on_the_output(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("Order ID,ASIN,Courier Status\n")

    done = run("propose", path)

    assert done.exit_code == 0
    assert done.stdout.startswith("# The ready mapping for amazon.")


@pytest.mark.parametrize(
    ("name", "text"),
    [("orders.csv", ""), ("orders.csv", "\n"), ("orders.csv.gz", "no archive"), ("a.xlsx", "x")],
)
def test_no_mapping_is_proposed_without_a_header(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)

    assert run("propose", path).exit_code == 2
