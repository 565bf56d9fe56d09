"""Of several batches of one content type that commit at once, one succeeds."""

from functools import partial

import pytest
from django.db import IntegrityError, connection
from django.db.models import QuerySet

from takeback.channel_sync import errors
from takeback.channel_sync.commands import BatchIn, ObjectIn, change_batch, open_batch
from takeback.channel_sync.content_types import ContentType
from takeback.channel_sync.models import BatchRequest, IntegrationAction
from takeback.channel_sync.statuses import BatchStatus
from takeback.core import errors as core_errors
from takeback.core.errors import Refused
from tests import factories
from tests.conftest import CI, LONG
from tests.rigs.races import CONSTRAINT, WON, Clients

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(0 if LONG else 600),
    pytest.mark.heavy("postgresql"),
]

REFUSED = errors.INVALID_TRANSITION.code
MAX_ROUNDS = 100
"""Without its guard, a race must occur within this number of rounds."""


def _commit(batch_id: int) -> None:
    """Commit as the view does: a violation of the unique index is a conflict."""
    changes = BatchIn(
        status=BatchStatus.COMMIT,
        content_type=ContentType.PRODUCT,
        objects=[ObjectIn(ContentType.PRODUCT, batch_id)],
    )
    try:
        change_batch(factories.SHOP, batch_id, changes, factories.NOW)
    except IntegrityError as error:
        raise Refused(core_errors.CONFLICT) from error


def _race(clients: Clients) -> dict[str, int]:
    IntegrationAction.objects.all().delete()
    BatchRequest.objects.all().delete()
    numbers = [open_batch(factories.SHOP, factories.NOW) for _ in range(4)]
    return dict(clients.race([partial(_commit, number) for number in numbers]))


def test_one_of_four_batches_commits(long_run: bool) -> None:
    factories.create_channel()

    with Clients(4) as clients:
        for _ in range(10_000 if long_run else 30 if CI else 3):
            assert _race(clients) == {WON: 1, REFUSED: 3}
            assert BatchRequest.objects.filter(status="commit").count() == 1
            assert IntegrationAction.objects.count() == 1


def test_without_the_lock_the_index_admits_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time and no row lock to disable")
    factories.create_channel()
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **_: rows.all())

    with Clients(4) as clients:
        for _ in range(MAX_ROUNDS):
            results = _race(clients)
            assert BatchRequest.objects.filter(status="commit").count() == 1
            if CONSTRAINT in results:
                return
    pytest.fail("no race occurred, so the index was not tested")
