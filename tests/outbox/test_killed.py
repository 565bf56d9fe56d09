"""A worker that is killed or stopped while it handles a message."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from takeback.core import clock
from takeback.outbox.commands import LEASE
from takeback.outbox.models import Message
from takeback.outbox.worker import Delivery, Worker
from tests.factories import create_message
from tests.rigs.processes import stop, wait_for_end
from tests.rigs.serving import database_url

pytestmark = pytest.mark.heavy

TOPICS = ["thing.happened", "refund.planned"]
"""One that the main thread handles, and one for the pool."""
SCRIPT = """
import sys, time
from pathlib import Path
from takeback.cli.setup import boot
boot()
from takeback.cli.worker import work

folder, topic = Path(sys.argv[1]), sys.argv[2]

def handler(delivery):
    (folder / "started").touch()
    while not (folder / "go").exists():
        time.sleep(0.01)
    (folder / "finished").touch()

work({topic: handler})
"""


@contextmanager
def _running_worker(folder: Path, topic: str) -> Iterator[subprocess.Popen[bytes]]:
    """The real worker while it runs the handler of the script."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, folder, topic],
        env=os.environ | {"DATABASE_URL": database_url()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        end = time.monotonic() + 60
        while not (folder / "started").exists():
            assert process.poll() is None, process.communicate()[1].decode()
            assert time.monotonic() < end
            time.sleep(0.01)
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("topic", TOPICS)
def test_message_of_a_killed_worker_runs_again_after_its_lease(tmp_path: Path, topic: str) -> None:
    message = create_message(topic=topic)
    before = clock.now()
    with _running_worker(tmp_path, topic) as process:
        assert stop(process, number=signal.SIGKILL) == -signal.SIGKILL
    assert not (tmp_path / "finished").exists()
    message.refresh_from_db()
    assert (message.attempts, message.done_at) == (1, None)
    assert message.leased_until is not None
    assert before + LEASE < message.leased_until < clock.now() + LEASE

    delivered: list[Delivery] = []
    other = Worker({topic: delivered.append})
    assert other.deliver_next(message.leased_until - timedelta(microseconds=1)) is False
    assert other.deliver_next(message.leased_until) is True

    done = Message.objects.get()
    assert [delivery.key for delivery in delivered] == [message.key]
    assert (done.attempts, done.leased_until) == (2, None)
    assert done.done_at is not None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("topic", TOPICS)
def test_stopped_worker_finishes_its_message_and_takes_no_other(tmp_path: Path, topic: str) -> None:
    lane = {"lane": 1}
    first = create_message(topic=topic, payload=lane)
    with _running_worker(tmp_path, topic) as process:
        process.send_signal(signal.SIGTERM)
        # The pool would hand this one to a second thread.
        time.sleep(0.7)
        second = create_message(topic=topic, payload=lane)
        (tmp_path / "go").touch()
        assert wait_for_end(process) == 0
    assert (tmp_path / "finished").exists()
    done = dict(Message.objects.values_list("pk", "attempts"))
    assert done == {first.pk: 1, second.pk: 0}
    assert Message.objects.get(done_at__isnull=False) == first
