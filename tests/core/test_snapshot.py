"""Queries in a snapshot read one state of the database, and writers go on."""

import threading

import pytest
from django.db import connection, transaction

from takeback.accounts.models import Channel
from takeback.core.db.snapshot import read_snapshot
from tests.factories import create_channel


def _add_channel_elsewhere() -> None:
    """Commit a channel through another connection."""

    def add() -> None:
        create_channel(pk=2)
        connection.close()

    writer = threading.Thread(target=add)
    writer.start()
    writer.join(30)
    assert not writer.is_alive()


@pytest.mark.django_db(transaction=True)
def test_snapshot_does_not_see_later_commits_and_does_not_delay_them() -> None:
    create_channel()
    with read_snapshot():
        assert Channel.objects.count() == 1
        _add_channel_elsewhere()
        assert Channel.objects.count() == 1
    assert Channel.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_connection_is_usable_after_a_failure_in_a_snapshot() -> None:
    with pytest.raises(Channel.DoesNotExist), read_snapshot():
        Channel.objects.get()
    with transaction.atomic():
        create_channel()
    assert Channel.objects.count() == 1


@pytest.mark.django_db
def test_snapshot_inside_a_transaction_reads_what_it_reads() -> None:
    create_channel()
    with read_snapshot():
        assert Channel.objects.count() == 1
