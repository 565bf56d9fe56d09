"""A killed import loses one batch at most, and the next run completes it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db.models import Sum

from takeback.cancellations.models import CancellationRequest
from takeback.orders.models import Order, OrderItem
from tests.factories import create_channel
from tests.importer.files import EXAMPLE, import_file, line, write
from tests.rigs.serving import database_url

pytestmark = pytest.mark.heavy

ORDERS, LINES = 1_000, 20
"""Four batches."""


def _importing(path: Path) -> subprocess.Popen[bytes]:
    command: list[str | Path] = [Path(sys.executable).with_name("takeback"), "import", "orders"]
    return subprocess.Popen(
        [*command, path, "--mapping", EXAMPLE],
        env=os.environ | {"DATABASE_URL": database_url()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def _wait_for_the_first_batch(process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while not Order.objects.exists():
        assert process.poll() is None, process.communicate()[1].decode()
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.thorough
@pytest.mark.django_db(transaction=True)
def test_a_killed_import_is_completed_by_the_next_run(tmp_path: Path) -> None:
    create_channel()
    path = write(
        tmp_path,
        *(
            line(number=str(order), sku=str(sku), customer=f"{order % 50}.0")
            for order in range(ORDERS)
            for sku in range(LINES)
        ),
        *(
            line(number=f"C{order}", sku="1", quantity=-6, customer=f"{order % 50}.0")
            for order in range(100)
        ),
    )
    process = _importing(path)
    try:
        _wait_for_the_first_batch(process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    done = Order.objects.count()
    assert 0 < done < ORDERS
    assert OrderItem.objects.count() == LINES * done
    assert CancellationRequest.objects.count() == 0

    rest = import_file(path)

    assert rest.counts == (ORDERS - done, 0, done, 0)
    assert (rest.summary.matched_lines, rest.summary.cases, rest.lines) == (100, 100, [])
    assert Order.objects.count() == ORDERS
    assert OrderItem.objects.count() == ORDERS * LINES
    assert OrderItem.objects.aggregate(used=Sum("units_closed")) == {"used": 600}
    assert import_file(path).counts == (0, 0, ORDERS, 0)
    assert CancellationRequest.objects.count() == 100


@pytest.mark.thorough
@pytest.mark.django_db(transaction=True)
def test_two_imports_of_one_file_at_once_store_it_once(tmp_path: Path) -> None:
    create_channel()
    path = write(tmp_path, *(line(number=str(order)) for order in range(300)))

    processes = [_importing(path) for _ in range(2)]
    errors = [process.communicate()[1].decode() for process in processes]

    assert [process.returncode for process in processes] == [0, 0], errors
    assert (Order.objects.count(), OrderItem.objects.count()) == (300, 300)
    assert import_file(path).counts == (0, 0, 300, 0)
