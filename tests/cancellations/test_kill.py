"""A process killed while it opens a case leaves nothing or everything, and a retry opens one."""

import shutil
import subprocess
from itertools import count
from signal import SIGKILL
from typing import NamedTuple

import pytest
import zeal
from django.conf import settings
from django.db import connection

from takeback.core import clock
from takeback.core.errors import Refused
from takeback.orders.statuses import Status
from tests import factories
from tests.cancellations.factories import order_items
from tests.conftest import CI, LONG
from tests.rigs import kill
from tests.rigs.kill import DONE, UNDONE, Errand, victims

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.heavy]

ROUNDS = 100 if LONG else 10 if CI else 1


class RowCounts(NamedTuple):
    """The numbers of rows that opening a case writes."""

    cases: int
    history: int
    images: int
    returns: int
    messages: int
    """Messages that no worker has claimed."""


NOTHING, EVERYTHING = RowCounts(0, 0, 0, 0, 0), RowCounts(1, 1, 1, 1, 1)


def row_counts(errand: Errand) -> RowCounts:
    """The rows of an errand, read in one statement: its COMMIT may still be running."""
    own = "SELECT id FROM cancellations_cancellationrequest WHERE order_item_id = %s"
    case = f"cancellation_request_id IN ({own})"
    keys = f"SELECT 'cancellation_request.opened:' || id || '.1' FROM ({own})"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT
                (SELECT COUNT(*) FROM ({own}) own),
                (SELECT COUNT(*) FROM cancellations_casehistory WHERE {case}),
                (SELECT COUNT(*) FROM cancellations_cancellationrequestimage WHERE {case}),
                (SELECT COUNT(*) FROM logistics_easyreturn WHERE carrier = %s),
                (SELECT COUNT(*) FROM outbox_message WHERE key IN ({keys} own)
                  AND attempts = 0 AND done_at IS NULL AND leased_until IS NULL)""",
            [*[errand.order_item] * 3, carrier_of(errand), errand.order_item],
        )
        return RowCounts(*cursor.fetchone())


def carrier_of(errand: Errand) -> str:
    """Each errand has its own carrier, which identifies its easy return."""
    return f"carrier {errand.order_item}"


def errands(first: int, number: int) -> list[Errand]:
    """Returns of items, each of its own order."""
    reason, new = factories.create_reason(kind="refund").pk, []
    with zeal.zeal_ignore():
        for index in range(first, first + number):
            [item] = order_items({"status": Status.DELIVERED}, number=str(index), now=clock.now())
            carrier = factories.create_carrier(carrier=f"carrier {item.pk}").pk
            new.append(Errand(item.pk, reason, carrier, f"cases/{item.pk}.jpg"))
    return new


def retry(errand: Errand, before: RowCounts) -> None:
    """Run the errand again: it is refused if its case exists, and leaves one case in any event."""
    with zeal.zeal_ignore():
        if before == EVERYTHING:
            with pytest.raises(Refused, match="cancellation_request_100_1"):
                kill.run(errand)
        else:
            kill.run(errand)
    assert row_counts(errand) == EVERYTHING


@pytest.mark.timeout(600)
def test_process_killed_at_a_named_point() -> None:
    points = [(point, NOTHING) for point in UNDONE] + [(point, EVERYTHING) for point in DONE]
    with victims() as parent:
        for number in range(ROUNDS):
            batch = errands(number * len(points), len(points))
            for (point, left), errand in zip(points, batch, strict=True):
                assert (point, parent.die(point, errand)) == (point, SIGKILL)
                assert (point, row_counts(errand)) == (point, left)
                # A file without a row is deleted later; a row without a file must not exist.
                assert (settings.DATA_DIR / "media" / errand.image).exists()
                retry(errand, left)


@pytest.fixture
def strace() -> str:
    """The path of strace, which kills a process at a system call."""
    if not (CI or LONG):
        pytest.skip("killed at every system call: only in .ci/run and ./dev check --long")
    path = shutil.which("strace")
    if path is None:
        pytest.fail("strace is not installed")
    return path


CALLS = {"sqlite": "fsync,fdatasync", "postgresql": "sendto"}
"""The system calls that make a write durable; with PostgreSQL those that send to the server."""


@pytest.mark.timeout(600)
def test_process_killed_at_every_durable_system_call(strace: str) -> None:
    calls = CALLS[connection.vendor]
    tally = {NOTHING: 0, EVERYTHING: 0}
    for number in count(1):
        [errand] = errands(number, 1)
        inject = f"inject={calls}:signal=SIGKILL:when={number}"
        traced = [strace, "-qq", "-f", "-e", f"trace={calls}", "-e", inject, "-o", "/dev/null"]
        process = subprocess.run(
            [*traced, *kill.command(*errand)],
            env=kill.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        before = row_counts(errand)
        assert before in tally, (number, before)
        if process.returncode == 0:
            assert before == EVERYTHING
            break
        assert process.returncode == -SIGKILL, process.stderr
        tally[before] += 1
        retry(errand, before)
    assert sum(tally.values()) >= 1
