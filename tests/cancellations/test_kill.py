"""Killed at any point of a create: nothing or everything is there, and once more is once."""

import shutil
import subprocess
from itertools import count
from signal import SIGKILL
from typing import NamedTuple

import pytest
import zeal
from django.conf import settings
from django.db import connection

from takeback.core.errors import Refused
from takeback.orders.statuses import Status
from tests import factories
from tests.conftest import CI, LONG
from tests.rigs import kill
from tests.rigs.kill import DONE, UNDONE, Errand, victims

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.heavy]

ROUNDS = 100 if LONG else 10 if CI else 1


class Traces(NamedTuple):
    """What a create leaves."""

    cases: int
    steps: int
    pictures: int
    returns: int
    messages: int
    """Waiting for a worker that nobody has told."""


NOTHING, EVERYTHING = Traces(0, 0, 0, 0, 0), Traces(1, 1, 1, 1, 1)


def traces(errand: Errand) -> Traces:
    """What is there of this errand, at one moment: the killed one's COMMIT may still be coming."""
    mine = "SELECT id FROM cancellations_cancellationrequest WHERE order_item_id = %s"
    case = f"cancellation_request_id IN ({mine})"
    keys = f"SELECT 'cancellation_request.opened:' || id || '.1' FROM ({mine})"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT
                (SELECT COUNT(*) FROM ({mine}) found),
                (SELECT COUNT(*) FROM cancellations_casehistory WHERE {case}),
                (SELECT COUNT(*) FROM cancellations_cancellationrequestimage WHERE {case}),
                (SELECT COUNT(*) FROM logistics_easyreturn WHERE carrier = %s),
                (SELECT COUNT(*) FROM outbox_message WHERE key IN ({keys} found)
                  AND attempts = 0 AND done_at IS NULL AND leased_until IS NULL)""",
            [*[errand.order_item] * 3, carrier_of(errand), errand.order_item],
        )
        return Traces(*cursor.fetchone())


def carrier_of(errand: Errand) -> str:
    """Each errand has a carrier of its own, by which its way back is known."""
    return f"carrier {errand.order_item}"


def errands(first: int, number: int) -> list[Errand]:
    """Delivered lines, each of an order of its own."""
    reason, found = factories.create_reason(kind="refund").pk, []
    with zeal.zeal_ignore():
        for index in range(first, first + number):
            told = factories.item_input(status=Status.DELIVERED)
            [item] = factories.items_of(factories.create_order(number=str(index), items=[told]))
            carrier = factories.create_carrier(carrier=f"carrier {item.pk}").pk
            found.append(Errand(item.pk, reason, carrier, f"cases/{item.pk}.jpg"))
    return found


def once_more(errand: Errand, before: Traces) -> None:
    """The same again: let in when nothing was there, else refused; exactly one either way."""
    with zeal.zeal_ignore():
        if before == EVERYTHING:
            with pytest.raises(Refused, match="cancellation_request_100_1"):
                kill.run(errand)
        else:
            kill.run(errand)
    assert traces(errand) == EVERYTHING


@pytest.mark.timeout(600)
def test_killed_at_a_named_point() -> None:
    points = [(point, NOTHING) for point in UNDONE] + [(point, EVERYTHING) for point in DONE]
    with victims() as parent:
        for number in range(ROUNDS):
            told = errands(number * len(points), len(points))
            for (point, left), errand in zip(points, told, strict=True):
                assert (point, parent.die(point, errand)) == (point, SIGKILL)
                assert (point, traces(errand)) == (point, left)
                # A picture nobody knows of is swept away later; a row without one cannot be.
                assert (settings.DATA_DIR / "media" / errand.picture).exists()
                once_more(errand, left)


@pytest.fixture
def strace() -> str:
    """Kills at a system call; only where every one of them is tried."""
    if not (CI or LONG):
        pytest.skip("killed at every system call: only in .ci/run and ./dev check --long")
    found = shutil.which("strace")
    if found is None:
        pytest.fail("strace is not installed")
    return found


CALLS = {"sqlite": "fsync,fdatasync", "postgresql": "sendto"}
"""What makes a write last: on PostgreSQL it is the server's, and what we say to it is ours."""


@pytest.mark.timeout(600)
def test_killed_at_every_call_that_matters(strace: str) -> None:
    calls = CALLS[connection.vendor]
    tally = {NOTHING: 0, EVERYTHING: 0}
    for number in count(1):
        [errand] = errands(number, 1)
        inject = f"inject={calls}:signal=SIGKILL:when={number}"
        traced = [strace, "-qq", "-f", "-e", f"trace={calls}", "-e", inject, "-o", "/dev/null"]
        done = subprocess.run(
            [*traced, *kill.command(*errand)],
            env=kill.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        before = traces(errand)
        assert before in tally, (number, before)
        if done.returncode == 0:
            assert before == EVERYTHING
            break
        assert done.returncode == -SIGKILL, done.stderr
        tally[before] += 1
        once_more(errand, before)
    assert sum(tally.values()) >= 1
