"""`takeback check-ledger`, `export-ledger` and `export-refunds`."""

from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from takeback.cancellations.models import CancellationPlan
from takeback.cancellations.statuses import PlanStatus
from takeback.cli.main import app
from takeback.orders.models import Order
from takeback.refunds.commands.anchor import anchor_day
from takeback.refunds.models import LedgerAnchor, LedgerEntry
from takeback.refunds.statuses import Status
from tests.factories import NOW
from tests.refunds.ledgers import create_account, create_payment, refund_in
from tests.rigs.ledger import without_triggers

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("several commands in one test"),
]


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    return result.exit_code, result.stdout, result.stderr.strip()


def create_refund() -> int:
    """A confirmed refund of a completed plan; returns the order's id."""
    payment = create_payment()
    plan = CancellationPlan.objects.create(
        order=payment.order, plan_type="cancel", status=PlanStatus.COMPLETED.value
    )
    refund_in(Status.CONFIRMED, payment, account=create_account(), plan_id=plan.pk)
    Order.objects.update(refund_minor=1000)
    return payment.order_id


def test_check_of_a_right_ledger_names_its_newest_anchor() -> None:
    assert run("check-ledger") == (0, "", "0 differences in 0 entries and 0 anchors.")
    create_refund()
    anchor_day(NOW + timedelta(days=1))
    digest = LedgerAnchor.objects.get().hash
    expected = (
        f"0 differences in 4 entries and 1 anchor. The newest anchor, of 2026-03-10, is {digest}."
    )
    assert run("check-ledger") == (0, "", expected)


def test_check_prints_one_line_for_each_difference_and_exits_with_1() -> None:
    order_id = create_refund()
    Order.objects.update(refund_minor=999)
    with without_triggers():
        LedgerEntry.objects.filter(seq=1, side=2).update(refund_invoice_number="forged")
    assert run("check-ledger") == (
        1,
        (
            f"order {order_id}: hash_differs: booking 1, side 2\n"
            f"order {order_id}: refund_total_differs: the order has 9.99 TRY, not 10.00 TRY\n"
        ),
        "2 differences in 4 entries and 0 anchors.",
    )


def test_ledger_is_exported_to_a_file_or_printed(tmp_path: Path) -> None:
    create_refund()
    file = tmp_path / "ledger.beancount"
    file.write_text("older")
    assert run("export-ledger", str(file)) == (0, "", "")
    code, printed, _ = run("export-ledger", "-")
    assert (code, printed) == (0, file.read_text())
    assert printed.count(" ~ 0 TRY\n") == 3
    assert list(tmp_path.iterdir()) == [file]
    _, later, _ = run("export-ledger", "--from", "2026-03-11", "-")
    _, earlier, _ = run("export-ledger", "--to", "2026-03-09", "-")
    assert ('"plan"' in printed, '"plan"' in later, '"plan"' in earlier) == (True, False, False)


def test_refunds_are_exported_by_day_of_the_shop() -> None:
    order_id = create_refund()
    header = (
        "account,order,payment,payment_reference,tax_rate,refund_invoice_number,currency,"
        "refunded,returned,found,charged_back,total,tax\n"
    )
    period = ("export-refunds", "--from", "2026-03-10", "--to", "2026-03-10")
    code, printed, _ = run(*period)
    assert (code, printed.partition("\n")[0] + "\n") == (0, header)
    assert printed.splitlines()[1].startswith(f"1:card,{order_id},")
    assert printed.splitlines()[1].endswith(",18.00,,TRY,10.00,0.00,0.00,0.00,10.00,0.00")
    assert run("export-refunds", "--from", "2026-03-11", "--to", "2026-03-12")[1] == header


def test_failed_export_leaves_the_older_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from takeback.refunds import beancount

    def fail(first: int, last: int) -> None:
        raise RuntimeError

    create_refund()
    file = tmp_path / "ledger.beancount"
    file.write_text("older")
    monkeypatch.setattr(beancount, "money_of_orders", fail)
    assert run("export-ledger", str(file))[0] == 1
    assert (file.read_text(), list(tmp_path.iterdir())) == ("older", [file])


def test_export_is_written_to_a_pipe_without_renaming_it(tmp_path: Path) -> None:
    assert run("export-ledger", "/dev/null") == (0, "", "")
    assert not Path("/dev/null").is_file()


@pytest.mark.parametrize("command", ["export-ledger", "export-refunds"])
def test_wrong_periods_and_files_end_with_a_sentence(command: str, tmp_path: Path) -> None:
    period = ("--from", "2026-03-02", "--to", "2026-03-01")
    assert run(command, *period, "-") == (2, "", "Error: --from is later than --to.")
    right = ("--from", "2026-03-01", "--to", "2026-03-02")
    missing = tmp_path / "missing" / "file"
    assert run(command, *right, str(missing)) == (
        1,
        "",
        (
            f"Error: {missing}.partial cannot be used (No such file or directory). Correct its"
            " path or its rights."
        ),
    )
    code, _, error = run(command, "--from", "yesterday", "--to", "2026-03-02", "-")
    assert (code, "does not match the format" in error) == (2, True)
